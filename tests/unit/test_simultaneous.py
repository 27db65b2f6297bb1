"""Intervals against a control hold all at once, whatever the scatter of each variant, and find what is there.

The runs are synthetic: every variant has its own scatter, the machine drifts from round to round for all of them, now
and then a burst of stolen time hits one slice, and one variant chokes.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats as scipy_stats
from scipy.special import polygamma
from scipy.stats import multivariate_t

from harness.judging import stats
from harness.judging.simultaneous import MOST_LOOKS, Look, RoundsFit, critical
from harness.judging.variances import BOOTS_BEFORE, Moderated, moderated, trigamma_inverse

# ---------------------------------------------------------------------------------------------- how far they reach


@pytest.mark.parametrize("freedom", [2.0, 5.0, 30.0])
def test_a_lone_comparison_reaches_as_far_as_students_t(freedom: float) -> None:
    assert critical(freedom, 1, 2) == pytest.approx(float(scipy_stats.t.ppf(0.975, freedom)), rel=2e-3)
    assert critical(freedom, 1, 1) == pytest.approx(float(scipy_stats.t.ppf(0.95, freedom)), rel=2e-3)


@pytest.mark.parametrize(("comparisons", "freedom", "shared"), [(8, 20, 0.5), (8, 8, 0.5), (4, 25, 0.2), (8, 4, 0.1)])
def test_several_leave_five_percent_outside(comparisons: int, freedom: int, shared: float) -> None:
    reach = np.full(comparisons, critical(float(freedom), comparisons, 2, shared))
    law = multivariate_t(None, shared + (1 - shared) * np.eye(comparisons), freedom)
    assert law.cdf(reach, lower_limit=-reach, random_state=1) == pytest.approx(0.95, abs=0.001)
    lower = np.full(comparisons, critical(float(freedom), comparisons, 1, shared))
    assert law.cdf(lower, random_state=1) == pytest.approx(0.95, abs=0.001)


def test_they_decide_as_scipys_test_does_where_all_scatter_alike() -> None:
    chance = np.random.default_rng(3)
    groups = [chance.normal(0, 1, 6) for _ in range(5)]
    result = scipy_stats.dunnett(*groups[1:], control=groups[0], rng=np.random.default_rng(1))
    for statistic, p_value in zip(result.statistic, result.pvalue, strict=True):
        assert (abs(statistic) > critical(25.0, 4, 2)) == (p_value < 0.05)


@given(st.floats(1, 60), st.integers(1, 12))
def test_more_comparisons_reach_further_and_one_side_less_far(freedom: float, comparisons: int) -> None:
    freedom = round(freedom)
    assert critical(freedom, comparisons, 2) <= critical(freedom, comparisons + 1, 2)
    assert critical(freedom, comparisons, 1) < critical(freedom, comparisons, 2)


# ------------------------------------------------------------------------------------------------------- variances


@given(st.floats(1e-3, 1e4))
def test_the_inverse_of_trigamma_is_its_inverse(value: float) -> None:
    assert float(polygamma(1, trigamma_inverse(value))) == pytest.approx(value, rel=1e-6)


def test_variances_that_differ_no_more_than_chance_are_drawn_to_the_common_one() -> None:
    before = [Moderated(value, 2.0) for value in (0.2, 1.0, 1.5, 0.7)]
    after = moderated(before, 100.0)
    assert after[0].value > 0.2 and after[2].value < 1.5
    assert {each.freedom for each in after} == {2.0 + 0.5 * 4.0}


def test_variances_that_differ_by_far_keep_their_own() -> None:
    loud = moderated([Moderated(value, 30.0) for value in (1e-4, 1e-2, 1.0, 1e2)], 1e3)
    assert [each.value for each in loud] == pytest.approx([1e-4, 1e-2, 1.0, 1e2], rel=0.3)


@given(st.lists(st.floats(0, 1e3), max_size=8), st.floats(1, 20))
def test_nobody_knows_more_than_all_together_and_order_stays(values: list[float], freedom: float) -> None:
    after = moderated([Moderated(value, freedom) for value in values], 1.5 * freedom)
    assert len(after) == len(values)
    assert all(each.freedom <= 1.5 * freedom for each in after)
    ordered = [after[index].value for index in np.argsort(values, kind="stable")]
    assert all(one <= more * (1 + 1e-9) for one, more in pairwise(ordered))


# --------------------------------------------------------------------------------------------------------- the fit


@given(st.lists(st.floats(-2, 2), min_size=9, max_size=20), st.floats(-3, 3))
def test_a_round_that_is_slower_for_all_changes_nothing(values: list[float], slower: float) -> None:
    logs = np.array(values[: len(values) // 3 * 3]).reshape(3, -1)
    shifted = logs.copy()
    shifted[:, 0] += slower
    for name, ratio in ratios(logs).items():
        other = ratios(shifted)[name]
        assert ratio.mean == pytest.approx(other.mean, abs=1e-9)
        assert ratio.error == pytest.approx(other.error, rel=1e-6, abs=1e-7)


@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=3, max_size=10))
def test_two_variants_are_compared_by_the_paired_t_test(pairs: list[tuple[float, float]]) -> None:
    (ratio,) = ratios(np.array(pairs).T[::-1]).values()
    differences = [one - other for one, other in pairs]
    assert ratio.mean == pytest.approx(np.mean(differences), abs=1e-9)
    assert ratio.error == pytest.approx(np.std(differences, ddof=1) / math.sqrt(len(pairs)), abs=1e-7)
    assert ratio.freedom == max(1, len(pairs) - 1)


def test_where_a_slice_is_missing_the_rest_of_its_round_counts() -> None:
    full = {"control": dict(enumerate((0.0, 1.0, 0.5, 0.7))), "a": dict(enumerate((0.5, 1.51, 1.0, 1.2)))}
    fitted = RoundsFit.of({**full, "b": {0: 0.3, 2: 0.81, 3: 1.0}}, dict.fromkeys(("control", "a", "b"), 0.0))
    found = fitted.against("control")
    assert (found["a"].count, found["b"].count) == (4, 3)
    assert found["b"].mean == pytest.approx(0.3, abs=0.01)


def test_without_a_common_round_there_is_no_ratio() -> None:
    fitted = RoundsFit.of({"control": {1: 0.0}, "a": {2: 0.5}, "none": {}}, {"control": 0.0, "a": 0.0, "none": 0.0})
    assert (fitted.names, fitted.against("control"), fitted.against("none")) == (("control", "a"), {}, {})
    assert RoundsFit.of({}, {}).against("control") == {}


@pytest.mark.parametrize(
    ("rounds", "connected"),
    [([], True), ([{1}, {2}], False), ([{1}, {2}, {1, 2}], True), ([{1, 2}, {3}, {2, 4}, {4, 5}], False)],
)
def test_levels_compare_where_common_rounds_lead_from_each_to_each(rounds: list[set[int]], connected: bool) -> None:
    logs = {str(at): dict.fromkeys(own, 0.0) for at, own in enumerate(rounds)}
    assert RoundsFit.of(logs, dict.fromkeys(logs, 0.0)).is_connected() is connected


def test_without_any_scatter_nothing_is_made_up() -> None:
    found = ratios(np.array([[0.0] * 3, [0.5] * 3, [0.0] * 3]))
    assert found["1"].interval == pytest.approx((0.5, 0.5))
    assert found["2"].interval == pytest.approx((0.0, 0.0), abs=1e-9)


def test_two_rounds_have_ratios_and_no_intervals() -> None:
    found = ratios(np.array([[0.0, 0.1], [0.5, 0.6], [0.2, 0.2]]))
    assert [ratio.interval for ratio in found.values()] == [None, None]
    assert found["1"].mean == pytest.approx(0.5)


def test_a_variant_of_one_round_has_a_ratio_and_no_interval() -> None:
    logs = {"control": {1: 0.0, 2: 0.1, 3: 0.0}, "a": {1: 0.5}, "b": {1: 0.1, 2: 0.25, 3: 0.1}}
    found = RoundsFit.of(logs, dict.fromkeys(logs, 0.0)).against("control")
    assert (found["a"].interval, found["a"].count) == (None, 1)
    assert found["a"].mean == pytest.approx(0.5, abs=0.1)
    assert found["b"].interval is not None


def test_a_round_that_nobody_else_has_tells_nothing_of_scatter() -> None:
    three = {"control": (0.0, 0.1, 0.3), "a": (0.5, 0.55, 0.6), "b": (0.1, 0.25, 0.1)}
    logs = {name: dict(enumerate(values)) for name, values in three.items()}
    alone = {**logs, "a": logs["a"] | dict.fromkeys(range(3, 12), 9.0)}
    fitted, more = (RoundsFit.of(each, dict.fromkeys(each, 0.0)) for each in (logs, alone))
    for one, other in zip(fitted.variances, more.variances, strict=True):
        assert (one.value, one.freedom) == pytest.approx((other.value, other.freedom))


# ----------------------------------------------------------------------------------------------------------- boots

VALUES = [0.0, 0.1, 0.02, 0.07, 0.05, 0.11, 0.01, 0.08]


def booted(step: float, boots: int = 4) -> RoundsFit:
    """Four variants in eight rounds; boots of each differ by `step`, from one to the next, in turn."""
    logs = {
        name: {at: VALUES[(at * (1 + 2 * n)) % 8] + step * ((at * boots // 8 + n) % 2) for at in range(8)}
        for n, name in enumerate("abcd")
    }
    return RoundsFit.of(
        logs, dict.fromkeys(logs, 0.0), {name: {at: at * boots // 8 for at in range(8)} for name in logs}
    )


def test_boots_that_differ_make_intervals_wider_and_scatter_no_larger() -> None:
    alike, differ = booted(0.0), booted(0.3)
    assert differ.boot.value > 10 * alike.boot.value
    before, after = alike.against("a")["b"].error, differ.against("a")["b"].error
    assert before is not None and after is not None and after > 2 * before
    for one, other in zip(alike.variances, differ.variances, strict=True):
        assert one.value == pytest.approx(other.value)


def test_the_number_of_a_boot_means_nothing_outside_its_variant() -> None:
    fitted = booted(0.1)
    boots = {name: {at: at // 2 + 100 * n for at in range(8)} for n, name in enumerate("abcd")}
    other = RoundsFit.of(fitted.logs, dict.fromkeys("abcd", 0.0), boots)
    assert other.against("a") == fitted.against("a")


def test_of_one_boot_each_the_difference_is_what_was_measured_before() -> None:
    assert booted(0.0, boots=1).boot.value == pytest.approx(BOOTS_BEFORE)


def test_boots_of_one_slice_are_scatter() -> None:
    fitted = booted(0.0, boots=8)
    without = RoundsFit.of(fitted.logs, dict.fromkeys("abcd", 0.0))
    assert fitted.against("a") == without.against("a")


def test_more_rounds_on_the_same_boots_do_not_shrink_what_boots_add() -> None:
    ratio = stats.LogRatio(0.1, 0.05, 20.0, 8, 3.0, of_boots=0.04**2)
    assert stats.more_rounds(ratio) == stats.MOST_MORE_ROUNDS
    assert stats.more_rounds(ratio, fresh_boots=True) == 11  # (0.15 / 0.1)**2 x 8 rounds, and a little more


# ----------------------------------------------------------------------------------------------------------- looks


@given(st.integers(1, MOST_LOOKS))
def test_looks_share_the_five_percent(looks: int) -> None:
    alphas = [Look(number, looks).alpha for number in range(1, looks + 1)]
    assert sum(alphas) == pytest.approx(stats.ALPHA)
    assert max(alphas) == alphas[-1]


@pytest.mark.parametrize(("number", "of"), [(0, 1), (3, 2), (1, MOST_LOOKS + 1)])
def test_a_look_that_cannot_be_is_refused(number: int, of: int) -> None:
    with pytest.raises(ValueError, match=f"look {number} of {of}"):
        Look(number, of)


def test_an_early_look_decides_what_differs_by_far_and_measuring_goes_on_with_the_rest() -> None:
    fitted = RoundsFit.of(
        {
            "control": dict(enumerate((0.0, 0.05, 0.02, 0.04))),
            "twice": dict(enumerate((0.7, 0.74, 0.73, 0.71))),
            "near": dict(enumerate((0.08, 0.1, 0.13, 0.05))),
            "late": {},
        },
        dict.fromkeys(("control", "twice", "near"), 0.0),
    )
    assert fitted.still_open("control", Look(1, 4)) == ("near", "late")
    early, only = fitted.against("control", look=Look(1, 4))["near"], fitted.against("control")["near"]
    assert early.critical is not None and only.critical is not None
    assert early.critical > only.critical


# ------------------------------------------------------------------------------------------------------ many runs

RUNS = 800
LEAST_ERROR = 4  # standard errors of a share of RUNS runs


class Kind(NamedTuple):
    """Of synthetic runs. `scatter`: the standard deviation of a variant's logarithm in a round, drawn for each variant
    from this range. `bursts`: the share of slices that lose a fifth to a third to stolen time."""

    rounds: int
    scatter: tuple[float, float]
    bursts: float = 0.0
    chokes: bool = False
    loud_control: float = 1.0  # times the scatter of its range


KINDS = {
    "three rounds, alike": Kind(3, (0.1, 0.1)),
    "three rounds, each its own": Kind(3, (0.05, 0.2)),
    "twelve rounds, each its own": Kind(12, (0.05, 0.2)),
    "three rounds, a control three times as loud": Kind(3, (0.1, 0.1), loud_control=3.0),
    "six rounds, a control ten times as loud": Kind(6, (0.1, 0.1), loud_control=10.0),
    "twelve rounds, stolen time and one that chokes": Kind(12, (0.08, 0.17), bursts=0.03, chokes=True),
}
OTHERS = 8


def synthetic(random: np.random.Generator, kind: Kind, truth: float) -> NDArray[np.float64]:
    """Logarithms, a row for each variant and a column for each round; the first row is the control's. All others differ
    from it by `truth`."""
    scatter = random.uniform(*kind.scatter, OTHERS + 1)
    if kind.chokes:
        scatter[-1] = 0.5
    scatter[0] *= kind.loud_control
    logs = scatter[:, None] * random.standard_normal((OTHERS + 1, kind.rounds))
    logs += np.cumsum(random.normal(0, 0.1, kind.rounds))  # the machine drifts
    logs[1:] += truth
    hit = random.random(logs.shape) < kind.bursts
    logs[hit] += np.log(random.uniform(0.67, 0.8, int(hit.sum())))
    return logs


def ratios(logs: NDArray[np.float64]) -> dict[str, stats.LogRatio]:
    """Each row over the first."""
    rows = {str(at): dict(enumerate(row.tolist())) for at, row in enumerate(logs)}
    return RoundsFit.of(rows, dict.fromkeys(rows, 0.0)).against("0")


@pytest.mark.parametrize("name", KINDS)
def test_in_95_of_100_runs_no_verdict_is_false_without_a_difference(name: str) -> None:
    """Over the whole family of eight comparisons. Also coverage: what does not contain the truth is a false verdict."""
    random = np.random.default_rng(20261128)
    wrong = 0
    for _ in range(RUNS):
        found = ratios(synthetic(random, KINDS[name], 0.0))
        wrong += any(stats.verdict(ratio) in ("faster", "slower") for ratio in found.values())
    print(f"\n{name}: {wrong / RUNS:.1%} of the runs have a false verdict")
    assert wrong / RUNS <= 0.05 + LEAST_ERROR * math.sqrt(0.05 * 0.95 / RUNS)


@pytest.mark.parametrize(
    ("kind", "truth", "found"),
    [
        (Kind(3, (0.08, 0.12)), 2.0, 0.97),  # the price of intervals that hold with a loud control, too
        (Kind(12, (0.08, 0.12)), 1.2, 0.9),
        (Kind(12, (0.08, 0.17), bursts=0.02), 2.0, 0.999),
    ],
)
def test_a_true_difference_is_found(kind: Kind, truth: float, found: float) -> None:
    random = np.random.default_rng(8)
    seen = [
        stats.verdict(ratio) == "faster"
        for _ in range(300)
        for ratio in ratios(synthetic(random, kind, math.log(truth))).values()
    ]
    print(f"\n{truth:g} times in {kind.rounds} rounds: found in {np.mean(seen):.1%}")
    assert np.mean(seen) >= found


def test_a_single_difference_covers_its_truth_at_least_as_often_as_it_says() -> None:
    random = np.random.default_rng(5)
    inside = []
    for _ in range(500):
        for ratio in ratios(synthetic(random, Kind(6, (0.05, 0.2)), math.log(1.5))).values():
            assert ratio.interval is not None
            inside.append(ratio.interval[0] <= math.log(1.5) <= ratio.interval[1])
    assert np.mean(inside) >= 0.95
