"""A gate fails on a fall that is both too large and certain, and never because a run was noisy."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from harness.analysis.cells import cells
from harness.analysis.evidence import Analysis
from harness.analysis.regression import Regression, compare_runs
from harness.judging.figures import SliceFigures
from harness.results.records.finding import Finding
from harness.results.records.phase_record import PhaseStatus
from tests.made_slices import INVALID, judged, phase, slice
from tests.synthetic_run import run_record

RUN = run_record(["sync_def"], ["io"], rounds=4, seed=1, phase_s=4.0, rates_percent=(30,), peculiar=False)


def run_of(slices: Sequence[SliceFigures]) -> Analysis:
    measured = cells(RUN, [judged(each) for each in slices])
    return Analysis(run=RUN, boots=(), slices=tuple(slices), cells=measured, comparisons=(), decisions=())


def at(*rps: float) -> Analysis:
    return run_of([slice("sync_def", n + 1, phase(each)) for n, each in enumerate(rps)])


def row(before: Analysis, after: Analysis, limit_percent: float | None = 10.0) -> Regression:
    (found,) = compare_runs(before, after, limit_percent)
    return found


STEADY = at(100.0, 101.0, 99.0, 100.0)


def test_a_large_and_certain_fall_fails() -> None:
    found = row(STEADY, at(80.0, 81.0, 79.0, 80.0))
    assert found.ratio is not None and found.ratio.value == pytest.approx(0.8, rel=0.01)
    assert (found.verdict, found.gate_failed) == ("slower", True)
    assert "GATE FAILED" in found.line() and "-20.0%" in found.line()


def test_without_a_limit_nothing_fails() -> None:
    assert not row(STEADY, at(80.0, 81.0, 79.0, 80.0), None).gate_failed


def test_a_fall_within_the_limit_passes() -> None:
    assert not row(STEADY, at(95.0, 96.0, 94.0, 95.0)).gate_failed


def test_a_small_limit_holds_even_where_the_verdict_is_the_same() -> None:
    found = row(STEADY, at(97.0, 97.1, 96.9, 97.0), 2.0)
    assert (found.verdict, found.gate_failed) == ("same", True)


def test_a_fall_that_may_be_noise_passes() -> None:
    found = row(STEADY, at(50.0, 130.0, 60.0, 110.0))
    assert found.ratio is not None and found.ratio.value < 0.9
    assert (found.verdict, found.gate_failed) == ("open", False)


def test_a_rise_passes() -> None:
    assert not row(STEADY, at(200.0, 201.0, 199.0)).gate_failed


def test_what_cannot_be_measured_any_more_fails() -> None:
    lost = run_of([slice("sync_def", 1, status="failed", error="exited with 1")])
    found = row(STEADY, lost)
    assert (found.ratio, found.gate_failed) == (None, True)
    assert "exited with 1" in found.line()
    assert row(STEADY, run_of([slice("sync_def", 1, findings=(INVALID,))])).gate_failed
    assert not row(STEADY, lost, None).gate_failed


def test_a_server_that_answers_nothing_any_more_fails_and_has_no_ratio() -> None:
    for after in (at(0.0, 0.0, 0.0), at(100.0, 0.0, 100.0)):
        found = row(STEADY, after)
        assert (found.gate_failed, found.ratio, found.after) == (True, None, None)
    assert "gave no right answer in 3 slices" in row(STEADY, at(0.0, 0.0, 0.0)).line()
    assert "gave no answer before" in row(at(0.0, 0.0), STEADY).line()


def test_a_rate_that_more_slices_cannot_keep_up_with_is_said() -> None:
    """The capacity alone does not show it: it is of another phase."""
    keeps_up, choked = phase(30.0, rate_rps=30.0), phase(9.0, rate_rps=30.0, status=PhaseStatus.CHOKED)
    skipped = phase(0.0, rate_rps=30.0, status=PhaseStatus.SKIPPED, duration_s=0.0, outcomes={})
    before = run_of([slice("sync_def", n, phase(100.0), keeps_up) for n in (1, 2, 3)])
    after = run_of([slice("sync_def", n, phase(100.0), each) for n, each in enumerate((keeps_up, choked, skipped), 1)])
    assert "at rate-30 overloaded in 2 of 3, before in 0 of 3" in row(before, after).line()
    assert "overloaded" not in row(before, before).line()


def test_a_new_cell_or_one_that_was_left_out_passes_and_says_so() -> None:
    nothing = msgspec.structs.replace(STEADY, slices=(), cells=())
    assert (row(nothing, STEADY).gate_failed, row(STEADY, nothing).gate_failed) == (False, False)
    assert "was not measured before" in row(nothing, STEADY).line()
    assert "not part of the second run" in row(STEADY, nothing).line()


def test_single_slices_have_a_ratio_and_no_verdict() -> None:
    found = row(at(100.0), at(50.0))
    assert found.ratio is not None and found.ratio.value == pytest.approx(0.5)
    assert (found.verdict, found.gate_failed, found.ratio.low) == ("open", False, None)
    assert "two or more" in found.line()


def test_what_neither_run_measured_is_no_row() -> None:
    assert compare_runs(run_of([]), run_of([]), 10.0) == []


def died(round: int) -> SliceFigures:
    found = (Finding("slice_failed", "invalid", "it was killed by SIGSEGV during capacity", "read server.log"),)
    return slice("sync_def", round, status="failed", error="killed by SIGSEGV", findings=found)


def disturbed(round: int) -> SliceFigures:
    return slice("sync_def", round, findings=(Finding("stolen_time", "invalid", "44 %", "a quieter machine"),))


@pytest.mark.parametrize("dead", [1, 2])
def test_a_strategy_that_began_to_die_fails_whatever_its_other_slices_say(dead: int) -> None:
    after = run_of([died(n) if n <= dead else slice("sync_def", n, phase(100.0 + n)) for n in (1, 2, 3)])
    before = at(100.0, 101.0, 99.0)
    said = f"{dead} of 3 slices spoilt by the strategy itself (slice_failed {dead}), before 0 of 3"
    found = row(before, after)
    assert found.gate_failed
    assert said in found.reason and said in found.line()
    without_a_gate = row(before, after, None)
    assert not without_a_gate.gate_failed
    assert said in without_a_gate.line()
    assert (found.failures_before.slices, found.failures_after.slices, found.failures_after.of_slices) == (0, dead, 3)


def test_a_strategy_that_died_before_too_does_not_fail_by_it() -> None:
    some = run_of([died(1), slice("sync_def", 2), slice("sync_def", 3)])
    more = run_of([died(1), died(2), slice("sync_def", 3)])
    assert not row(some, more).gate_failed
    assert "2 of 3 slices spoilt by the strategy itself (slice_failed 2), before 1 of 3" in row(some, more).line()
    assert "spoilt" not in row(some, some).line()
    assert "0 of 3 slices spoilt by the strategy itself, before 1 of 3" in row(some, at(100.0, 101.0, 99.0)).line()


def test_slices_that_the_machine_disturbed_fail_no_gate() -> None:
    found = row(at(100.0, 101.0, 99.0), run_of([disturbed(1), disturbed(2), slice("sync_def", 3)]))
    assert not found.gate_failed
    assert "spoilt" not in found.line()


def test_measured_again_with_success_does_not_undo_a_death() -> None:
    found = row(STEADY, run_of([died(1), *(slice("sync_def", n, boot=2) for n in (1, 2, 3))]))
    assert found.gate_failed
    assert "1 of 3 slices spoilt by the strategy itself (slice_failed 1), before 0 of 4" in found.line()


def test_a_wrong_answer_fails_also_where_the_machine_was_disturbed() -> None:
    codes = ("stolen_time", "wrong_answers")
    wrong = slice("sync_def", 1, findings=tuple(Finding(code, "invalid", "a test says so", "none") for code in codes))
    found = row(STEADY, run_of([wrong, *(slice("sync_def", n, boot=2) for n in (1, 2, 3))]))
    assert found.gate_failed
    assert "1 of 3 slices spoilt by the strategy itself (wrong_answers 1), before 0 of 4" in found.line()
