"""A cell is its valid slices, added up; and what could not be measured is there too, with its reason."""

from __future__ import annotations

from typing import Literal

import msgspec
import pytest

from harness.analysis.cells import JudgedSlice, cells
from harness.analysis.evidence import Cell
from harness.judging.figures import SliceFigures
from harness.results.records.finding import Finding
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.records.run_record import Preflight, RunRecord
from harness.results.records.slice_record import SliceSpec
from tests.made_slices import INVALID, judged, phase, slice
from tests.synthetic_run import run_record

NO_ANSWER = Finding("no_answer", "invalid", "none came", "longer phases")
RUN = run_record(["sync_def"], ["io"], rounds=3, seed=1, phase_s=4.0, rates_percent=(30,), peculiar=False)


def cell_of(*slices: JudgedSlice, run: RunRecord = RUN) -> Cell:
    (found,) = cells(run, slices)
    return found


def test_capacity_is_the_mean_of_the_valid_slices_only() -> None:
    found = cell_of(
        judged(slice("sync_def", 1, phase(100.0))),
        judged(slice("sync_def", 2, phase(900.0), findings=(INVALID,))),
        judged(slice("sync_def", 3, phase(400.0))),
        judged(slice("sync_def", 0, phase(9000.0))),
    )
    assert (found.status, found.slices, found.valid_slices) == ("measured", 3, 2)
    assert found.capacity is not None
    assert (found.capacity.value, found.capacity.slices) == (pytest.approx(200.0), 2)
    assert found.ceiling is not None and found.ceiling.rps == 400.0
    assert found.phases["capacity"].statuses == {PhaseStatus.COMPLETE: 2}


def test_percentiles_are_of_all_requests_and_not_the_mean_of_percentiles() -> None:
    found = cell_of(
        judged(slice("sync_def", 1), {"capacity": [1000] * 900}),
        judged(slice("sync_def", 2), {"capacity": [9000] * 100}),
    ).phases["capacity"]
    assert found.response_p50 is not None and found.response_p99 is not None
    assert found.response_p50.value_ms == 1.0  # the mean of the medians would be 5
    assert found.response_p99.value_ms == 9.0
    assert found.response_p99.samples == 1000


def test_a_phase_that_was_skipped_is_counted_and_not_averaged() -> None:
    skipped = phase(0.0, rate_rps=30.0, status=PhaseStatus.SKIPPED, duration_s=0.0, outcomes={})
    found = cell_of(
        judged(slice("sync_def", 1, phase(), phase(30.0, rate_rps=30.0))),
        judged(slice("sync_def", 2, phase(), skipped)),
    ).phases["rate-30"]
    assert found.statuses == {PhaseStatus.COMPLETE: 1, PhaseStatus.SKIPPED: 1}
    assert (found.goodput_rps, found.target_cpu_s_per_1000, found.target_cores) == (None, None, None)
    assert found.overloaded == 1
    assert found.outcomes == {Outcome.OK: 120}
    assert found.offered_rps == 30.0


def test_one_slice_that_got_through_does_not_speak_for_two_that_were_overloaded() -> None:
    """At rate-30 one answered in 1 ms. Two had choked at rate-10, where 60 of 100 requests took 5 s or more."""

    def overloaded(round: int) -> JudgedSlice:
        slow = phase(2.0, rate_rps=10.0, name="rate-10", status=PhaseStatus.CHOKED)
        skipped = phase(0.0, rate_rps=30.0, status=PhaseStatus.SKIPPED, duration_s=0.0, outcomes={})
        times_us = [2000] * 40 + [5_000_000] * 60
        return judged(slice("sync_def", round, phase(), slow, skipped), {"rate-10": times_us})

    quick = phase(10.0, rate_rps=10.0, name="rate-10"), phase(30.0, rate_rps=30.0)
    survivor = judged(slice("sync_def", 3, phase(), *quick), {"rate-10": [1000] * 100, "rate-30": [1000] * 100})
    phases = cell_of(overloaded(1), overloaded(2), survivor).phases
    found = phases["rate-30"]
    assert found.overloaded == 2
    assert found.goodput_rps is None
    assert found.response_p50 is not None and found.response_p90 is not None
    assert (found.response_p50.value_ms, found.response_p50.at_least) == (2.0, True)
    assert (found.response_p90.value_ms, found.response_p90.at_least) == (pytest.approx(5000, rel=0.001), True)
    assert (found.response_p50.slice_low_ms, found.response_p50.slice_high_ms) == (1.0, pytest.approx(5000, rel=0.001))
    there = phases["rate-10"]  # here all three were measured
    assert there.overloaded == 2 and there.goodput_rps is not None
    assert there.response_p50 is not None and not there.response_p50.at_least


