"""Intervals over slices hold what they promise; comparisons mirror, scale and correct as the mathematics says."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from harness.judging import stats
from harness.judging.estimate import Estimate
from harness.judging.simultaneous import RoundsFit

RATES = st.floats(0.01, 1e5)
PAIRS = st.lists(st.tuples(RATES, RATES), min_size=3, max_size=10)
MIRRORED = {"faster": "slower", "slower": "faster", "same": "same", "open": "open"}


def paired_ratio(pairs: list[tuple[float, float]], steps: tuple[float, float] = (0.0, 0.0)) -> stats.LogRatio:
    """A lone comparison."""
    logs = {side: {at: math.log(pair[n]) for at, pair in enumerate(pairs)} for n, side in enumerate(("ours", "theirs"))}
    floors = {
        side: max(stats.rounding(steps[n], pair[n]) for pair in pairs) for n, side in enumerate(("ours", "theirs"))
    }
    return RoundsFit.of(logs, floors).against("theirs")["ours"]


# ------------------------------------------------------------------------------------------------------ means


@given(st.lists(RATES, min_size=1, max_size=10))
def test_a_mean_is_geometric_and_lies_in_its_interval(values: list[float]) -> None:
    estimate = stats.mean(values)
    assert estimate is not None
    assert estimate.slices == len(values)
    assert estimate.value == pytest.approx(statistics.geometric_mean(values))
    if len(values) == 1:
        assert (estimate.low, estimate.high) == (None, None)
    else:
        assert estimate.low is not None and estimate.high is not None
        assert estimate.low <= estimate.value * (1 + 1e-9) and estimate.value <= estimate.high * (1 + 1e-9)


def test_no_slices_are_no_estimate() -> None:
    assert stats.mean([]) is None


def test_a_slice_that_answered_nothing_is_averaged_in_and_does_not_crash() -> None:
    estimate = stats.mean([0.0, 10.0, 20.0])
    assert estimate is not None
    assert (estimate.value, estimate.low, estimate.slices) == (10.0, 0.0, 3)
    assert estimate.high == pytest.approx(10 + 4.3027 * 10 / math.sqrt(3), rel=1e-4)  # t of 2 degrees of freedom
    assert stats.mean([0.0]) == Estimate(0.0, None, None, 1)


def test_the_interval_covers_the_truth_in_95_of_100_runs() -> None:
    random = np.random.default_rng(20250101)
    runs, covered = 2000, 0
    for _ in range(runs):
        estimate = stats.mean(list(random.lognormal(math.log(400.0), 0.1, 3)))
        assert estimate is not None and estimate.low is not None and estimate.high is not None
        covered += estimate.low <= 400.0 <= estimate.high
    # Binomial: 0.95 +- 4 standard errors of 2,000 draws.
    assert covered / runs == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / runs))


# ----------------------------------------------------------------------------------------------------- ratios


def test_equal_counts_are_known_to_a_step_and_not_better() -> None:
    estimate = stats.mean([10.0] * 3, step=1 / 1.2)
    assert estimate is not None
    assert estimate.low is not None
    assert estimate.high is not None
    assert 9.2 < estimate.low < 9.6
    assert 10.4 < estimate.high < 10.8
    ratio = paired_ratio([(10.0, 400.0)] * 3, (1 / 1.2, 1 / 1.2))
    assert ratio.interval is not None
    assert math.exp(ratio.interval[1] - ratio.mean) == pytest.approx(estimate.high / 10.0, rel=0.01)


def test_where_slices_scatter_more_than_a_step_it_does_not_matter() -> None:
    assert stats.mean([300.0, 350.0, 400.0], step=1.0) == stats.mean([300.0, 350.0, 400.0])
    assert stats.welch_ratio([3e2, 4e2], [5e2, 6e2], (1.0, 1.0)) == stats.welch_ratio([3e2, 4e2], [5e2, 6e2])


@given(PAIRS)
def test_a_paired_ratio_is_students_t_on_the_logarithms(pairs: list[tuple[float, float]]) -> None:
    ratio = paired_ratio(pairs)
    assert ratio.estimate.value == pytest.approx(statistics.geometric_mean([a / b for a, b in pairs]))
    if ratio.error is not None and ratio.error > 1e-6:
        logs = np.log(pairs)
        reference = scipy_stats.ttest_rel(logs[:, 0], logs[:, 1])
        interval = reference.confidence_interval(0.95)
        assert ratio.interval == pytest.approx((interval.low, interval.high), abs=1e-3 * (interval.high - interval.low))


@given(PAIRS, st.floats(0.1, 10))
def test_a_round_in_which_everything_is_slower_changes_nothing(pairs: list[tuple[float, float]], speed: float) -> None:
    slower = [(pairs[0][0] * speed, pairs[0][1] * speed), *pairs[1:]]
    one, other = paired_ratio(pairs), paired_ratio(slower)
    assert one.mean == pytest.approx(other.mean, abs=1e-9)
    assert one.error == pytest.approx(other.error, abs=1e-9)


@given(PAIRS, st.booleans())
def test_swapping_the_sides_inverts_the_ratio_and_mirrors_the_verdict(
    pairs: list[tuple[float, float]], more_is_better: bool
) -> None:
    one, other = paired_ratio(pairs), paired_ratio([(b, a) for a, b in pairs])
    there, back = one.estimate, other.estimate
    assert there.value == pytest.approx(1 / back.value)
    assert one.interval is not None and other.interval is not None
    assert one.interval == pytest.approx((-other.interval[1], -other.interval[0]))
    mirrored = stats.verdict(other, more_is_better=more_is_better)
    assert stats.verdict(one, more_is_better=more_is_better) == MIRRORED[mirrored]


def test_the_paired_interval_covers_the_truth_however_the_machine_drifts() -> None:
    random = np.random.default_rng(7)
    runs, covered = 2000, 0
    for _ in range(runs):
        machine = random.lognormal(0.0, 0.5, 4)  # far more than the strategies differ
        ours, theirs = 130 * machine * random.lognormal(0, 0.05, 4), 100 * machine * random.lognormal(0, 0.05, 4)
        interval = paired_ratio(list(zip(ours, theirs, strict=True))).interval
        assert interval is not None
        covered += interval[0] <= math.log(1.3) <= interval[1]
    assert covered / runs == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / runs))


DIFFERENT = st.lists(st.integers(1, 10**6), min_size=2, max_size=8, unique=True)


@given(DIFFERENT, DIFFERENT)
def test_an_unpaired_ratio_is_welchs_t_on_the_logarithms(ours: list[int], theirs: list[int]) -> None:
    ratio = stats.welch_ratio(ours, theirs)
    reference = scipy_stats.ttest_ind(np.log(ours), np.log(theirs), equal_var=False)
    interval = reference.confidence_interval(0.95)
    assert ratio.interval == pytest.approx((interval.low, interval.high))


def test_one_pair_has_a_ratio_and_no_verdict() -> None:
    ratio = paired_ratio([(300.0, 100.0)])
    assert ratio.estimate == Estimate(pytest.approx(3.0), None, None, 1)
    assert ratio.interval is None
    assert stats.verdict(ratio) == "open"
    assert stats.more_rounds(ratio) is None
    assert stats.welch_ratio([300.0, 310.0], [100.0]).interval is None


def test_identical_slices_are_the_same_and_identical_ratios_certain() -> None:
    same, double = paired_ratio([(100.0, 100.0)] * 3), paired_ratio([(200.0, 100.0)] * 3)
    assert (same.interval, stats.verdict(same)) == (pytest.approx((0.0, 0.0), abs=1e-9), "same")
    assert stats.verdict(double) == "faster"
    assert stats.welch_ratio([100.0] * 3, [100.0] * 3).interval == (0.0, 0.0)


# --------------------------------------------------------------------------------------------------- verdicts


@given(st.lists(DIFFERENT, min_size=1, max_size=6), DIFFERENT)
def test_more_cells_make_every_interval_of_two_runs_wider(ours: list[list[int]], theirs: list[int]) -> None:
    alone = {number: stats.welch_ratio(values, theirs) for number, values in enumerate(ours)}
    together = stats.all_at_once(alone)
    for number, ratio in together.items():
        assert ratio.interval is not None
        own = alone[number].interval
        assert own is not None
        assert ratio.interval[0] <= own[0] + 1e-9 and own[1] - 1e-9 <= ratio.interval[1]
        assert ratio.mean == alone[number].mean


def test_one_cell_of_two_runs_needs_no_wider_interval() -> None:
    alone = stats.welch_ratio([3e2, 4e2], [5e2, 6e2])
    together = stats.all_at_once({"it": alone, "nothing": stats.welch_ratio([1.0], [2.0])})
    assert together["it"].interval == pytest.approx(alone.interval)
    assert together["nothing"].interval is None


@given(PAIRS, st.booleans())
def test_a_verdict_never_disagrees_with_its_interval(pairs: list[tuple[float, float]], more_is_better: bool) -> None:
    ratio = paired_ratio(pairs)
    estimate, verdict = ratio.estimate, stats.verdict(ratio, more_is_better=more_is_better)
    assert estimate.low is not None and estimate.high is not None
    if verdict == "open":
        assert estimate.low <= 1 <= estimate.high and (estimate.low < 1 / 1.05 or estimate.high > 1.05)
    elif verdict == "same":
        assert estimate.low > 1 / 1.0501 and estimate.high < 1.0501
    else:
        assert (estimate.low > 1) == ((verdict == "faster") == more_is_better)
        assert estimate.low > 1 or estimate.high < 1


def test_a_small_but_certain_difference_is_the_same() -> None:
    ratio = paired_ratio([(102.0, 100.0), (102.1, 100.0), (101.9, 100.0)])
    assert ratio.interval is not None and ratio.interval[0] > 0
    assert stats.verdict(ratio) == "same"


def test_less_of_a_cost_is_faster() -> None:
    ratio = paired_ratio([(50.0, 100.0), (51.0, 100.0), (49.0, 100.0)])
    assert stats.verdict(ratio, more_is_better=False) == "faster"
    assert stats.verdict(ratio, more_is_better=True) == "slower"


def test_more_rounds_are_fewer_the_clearer_the_difference() -> None:
    unclear = paired_ratio([(110.0, 100.0), (130.0, 100.0), (95.0, 100.0)])
    hopeless = paired_ratio([(200.0, 100.0), (50.0, 100.0), (101.0, 100.0)])
    more = stats.more_rounds(unclear)
    assert more is not None and 1 <= more < stats.MOST_MORE_ROUNDS
    assert stats.more_rounds(hopeless) == stats.MOST_MORE_ROUNDS


def test_the_rounds_asked_for_do_decide_when_they_scatter_as_before() -> None:
    logs = [math.log(1.1), math.log(1.3), math.log(0.95)]
    more = stats.more_rounds(paired_ratio([(math.exp(log), 1.0) for log in logs]))
    assert more is not None
    mean, deviation, count = statistics.fmean(logs), statistics.stdev(logs), 3 + more
    # Two-valued data of the same mean and standard deviation.
    half = deviation * math.sqrt((count - 1) / count)
    balanced = [mean + half if n % 2 else mean - half for n in range(count - count % 2)] + [mean] * (count % 2)
    ratio = paired_ratio([(math.exp(log), 1.0) for log in balanced])
    assert stats.verdict(ratio) != "open"


def test_a_ratio_with_nothing_is_refused_and_not_made_up() -> None:
    with pytest.raises(ValueError):
        stats.welch_ratio([0.0], [1.0])
    with pytest.raises(ValueError):
        stats.welch_ratio([], [])
