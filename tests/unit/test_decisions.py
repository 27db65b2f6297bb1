"""The best strategy of a workload, who may be as good, and why."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.cells import cells
from harness.analysis.comparisons import comparisons
from harness.analysis.decisions import decisions, undecided
from harness.analysis.evidence import Decision, Undecided
from harness.judging.figures import SliceFigures
from harness.results.records.finding import Finding
from harness.results.records.outcome import Outcome
from tests.made_slices import INVALID, judged, phase, slice
from tests.synthetic_run import run_record

NAMES = ["sync_def", "pure_async", "fake_async"]
NO_ANSWER = Finding("no_answer", "invalid", "none came", "longer phases")
RUN = run_record(NAMES, ["io", "cpu"], rounds=3, seed=1, phase_s=4.0, rates_percent=(30,), peculiar=False)


def decide(slices: Sequence[SliceFigures]) -> list[Decision]:
    measured = cells(RUN, [judged(each) for each in slices])
    return list(decisions(RUN, slices, measured, comparisons(RUN, slices)))


def rounds(variant: str, *rps: float) -> list[SliceFigures]:
    return [slice(variant, n + 1, phase(each, target_cores=0.9)) for n, each in enumerate(rps)]


SYNC = rounds("sync_def", 390.0, 396.0, 394.0)


def test_the_best_has_the_highest_capacity_and_its_gain_is_over_sync_def() -> None:
    (found,) = decide(SYNC + rounds("pure_async", 800.0, 810.0, 805.0) + rounds("fake_async", 9.8, 9.9, 9.7))
    assert (found.workload, found.best, found.tied) == ("io", "pure_async", ())
    assert found.capacity.slices == 3
    assert found.gain is not None
    assert (found.gain.variant, found.gain.metric, found.gain.verdict) == ("pure_async", "capacity_rps", "faster")


def test_what_cannot_be_told_from_the_best_is_named() -> None:
    (found,) = decide(SYNC + rounds("pure_async", 500.0, 390.0, 420.0))
    assert (found.best, found.tied) == ("pure_async", ("sync_def",))


def test_a_variant_that_only_has_the_rounds_of_a_fast_machine_is_not_the_best_for_that() -> None:
    """Its mean is higher; in the same rounds it is slower, and a best that is slower than the baseline is none."""
    slices = rounds("sync_def", 390.0, 396.0, 800.0, 790.0) + rounds("pure_async", 0.0, 0.0, 780.0, 772.0)[2:]
    (found,) = decide(slices)
    assert (found.best, found.tied, found.gain) == ("sync_def", ("pure_async",), None)


def test_one_of_which_only_disturbed_rounds_are_left_is_not_kept_out() -> None:
    """Its own slice is valid, but its round is left out for all: nothing says that it is worse."""
    noisy = slice("sync_def", 4, phase(300.0), findings=(Finding("busy_machine", "invalid", "others ran", "wait"),))
    (found,) = decide([*SYNC, noisy, *rounds("pure_async", 800.0, 810.0, 805.0), slice("fake_async", 4, phase(700.0))])
    assert (found.best, found.tied) == ("pure_async", ("fake_async",))


def test_one_round_tells_nothing_apart_and_says_so() -> None:
    (found,) = decide(rounds("sync_def", 390.0) + rounds("fake_async", 9.8))
    assert (found.best, found.tied, found.gain) == ("sync_def", ("fake_async",), None)
    assert found.capacity.low is None
    assert "One round" in found.why


def test_without_a_valid_slice_there_is_no_decision() -> None:
    assert decide([]) == []
    assert decide([slice("sync_def", 1, findings=(INVALID,)), slice("sync_def", 0)]) == []


def test_a_best_that_shares_no_round_with_another_cannot_be_told_from_it() -> None:
    (found,) = decide([slice("sync_def", 1, phase(100.0)), slice("pure_async", 2, phase(300.0))])
    assert (found.best, found.tied, found.gain) == ("pure_async", ("sync_def",), None)


def test_why_is_the_cause_of_the_best_and_of_the_baseline() -> None:
    causes = {("io", "pure_async"): "Enough.", ("io", "sync_def"): "Threads.", ("cpu", "pure_async"): "Not here."}
    assert why(rounds("pure_async", 500.0, 510.0, 505.0), causes) == "Enough. Threads."
    assert why([], causes) == "Threads."
    assert why([], {}) == ""


def why(others: Sequence[SliceFigures], causes: dict[tuple[str, str], str]) -> str:
    slices = [*SYNC, *others]
    measured = cells(RUN, [judged(each) for each in slices])
    (found,) = decisions(RUN, slices, measured, comparisons(RUN, slices, causes), causes)
    return found.why


@given(st.lists(st.floats(0.7, 1.4), min_size=6, max_size=6))
def test_the_winners_and_the_gain_never_contradict_each_other(scatter: list[float]) -> None:
    """The baseline is out only where the interval that the gain shows is above 1."""
    baseline = rounds("sync_def", *(100.0 * each for each in scatter[:3]))
    (found,) = decide(baseline + rounds("pure_async", *(115.0 * each for each in scatter[3:])))
    if found.best == "pure_async":
        assert found.gain is not None
        assert found.tied == ("sync_def",) or found.gain.verdict == "faster"


def silent(variant: str, *of_rounds: int) -> list[SliceFigures]:
    """Slices in which nobody was answered, as `validity` judges them."""
    nothing = phase(0.0, outcomes={Outcome.TIMEOUT: 64})
    return [slice(variant, n, nothing, findings=(NO_ANSWER,)) for n in of_rounds]


def why_not(slices: Sequence[SliceFigures]) -> Undecided:
    measured = cells(RUN, [judged(each) for each in slices])
    compared = comparisons(RUN, slices)
    return next(u for u in undecided(RUN, measured, decisions(RUN, slices, measured, compared)) if u.workload == "io")


@pytest.mark.parametrize("answered", [(), (2, 3)])
def test_who_answered_nothing_is_neither_the_best_nor_a_tie(answered: tuple[int, ...]) -> None:
    stuck = silent("fake_async", *({1, 2, 3} - set(answered)))
    stuck += [slice("fake_async", n, phase(9000.0)) for n in answered]
    (found,) = decide(SYNC + rounds("pure_async", 500.0, 390.0, 420.0) + stuck)
    assert (found.best, found.tied) == ("pure_async", ("sync_def",))


def test_a_workload_that_nobody_answered_has_no_decision_and_says_so() -> None:
    slices = [*silent("sync_def", 1, 2, 3), *silent("fake_async", 1, 2, 3)]
    assert decide(slices) == []
    found = why_not(slices)
    assert found.nobody_answered
    assert "no strategy gave a right answer while it was measured (sync_def, fake_async)" in found.reason


def test_why_there_is_no_decision_names_what_is_known() -> None:
    disturbed = why_not([slice("sync_def", 1, findings=(INVALID,))])
    assert ("no strategy has a valid slice" in disturbed.reason, disturbed.nobody_answered) == (True, False)
    assert why_not([]).reason == "no slice got through"


def invalid(variant: str, *of_rounds: int) -> list[SliceFigures]:
    return [slice(variant, n, findings=(INVALID,)) for n in of_rounds]


@pytest.mark.parametrize(
    ("baseline", "reason"),
    [
        (invalid("sync_def", 1, 2, 3), "has no valid slice there"),
        (silent("sync_def", 1), "gave no right answer in 1 slice there"),
        ([], "was not measured there"),
    ],
)
def test_where_the_baseline_has_no_capacity_the_decision_says_why_nothing_is_compared(
    baseline: list[SliceFigures], reason: str
) -> None:
    (found,) = decide(baseline + rounds("pure_async", 500.0, 510.0, 505.0) + rounds("fake_async", 9.8, 9.9, 9.7))
    assert (found.best, found.gain) == ("pure_async", None)
    expected = f"no comparison on io: the baseline sync_def {reason}; --baseline NAME chooses another"
    assert found.no_gain_because == expected


def test_only_a_missing_comparison_has_a_reason() -> None:
    (gained,) = decide(SYNC + rounds("pure_async", 500.0, 510.0, 505.0))
    (itself,) = decide(SYNC)
    (apart,) = decide([slice("sync_def", 1, phase(100.0)), slice("pure_async", 2, phase(300.0))])
    assert (gained.no_gain_because, itself.no_gain_because) == ("", "")
    assert apart.no_gain_because == (
        "no comparison of pure_async on io: it and the baseline sync_def have no valid slices in a common round"
    )
