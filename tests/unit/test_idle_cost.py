"""The idle cost: measured without load, in two parts, and said to be unusable where load would change it."""

from __future__ import annotations

import msgspec
import pytest

from harness.judging.idle_cost import IdleCost, idle_cost_in
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus
from harness.results.records.sample import Sample
from harness.results.records.slice_record import SliceRecord
from tests.made_slices import slice

IDLE = PhaseRecord(
    spec=PhaseSpec("idle", PhaseKind.IDLE, 0.8, 1),
    status=PhaseStatus.COMPLETE,
    start_s=7.0,
    end_s=7.8,
    health_scheduled=25,
    health_outcomes={Outcome.OK: 20, Outcome.TIMEOUT: 5},
)
EDGES = [
    Sample(t_s=t_s, tree="target", cpu_s=cpu_s, rss_bytes=7, processes=1, mark=f"idle:{mark}")
    for t_s, cpu_s, mark in ((7.0, 5.0, "start"), (7.8, 5.04, "end"))
]


def record(*phases: PhaseRecord) -> SliceRecord:
    return msgspec.structs.replace(slice().record, phases=phases)


def test_it_is_read_from_the_phase_without_load() -> None:
    """40 ms in 0.8 s: 0.02 of a core for the timers of two workers, the rest for 20 answered checks."""
    found = idle_cost_in(record(IDLE), EDGES, workers=2)
    assert found is not None
    assert found.cores == pytest.approx(0.05)
    assert (found.workers, found.always_cores) == (2, pytest.approx(0.02))
    assert (found.check_s, found.checks_per_s) == (pytest.approx(0.03 * 0.8 / 20), pytest.approx(25.0))
    assert idle_cost_in(record(IDLE), []) is None, "no samples of it"
    assert idle_cost_in(record(), EDGES) is None, "no such phase"
    assert idle_cost_in(record(msgspec.structs.replace(IDLE, status=PhaseStatus.SKIPPED)), EDGES) is None


def test_the_parts_add_up_and_work_of_the_app_itself_is_not_the_checks() -> None:
    little = IdleCost.measured(0.004, checks_per_s=30.0, workers=1)
    assert (little.always_cores, little.check_s) == (0.004, 0.0), "timers have at most the whole"
    busy = IdleCost.measured(0.24, checks_per_s=30.0, workers=1)
    assert (busy.check_s, busy.always_cores) == (0.002, pytest.approx(0.18)), "no check costs more than 2 ms"
    unasked = IdleCost.measured(0.04, checks_per_s=0.0, workers=1)
    assert (unasked.check_s, unasked.always_cores) == (0.0, 0.04)
    assert [cost.cores for cost in (little, busy, unasked)] == [pytest.approx(c) for c in (0.004, 0.24, 0.04)]


def test_one_busy_worker_of_several_gets_less_under_load_as_one_alone_does() -> None:
    def is_less(cores: float, workers: int) -> bool:
        return IdleCost.measured(cores, checks_per_s=30.0, workers=workers).is_less_under_load

    assert is_less(0.52, 1) and not is_less(0.50, 1)
    assert is_less(0.92, 2), "the thread may be in one of the two"
    assert not is_less(0.05, 2), "what two idle workers use"
    assert not is_less(0.70, 64), "mostly timers"
