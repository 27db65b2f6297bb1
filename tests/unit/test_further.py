"""Where further sessions go: to what is still open, within the time, in as many looks as share the 5 %."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from harness import plan
from harness.judging.capacities import capacities_so_far
from harness.judging.simultaneous import MOST_LOOKS
from harness.measuring.applicable import UnusableSelectionError, require_budget
from harness.measuring.further import (
    FEWEST_FURTHER_ROUNDS,
    further_sessions,
    look_at,
    looked,
    still_open,
    with_further,
)
from harness.measuring.known import Known
from harness.results.records.boot_record import BootRecord
from harness.results.records.noise_record import Noise
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus
from harness.results.records.run_record import Looked, RunRecord
from harness.results.records.schema import SCHEMA_VERSION
from harness.results.records.slice_record import SliceRecord
from tests.synthetic_run import run_record

NAMES = ("sync_def", "fake_async", "pure_async")


def record(budget_s: float = 600.0, rounds: int = 4, workloads: Sequence[str] = ("io",)) -> RunRecord:
    made = run_record(NAMES, list(workloads), rounds=rounds, seed=1, phase_s=1.0, rates_percent=(), peculiar=False)
    profile = msgspec.structs.replace(made.profile, budget_s=budget_s)
    return msgspec.structs.replace(made, profile=profile, looks={})


def boots(
    made: RunRecord, rps: dict[str, float], scatter: float = 0.05, seed: int = 1, workload: str = "io"
) -> list[BootRecord]:
    """Every slice of the plan, with these capacities and so much scatter of the logarithm."""
    chance = np.random.default_rng(seed)
    found: dict[tuple[str, int], list[SliceRecord]] = {}
    for spec in (spec for spec in made.plan if spec.workload == workload):
        value = rps[spec.variant] * float(chance.lognormal(0.0, scatter))
        found.setdefault((spec.variant, spec.session), []).append(measured(spec, value))
    return [
        BootRecord(
            schema_version=SCHEMA_VERSION,
            workload=workload,
            variant=variant,
            number=session,
            session=session,
            started_epoch_s=0.0,
            origin_monotonic_s=0.0,
            slices=tuple(slices),
        )
        for (variant, session), slices in found.items()
    ]


def measured(spec: plan.SliceSpec, rps: float, **changes: object) -> SliceRecord:
    phase = PhaseRecord(
        spec=PhaseSpec("capacity", PhaseKind.CAPACITY, 10.0, 64),
        status=PhaseStatus.COMPLETE,
        start_s=1.0,
        end_s=11.0,
        drained_s=11.1,
        scheduled=round(10 * rps),
        outcomes={Outcome.OK: round(10 * rps)},
        ok_in_window=round(10 * rps),
    )
    return SliceRecord(**{"spec": spec, "boot": spec.session, "elapsed_s": 12.0, "phases": (phase,), **changes})


APART = {"sync_def": 100.0, "fake_async": 10.0, "pure_async": 300.0}
NEAR = {"sync_def": 100.0, "fake_async": 10.0, "pure_async": 106.0}


def test_what_differs_by_far_needs_no_further_sessions() -> None:
    made = record()
    found = boots(made, APART)
    assert still_open(made, found, "io") == ()
    assert further_sessions(made, found, Known(made.preflight, ()), 1e6) is None


def test_only_what_is_open_is_measured_again_with_the_baseline() -> None:
    made = record()
    found = boots(made, NEAR)
    assert still_open(made, found, "io") == ("pure_async",)
    more = further_sessions(made, found, Known(made.preflight, ()), 600.0)
    assert more is not None
    assert (more.workload, more.open) == ("io", ("pure_async",))
    assert {spec.variant for spec in more.slices} == {"sync_def", "pure_async"}
    sessions = sorted({spec.session for spec in more.slices})
    last = max(spec.session for spec in made.plan)
    assert sessions == list(range(last + 1, last + 1 + len(sessions))) and len(sessions) > 1, "boots differ"
    rounds = sorted({spec.round for spec in more.slices})
    last = max(spec.round for spec in made.plan)
    assert rounds == list(range(last + 1, last + 1 + len(rounds)))
    assert len(rounds) >= FEWEST_FURTHER_ROUNDS * len(sessions)
    assert all(spec.phase == plan.CAPACITY_PHASE for spec in more.slices)
    assert plan.estimate_s(more.slices, made.profile, Known(made.preflight, ())) <= 600.0


def test_the_time_goes_first_to_where_the_largest_difference_may_be_missed() -> None:
    """`mixed` is loud: three times as fast is not decided there, nor six percent on `io`, which comes first."""
    made = record(workloads=("io", "mixed"))
    found = [*boots(made, NEAR), *boots(made, APART, scatter=1.5, workload="mixed")]
    assert still_open(made, found, "io") and still_open(made, found, "mixed")
    first = further_sessions(made, found, Known(made.preflight, ()), 600.0)
    assert first is not None and first.workload == "mixed"
    then = further_sessions(with_further(made, first), found, Known(made.preflight, ()), 600.0)
    assert then is not None and then.workload == "io", "each in its turn"


def test_servers_that_do_not_fit_side_by_side_do_not_meet_in_a_further_session_either() -> None:
    made = record()
    known = Known(made.preflight, ())
    groups = {"io": [["sync_def", "fake_async"], ["sync_def", "pure_async"]]}
    made = msgspec.structs.replace(made, plan=plan.sessions(groups, made.profile, known))
    found = boots(made, {"sync_def": 100.0, "fake_async": 95.0, "pure_async": 106.0})
    assert set(still_open(made, found, "io")) == {"fake_async", "pure_async"}
    met = []
    for _ in range(2):
        more = further_sessions(made, found, known, 600.0)
        assert more is not None
        met.append({spec.variant for spec in more.slices})
        made = with_further(made, more)
    assert met == [{"sync_def", "fake_async"}, {"sync_def", "pure_async"}], "each in its turn"


def test_no_session_begins_that_does_not_fit_into_the_time() -> None:
    made = record()
    assert further_sessions(made, boots(made, NEAR), Known(made.preflight, ()), 1.0) is None


def test_an_interval_that_is_as_narrow_as_asked_for_is_enough() -> None:
    made = record()
    profile = msgspec.structs.replace(made.profile, precision_percent=60.0)
    assert still_open(msgspec.structs.replace(made, profile=profile), boots(made, NEAR), "io") == ()


def test_there_are_no_more_looks_than_share_the_level() -> None:
    made = record()
    for look in range(1, MOST_LOOKS):
        assert look_at(made, "io") == Looked(look, MOST_LOOKS)
        more = further_sessions(made, boots(made, NEAR), Known(made.preflight, ()), 40.0)
        assert more is not None
        made = with_further(made, more)
    assert look_at(made, "io") == Looked(MOST_LOOKS, MOST_LOOKS)
    assert further_sessions(made, boots(made, NEAR), Known(made.preflight, ()), 40.0) is None


def test_a_run_that_has_spent_its_level_goes_no_further_when_it_is_resumed() -> None:
    made = record()
    found = boots(made, NEAR)
    assert further_sessions(made, found, Known(made.preflight, ()), 600.0) is not None
    over = msgspec.structs.replace(made, looks=looked(made, found))
    assert further_sessions(over, found, Known(made.preflight, ()), 600.0) is None


def test_a_run_that_stops_because_all_is_decided_has_an_early_looks_share() -> None:
    made = record()
    assert looked(made, boots(made, APART)) == {"io": Looked(1, MOST_LOOKS)}
    assert looked(made, boots(made, NEAR)) == {"io": Looked(1, 1)}, "its time was over"
    without = record(budget_s=0.0)
    assert looked(without, boots(without, APART)) == {"io": Looked(1, 1)}, "it was never to go on"


def test_a_round_that_was_disturbed_counts_for_nobody() -> None:
    made = record()
    found = boots(made, APART)
    first = next(spec for spec in made.plan if not spec.is_pilot)
    noise = Noise(steal_percent=0.0, load_1m=0.1, canary_ms=4.0, foreign_cores=0.9)

    def disturbed(boot: BootRecord) -> BootRecord:
        slices = tuple(
            msgspec.structs.replace(each, noise=noise) if each.spec == first else each for each in boot.slices
        )
        return msgspec.structs.replace(boot, slices=slices)

    values = capacities_so_far(map(disturbed, found), "io", made.profile)
    whole = capacities_so_far(found, "io", made.profile)
    for variant in NAMES:
        assert values[variant].keys() == whole[variant].keys() - {first.round}


def test_who_answers_wrongly_is_compared_with_nobody() -> None:
    made = record()
    found = boots(made, APART)
    wrong, *rest = [boot for boot in found if boot.variant == "fake_async"]
    bad = msgspec.structs.replace(
        wrong.slices[0].phases[0], outcomes={Outcome.OK: 99, Outcome.WRONG_ANSWER: 1}, scheduled=100, ok_in_window=99
    )
    spoilt = msgspec.structs.replace(
        wrong, slices=(msgspec.structs.replace(wrong.slices[0], phases=(bad,)), *wrong.slices[1:])
    )
    others = [boot for boot in found if boot.variant != "fake_async"]
    assert set(capacities_so_far([*others, spoilt, *rest], "io", made.profile)) == {"sync_def", "pure_async"}


def test_who_was_silent_in_a_whole_closed_loop_is_compared_with_nobody() -> None:
    made = record()
    found = boots(made, APART)
    silent, *rest = [boot for boot in found if boot.variant == "fake_async"]
    at = next(n for n, each in enumerate(silent.slices) if not each.spec.is_pilot)
    nothing = msgspec.structs.replace(silent.slices[at].phases[0], outcomes={}, scheduled=0, ok_in_window=0)
    slices = list(silent.slices)
    slices[at] = msgspec.structs.replace(slices[at], phases=(nothing,))
    others = [boot for boot in found if boot.variant != "fake_async"]
    all_of_them = [*others, msgspec.structs.replace(silent, slices=tuple(slices)), *rest]
    assert set(capacities_so_far(all_of_them, "io", made.profile)) == {"sync_def", "pure_async"}


def test_a_budget_below_the_least_is_refused_in_one_line() -> None:
    with pytest.raises(UnusableSelectionError, match=r"--budget 5s: too short for 2 sessions .* allow more") as refused:
        require_budget(record(budget_s=5.0))
    assert len(str(refused.value).splitlines()) == 1
    require_budget(record(budget_s=3600.0))
