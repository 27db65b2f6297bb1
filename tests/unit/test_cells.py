"""A cell is its valid trials, added up; and what could not be measured is there too, with its reason."""

from __future__ import annotations

from typing import Literal

import msgspec
import pytest

from harness.analysis.cells import JudgedTrial, cells
from harness.analysis.evidence import Cell
from harness.results.records.finding import Finding
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.records.run_record import Preflight, RunRecord
from tests.made_trials import INVALID, judged, phase, trial
from tests.synthetic_run import run_record

NO_ANSWER = Finding("no_answer", "invalid", "none came", "longer phases")
RUN = run_record(["sync_def"], ["io"], blocks=3, seed=1, phase_s=4.0, rates_percent=(30,), peculiar=False)


def cell_of(*trials: JudgedTrial, run: RunRecord = RUN) -> Cell:
    (found,) = cells(run, trials)
    return found


def test_capacity_is_the_mean_of_the_valid_trials_only() -> None:
    found = cell_of(
        judged(trial("sync_def", 1, phase(100.0))),
        judged(trial("sync_def", 2, phase(900.0), findings=(INVALID,))),
        judged(trial("sync_def", 3, phase(400.0))),
        judged(trial("sync_def", 0, phase(9000.0))),
    )
    assert (found.status, found.trials, found.valid_trials) == ("measured", 3, 2)
    assert found.capacity is not None
    assert (found.capacity.value, found.capacity.trials) == (pytest.approx(200.0), 2)
    assert found.ceiling is not None and found.ceiling.rps == 400.0
    assert found.phases["capacity"].statuses == {PhaseStatus.COMPLETE: 2}


def test_percentiles_are_of_all_requests_and_not_the_mean_of_percentiles() -> None:
    found = cell_of(
        judged(trial("sync_def", 1), {"capacity": [1000] * 900}),
        judged(trial("sync_def", 2), {"capacity": [9000] * 100}),
    ).phases["capacity"]
    assert found.response_p50 is not None and found.response_p99 is not None
    assert found.response_p50.value_ms == 1.0  # the mean of the medians would be 5
    assert found.response_p99.value_ms == 9.0
    assert found.response_p99.samples == 1000


def test_a_phase_that_was_skipped_is_counted_and_not_averaged() -> None:
    skipped = phase(0.0, rate_rps=30.0, status=PhaseStatus.SKIPPED, duration_s=0.0, outcomes={})
    found = cell_of(
        judged(trial("sync_def", 1, phase(), phase(30.0, rate_rps=30.0))),
        judged(trial("sync_def", 2, phase(), skipped)),
    ).phases["rate-30"]
    assert found.statuses == {PhaseStatus.COMPLETE: 1, PhaseStatus.SKIPPED: 1}
    assert (found.goodput_rps, found.target_cpu_s_per_1000, found.target_cores) == (None, None, None)
    assert found.overloaded == 1
    assert found.outcomes == {Outcome.OK: 120}
    assert found.offered_rps == 30.0


def test_one_trial_that_got_through_does_not_speak_for_two_that_were_overloaded() -> None:
    """At rate-30 one answered in 1 ms. Two had choked at rate-10, where 60 of 100 requests took 5 s or more."""

    def overloaded(block: int) -> JudgedTrial:
        slow = phase(2.0, rate_rps=10.0, name="rate-10", status=PhaseStatus.CHOKED)
        skipped = phase(0.0, rate_rps=30.0, status=PhaseStatus.SKIPPED, duration_s=0.0, outcomes={})
        times_us = [2000] * 40 + [5_000_000] * 60
        return judged(trial("sync_def", block, phase(), slow, skipped), {"rate-10": times_us})

    quick = phase(10.0, rate_rps=10.0, name="rate-10"), phase(30.0, rate_rps=30.0)
    survivor = judged(trial("sync_def", 3, phase(), *quick), {"rate-10": [1000] * 100, "rate-30": [1000] * 100})
    phases = cell_of(overloaded(1), overloaded(2), survivor).phases
    found = phases["rate-30"]
    assert found.overloaded == 2
    assert found.goodput_rps is None
    assert found.response_p50 is not None and found.response_p90 is not None
    assert (found.response_p50.value_ms, found.response_p50.at_least) == (2.0, True)
    assert (found.response_p90.value_ms, found.response_p90.at_least) == (pytest.approx(5000, rel=0.001), True)
    assert (found.response_p50.trial_low_ms, found.response_p50.trial_high_ms) == (1.0, pytest.approx(5000, rel=0.001))
    there = phases["rate-10"]  # here all three were measured
    assert there.overloaded == 2 and there.goodput_rps is not None
    assert there.response_p50 is not None and not there.response_p50.at_least