def test_a_percentile_among_the_answers_of_those_that_got_through_is_a_lower_bound_too() -> None:
    """Nobody knows how many requests the third would have had at rate-30: with more of them the median was slower."""

    def survivor(round: int) -> JudgedSlice:
        quick = phase(10.0, rate_rps=10.0, name="rate-10"), phase(30.0, rate_rps=30.0)
        return judged(slice("sync_def", round, phase(), *quick), {"rate-10": [1000] * 100, "rate-30": [1000] * 100})

    choked = phase(2.0, rate_rps=10.0, name="rate-10", status=PhaseStatus.CHOKED)
    skipped = phase(0.0, rate_rps=30.0, status=PhaseStatus.SKIPPED, duration_s=0.0, outcomes={})
    third = judged(slice("sync_def", 3, phase(), choked, skipped), {"rate-10": [9000] * 100})
    found = cell_of(survivor(1), survivor(2), third).phases["rate-30"].response_p50
    assert found is not None and (found.value_ms, found.at_least) == (1.0, True)
    alone = cell_of(survivor(1), survivor(2)).phases["rate-30"].response_p50
    assert alone is not None and (alone.value_ms, alone.at_least) == (1.0, False)


def rate(round: int, name: str, status: PhaseStatus, *, session: int = 1, boot: int = 1) -> SliceFigures:
    """A slice of one rate, as all are."""
    ran = status is not PhaseStatus.SKIPPED
    figures = phase(
        2.0 if ran else 0.0,
        rate_rps=float(name.removeprefix("rate-")),
        name=name,
        status=status,
        duration_s=4.0 if ran else 0.0,
        outcomes={Outcome.OK: 8} if ran else {},
    )
    spec = SliceSpec(round, 0, "io", "sync_def", name, session)
    return slice("sync_def", round, figures, spec=spec, boot=boot)


def test_rates_that_were_skipped_have_the_bounds_of_the_slice_that_choked_also_in_later_sessions() -> None:
    """Each rate is a slice of its own. It choked at rate-10 in the first session, and was not asked again."""
    choked, skipped = PhaseStatus.CHOKED, PhaseStatus.SKIPPED
    slow = {"rate-10": [5_000_000] * 100}
    phases = cell_of(
        judged(rate(3, "rate-10", choked), slow),
        judged(rate(4, "rate-30", skipped, boot=2)),
        judged(rate(7, "rate-10", skipped, session=2, boot=3)),
        judged(rate(8, "rate-30", skipped, session=2, boot=3)),
    ).phases
    assert phases["rate-10"].statuses == {choked: 1, skipped: 1}
    assert phases["rate-30"].statuses == {skipped: 2}
    for name in ("rate-10", "rate-30"):
        found = phases[name].response_p50
        assert found is not None, name
        assert (found.value_ms, found.at_least) == (pytest.approx(5000, rel=0.001), True)
        assert (phases[name].overloaded, phases[name].goodput_rps) == (2, None)


def test_a_choke_later_says_nothing_of_a_rate_that_was_skipped_before_it() -> None:
    early = judged(rate(4, "rate-30", PhaseStatus.SKIPPED))
    late = judged(rate(9, "rate-10", PhaseStatus.CHOKED, session=2, boot=2), {"rate-10": [5_000_000] * 100})
    assert cell_of(early, late).phases["rate-30"].response_p50 is None


def test_a_choke_in_a_round_that_was_cut_off_is_known_when_the_round_is_measured_again() -> None:
    """The rate is skipped then, and that slice counts; what is known of it is what the first one saw."""
    first = judged(rate(3, "rate-10", PhaseStatus.CHOKED), {"rate-10": [5_000_000] * 100})
    again = judged(rate(3, "rate-10", PhaseStatus.SKIPPED, boot=2))
    found = cell_of(first, again)
    assert (found.slices, found.valid_slices) == (2, 1)
    assert found.phases["rate-10"].statuses == {PhaseStatus.SKIPPED: 1}
    bound = found.phases["rate-10"].response_p50
    assert bound is not None and (bound.value_ms, bound.at_least) == (pytest.approx(5000, rel=0.001), True)


