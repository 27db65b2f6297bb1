"""Each cause is said from its evidence, the one that explains the others first; without evidence nothing is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.analysis.causes import cause
from harness.analysis.cells import BLOCKED_MS, JudgedSlice, cells
from harness.analysis.evidence import Cell
from harness.judging.figures import PhaseFigures, SliceFigures
from harness.results.records.finding import Finding
from harness.results.records.outcome import Outcome
from tests.made_slices import histogram, judged, phase, slice
from tests.synthetic_run import run_record

RUN = run_record(["sync_def"], ["io"], rounds=3, seed=1, phase_s=4.0, rates_percent=(30,), peculiar=False)
LATE_US, PROMPT_US = round(BLOCKED_MS * 2e3), 500


def said(figures: PhaseFigures, *codes: str, lags_us: tuple[int, ...] = (), level: Any = "info") -> str:
    findings = tuple(Finding(code, level, "it was so", "nothing") for code in codes)
    made = [slice("sync_def", round, figures, findings=findings) for round in (1, 2)]
    return cause(cell_of(made, lags_us), made, target_cores=2, users=64)


def test_connections_that_were_taken_are_said_beside_a_free_loop() -> None:
    taken = phase(100.0, target_cores=0.2, pool_waiting_max=49, limiter_waiting_max=24)
    made = [slice("sync_def", round, taken) for round in (1, 2)]
    waits_us, responses_us = [150_000] * 200, {"capacity": [200_000] * 200}
    with_waits = [
        JudgedSlice(
            each.figures,
            {
                name: replace(part, pool_waits=histogram(waits_us), loop_lags=histogram([PROMPT_US] * 200))
                for name, part in each.evidence.items()
            },
        )
        for each in (judged(one, responses_us) for one in made)
    ]
    (pooled,) = cells(RUN, with_waits)
    assert pooled.phases["capacity"].pool_wait_p99_ms == pytest.approx(150, rel=0.01)
    assert cause(pooled, made, target_cores=2, users=64) == (
        "sync_def: its database connections were taken and up to 49 requests waited for one, 150 ms in the middle, "
        "while its event loop was at most 0 ms late (p99)."
    )


def test_requests_that_hold_all_connections_for_ever_are_named_though_nobody_was_answered() -> None:
    stuck = phase(0.0, limiter_waiting_max=24, pool_waiting_max=40, outcomes={Outcome.TIMEOUT: 64})
    assert said(stuck, "no_answer", level="invalid") == (
        "sync_def: no right answer in 2 slices; all of AnyIO's threads were taken and up to 24 requests waited for "
        "one; up to 40 requests waited for a database connection."
    )


def cell_of(slices: list[SliceFigures], lags_us: tuple[int, ...]) -> Cell:
    with_lags = [
        JudgedSlice(
            each.figures, {name: replace(part, loop_lags=histogram(lags_us)) for name, part in each.evidence.items()}
        )
        for each in map(judged, slices)
    ]
    (found,) = cells(RUN, with_lags)
    return found


QUIET = phase(100.0, target_cores=0.2)


def test_without_evidence_nothing_is_said() -> None:
    assert said(QUIET) == ""
    assert said(QUIET, lags_us=(PROMPT_US,) * 9 + (LATE_US,)) == ""
    assert said(phase(100.0, target_cores=1.4, target_processes_max=2, limiter_waiting_max=3)) == ""
    assert said(phase(100.0, target_cores=1.0, target_processes_max=5)) == "", "several share that core"


@pytest.mark.parametrize(
    ("figures", "codes", "lags_us", "sentence"),
    [
        (QUIET, (), (LATE_US,) * 9 + (PROMPT_US,), "its event loop could not run in 90% of the time"),
        (
            phase(100.0, target_cores=0.2, limiter_waiting_max=24),
            (),
            (),
            "all of AnyIO's threads were taken and up to 24 requests waited for one",
        ),
        (
            phase(200.0, target_cores=1.9, target_cpu_s_per_1000=9.5),
            (),
            (),
            "its CPU was used up, 1.9 of 2 cores (2 cores / 9.5 ms of CPU a request)",
        ),
        (
            phase(200.0, target_cores=1.0, target_processes_max=2),
            (),
            (),
            "it used up one core of 2, which is all that one Python process computes on at a time",
        ),
        (phase(392.0, target_cores=0.2), (), (), "it reached 98% of its ceiling of 400/s (40 in flight / 0.1 s)"),
        (phase(404.0, target_cores=0.2), (), (), "it reached 100% of its ceiling of 400/s (40 in flight / 0.1 s)"),
        (QUIET, ("uneven_workers",), (), "one of its workers had far more than its share of the requests"),
        (QUIET, ("busy_while_idle",), (), "it uses CPU while nobody asks"),
        (QUIET, ("memory_grows",), (), "its memory grows with the requests"),
        (QUIET, ("memory_grows", "service_busy"), (LATE_US,), "the service it calls was at its limit"),
    ],
)
def test_the_evidence_is_said(
    figures: PhaseFigures, codes: tuple[str, ...], lags_us: tuple[int, ...], sentence: str
) -> None:
    assert said(figures, *codes, lags_us=lags_us) == f"sync_def: {sentence}."


def test_a_blocked_loop_explains_the_rest() -> None:
    everything = phase(392.0, target_cores=1.9, limiter_waiting_max=24)
    assert "event loop" in said(everything, "uneven_workers", "memory_grows", lags_us=(LATE_US,) * 10)


def test_taken_threads_are_named_though_nobody_was_answered_and_no_more_is_claimed() -> None:
    """A workload that takes longer than the phase looks the same as threads that wait for each other."""
    stuck = phase(0.0, limiter_waiting_max=60, outcomes={Outcome.TIMEOUT: 64})
    assert said(stuck, "no_answer", level="invalid") == (
        "sync_def: no right answer in 2 slices; all of AnyIO's threads were taken and up to 60 requests waited for one."
    )
    silent = phase(0.0, outcomes={Outcome.TIMEOUT: 64})
    assert said(silent, "no_answer", level="invalid") == "sync_def: no right answer in 2 slices."


def test_what_one_of_three_slices_met_explains_nothing() -> None:
    busy = Finding("service_busy", "invalid", "it was so", "nothing")
    made = [slice("sync_def", round, QUIET, findings=(busy,) if round == 1 else ()) for round in (1, 2, 3)]
    assert cause(cell_of(made, ()), made, target_cores=2, users=64) == ""


def test_what_was_measured_again_explains_nothing() -> None:
    busy = Finding("service_busy", "invalid", "it was so", "nothing")
    made = [slice("sync_def", 1, QUIET, findings=(busy,), boot=1), slice("sync_def", 1, QUIET, boot=2)]
    assert cause(cell_of(made, ()), made, target_cores=2, users=64) == ""