def test_a_percentile_among_the_answers_of_those_that_got_through_is_a_lower_bound_too() -> None:
    """Nobody knows how many requests the third would have had at rate-30: with more of them the median was slower."""

    def survivor(block: int) -> JudgedTrial:
        quick = phase(10.0, rate_rps=10.0, name="rate-10"), phase(30.0, rate_rps=30.0)
        return judged(trial("sync_def", block, phase(), *quick), {"rate-10": [1000] * 100, "rate-30": [1000] * 100})

    choked = phase(2.0, rate_rps=10.0, name="rate-10", status=PhaseStatus.CHOKED)
    skipped = phase(0.0, rate_rps=30.0, status=PhaseStatus.SKIPPED, duration_s=0.0, outcomes={})
    third = judged(trial("sync_def", 3, phase(), choked, skipped), {"rate-10": [9000] * 100})
    found = cell_of(survivor(1), survivor(2), third).phases["rate-30"].response_p50
    assert found is not None and (found.value_ms, found.at_least) == (1.0, True)
    alone = cell_of(survivor(1), survivor(2)).phases["rate-30"].response_p50
    assert alone is not None and (alone.value_ms, alone.at_least) == (1.0, False)


def test_one_trial_without_a_right_answer_leaves_its_cell_without_a_capacity() -> None:
    silent = trial("sync_def", 2, phase(0.0, outcomes={Outcome.TIMEOUT: 64}), findings=(NO_ANSWER,))
    found = cell_of(judged(trial("sync_def", 1, phase(100.0))), judged(silent), judged(trial("sync_def", 3)))
    assert (found.status, found.valid_trials, found.without_answer) == ("measured", 2, 1)
    assert (found.capacity, found.phases) == (None, {})


def test_a_rate_that_one_trial_answered_nothing_at_has_no_goodput() -> None:
    silent = phase(0.0, rate_rps=30.0, status=PhaseStatus.CHOKED, outcomes={Outcome.NOT_SENT: 120})
    found = cell_of(
        judged(trial("sync_def", 1, phase(), phase(30.0, rate_rps=30.0))),
        judged(trial("sync_def", 2, phase(), silent)),
    )
    assert found.capacity is not None
    assert found.phases["rate-30"].goodput_rps is None
    assert found.phases["rate-30"].overloaded == 1


def test_a_warm_up_is_no_phase_of_a_cell() -> None:
    found = cell_of(judged(trial("sync_def", 1, phase(9.0, name="warmup", kind=PhaseKind.WARMUP), phase())))
    assert set(found.phases) == {"capacity"}


def test_a_cell_whose_trials_are_all_invalid_was_measured_and_says_nothing() -> None:
    found = cell_of(judged(trial("sync_def", 1, findings=(INVALID,))))
    assert (found.status, found.trials, found.valid_trials) == ("measured", 1, 0)
    assert (found.capacity, found.phases) == (None, {})


def test_a_cell_whose_trials_all_failed_says_why() -> None:
    failed = trial("sync_def", 1, status="failed", error="exited with 1")
    found = cell_of(judged(failed), judged(trial("sync_def", 2, status="failed", error="port taken")))
    assert (found.status, found.error, found.capacity) == ("failed", "port taken", None)


@pytest.mark.parametrize("status", ["not_applicable", "failed"])
def test_what_the_preflight_said_is_the_cells_status(status: Literal["not_applicable", "failed"]) -> None:
    run = msgspec.structs.replace(RUN, preflight=(Preflight("sync_def", "io", status, "no route /io"),))
    found = cell_of(run=run)
    assert (found.status, found.error) == (status, "no route /io")


def test_a_cell_nobody_came_to_measure_is_missing() -> None:
    assert cell_of().status == "missing"
    assert cell_of(judged(trial("sync_def", 0))).status == "missing"  # the pilot is no evidence