def test_one_slice_without_a_right_answer_leaves_its_cell_without_a_capacity() -> None:
    silent = slice("sync_def", 2, phase(0.0, outcomes={Outcome.TIMEOUT: 64}), findings=(NO_ANSWER,))
    found = cell_of(judged(slice("sync_def", 1, phase(100.0))), judged(silent), judged(slice("sync_def", 3)))
    assert (found.status, found.valid_slices, found.without_answer) == ("measured", 2, 1)
    assert (found.capacity, found.phases) == (None, {})


def test_a_rate_that_one_slice_answered_nothing_at_has_no_goodput() -> None:
    silent = phase(0.0, rate_rps=30.0, status=PhaseStatus.CHOKED, outcomes={Outcome.NOT_SENT: 120})
    found = cell_of(
        judged(slice("sync_def", 1, phase(), phase(30.0, rate_rps=30.0))),
        judged(slice("sync_def", 2, phase(), silent)),
    )
    assert found.capacity is not None
    assert found.phases["rate-30"].goodput_rps is None
    assert found.phases["rate-30"].overloaded == 1


def test_a_warm_up_is_no_phase_of_a_cell() -> None:
    found = cell_of(judged(slice("sync_def", 1, phase(9.0, name="warmup", kind=PhaseKind.WARMUP), phase())))
    assert set(found.phases) == {"capacity"}


def test_a_cell_whose_slices_are_all_invalid_was_measured_and_says_nothing() -> None:
    found = cell_of(judged(slice("sync_def", 1, findings=(INVALID,))))
    assert (found.status, found.slices, found.valid_slices) == ("measured", 1, 0)
    assert (found.capacity, found.phases) == (None, {})


def test_a_cell_whose_slices_all_failed_says_why() -> None:
    failed = slice("sync_def", 1, status="failed", error="exited with 1")
    found = cell_of(judged(failed), judged(slice("sync_def", 2, status="failed", error="port taken")))
    assert (found.status, found.error, found.capacity) == ("failed", "port taken", None)


@pytest.mark.parametrize("status", ["not_applicable", "failed"])
def test_what_the_preflight_said_is_the_cells_status(status: Literal["not_applicable", "failed"]) -> None:
    run = msgspec.structs.replace(RUN, preflight=(Preflight("sync_def", "io", status, "no route /io"),))
    found = cell_of(run=run)
    assert (found.status, found.error) == (status, "no route /io")


def test_a_cell_nobody_came_to_measure_is_missing() -> None:
    assert cell_of().status == "missing"
    assert cell_of(judged(slice("sync_def", 0))).status == "missing"  # the pilot is no evidence


def test_what_is_in_time_is_a_share_of_all_arrivals_of_the_slices_that_ran() -> None:
    half = phase(60.0, rate_rps=100.0, in_time_rps=50.0, outcomes={Outcome.OK: 240, Outcome.REFUSED: 160})
    none = phase(90.0, rate_rps=100.0, in_time_rps=0.0, outcomes={Outcome.OK: 400})
    found = cell_of(judged(slice("sync_def", 1, phase(), half)), judged(slice("sync_def", 2, phase(), none))).phases[
        "rate-30"
    ]
    assert found.in_time_rps is not None
    assert found.in_time_rps.value == pytest.approx(25.0)
    assert found.in_time_share == pytest.approx(0.25)


def test_a_rate_that_was_skipped_once_has_nothing_in_time() -> None:
    skipped = phase(0.0, rate_rps=30.0, status=PhaseStatus.SKIPPED, duration_s=0.0, outcomes={})
    found = cell_of(
        judged(slice("sync_def", 1, phase(), phase(30.0, rate_rps=30.0, in_time_rps=29.0))),
        judged(slice("sync_def", 2, phase(), skipped)),
    ).phases["rate-30"]
    assert (found.in_time_rps, found.in_time_share) == (None, None)
