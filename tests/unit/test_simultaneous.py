"""Intervals against a control hold all at once, whatever the scatter of each variant, and find what is there.

The runs are synthetic: every variant has its own scatter, the machine drifts from round to round for all of them, now
and then a burst of stolen time hits one slice, and one variant chokes.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats as scipy_stats
from scipy.special import polygamma

from harness.analysis import stats
from harness.analysis.simultaneous import Moderated, against_control, critical, moderated, trigamma_inverse

# ---------------------------------------------------------------------------------------------- how far they reach


@pytest.mark.parametrize("freedom", [2.0, 5.0, 30.0])
def test_a_lone_comparison_reaches_as_far_as_students_t(freedom: float) -> None:
    assert critical(freedom, 1, 2) == pytest.approx(float(scipy_stats.t.ppf(0.975, freedom)), rel=2e-3)
    assert critical(freedom, 1, 1) == pytest.approx(float(scipy_stats.t.ppf(0.95, freedom)), rel=2e-3)


# From Dunnett's tables for 5 %: New multiple comparisons with a control, Biometrics 20, 1964 (two-sided), and his paper
# of 1955 (one-sided).
@pytest.mark.parametrize(
    ("freedom", "comparisons", "sides", "table"),
    [(10, 2, 2, 2.57), (10, 5, 2, 3.03), (20, 8, 2, 2.95), (20, 3, 2, 2.54), (10, 4, 1, 2.34), (20, 8, 1, 2.49)],
)
def test_several_reach_as_far_as_dunnetts_tables_say(
    freedom: float, comparisons: int, sides: int, table: float
) -> None:
    assert critical(float(freedom), comparisons, 1 if sides == 1 else 2) == pytest.approx(table, abs=0.015)


@given(st.floats(1, 60), st.integers(1, 12))
def test_more_comparisons_reach_further_and_one_side_less_far(freedom: float, comparisons: int) -> None:
    freedom = round(freedom, 1)
    assert critical(freedom, comparisons, 2) <= critical(freedom, comparisons + 1, 2)
    assert critical(freedom, comparisons, 1) < critical(freedom, comparisons, 2)


# ------------------------------------------------------------------------------------------------------- variances


@given(st.floats(1e-3, 1e4))
def test_the_inverse_of_trigamma_is_its_inverse(value: float) -> None:
    assert float(polygamma(1, trigamma_inverse(value))) == pytest.approx(value, rel=1e-6)


def test_variances_that_differ_no_more_than_chance_are_taken_as_one() -> None:
    same = moderated([Moderated(value, 5.0) for value in (0.9, 1.0, 1.1, 1.0)])
    assert {each.value for each in same} == {pytest.approx(1.0)}
    assert {each.freedom for each in same} == {20.0}


def test_variances_that_differ_by_far_keep_their_own() -> None:
    loud = moderated([Moderated(value, 30.0) for value in (1e-4, 1e-2, 1.0, 1e2)])
    assert [each.value for each in loud] == pytest.approx([1e-4, 1e-2, 1.0, 1e2], rel=0.3)


@given(st.lists(st.floats(0, 1e3), max_size=8), st.floats(1, 20))
def test_nobody_knows_more_than_all_together_and_order_stays(values: list[float], freedom: float) -> None:
    after = moderated([Moderated(value, freedom) for value in values])
    assert len(after) == len(values)
    assert all(each.freedom <= freedom * len(values) + 1e-9 for each in after)
    ordered = [after[index].value for index in np.argsort(values, kind="stable")]
    assert all(one <= more * (1 + 1e-9) for one, more in zip(ordered, ordered[1:], strict=False))


def test_without_any_scatter_nothing_is_made_up() -> None:
    found = against_control({"a": [0.5, 0.5], "b": [0.0, 0.0]}, {"a": 0.0, "b": 0.0})
    assert {name: ratio.interval for name, ratio in found.items()} == {"a": (0.5, 0.5), "b": (0.0, 0.0)}


def test_a_variant_of_one_round_has_a_ratio_and_no_interval() -> None:
    found = against_control({"a": [0.5], "b": [0.1, 0.2, 0.1]}, {"a": 0.0, "b": 0.0})
    assert (found["a"].mean, found["a"].interval, found["a"].count) == (0.5, None, 1)
    assert found["b"].interval is not None


# ------------------------------------------------------------------------------------------------------ many runs

RUNS = 2000
LEAST_ERROR = 4  # standard errors of a share of RUNS runs


class Kind(NamedTuple):
    """Of synthetic runs. `scatter`: the standard deviation of a variant's logarithm in a round, drawn for each variant
    from this range. `bursts`: the share of slices that lose a fifth to a third to stolen time."""

    rounds: int
    scatter: tuple[float, float]
    bursts: float = 0.0
    chokes: bool = False


KINDS = {
    "three rounds, alike": Kind(3, (0.1, 0.1)),
    "three rounds, each its own": Kind(3, (0.05, 0.2)),
    "twelve rounds, each its own": Kind(12, (0.05, 0.2)),
    "twelve rounds, stolen time and one that chokes": Kind(12, (0.08, 0.17), bursts=0.03, chokes=True),
}
OTHERS = 8


def synthetic(random: np.random.Generator, kind: Kind, truth: float) -> NDArray[np.float64]:
    """Logarithms, a row for each variant and a column for each round; the first row is the control's. All others differ
    from it by `truth`."""
    scatter = random.uniform(*kind.scatter, OTHERS + 1)
    if kind.chokes:
        scatter[-1] = 0.5
    logs = scatter[:, None] * random.standard_normal((OTHERS + 1, kind.rounds))
    logs += np.cumsum(random.normal(0, 0.1, kind.rounds))  # the machine drifts
    logs[1:] += truth
    hit = random.random(logs.shape) < kind.bursts
    logs[hit] += np.log(random.uniform(0.67, 0.8, int(hit.sum())))
    return logs


def ratios(logs: NDArray[np.float64]) -> dict[str, stats.LogRatio]:
    differences = {str(at): list(row - logs[0]) for at, row in enumerate(logs) if at}
    return against_control(differences, dict.fromkeys(differences, 0.0))


@pytest.mark.parametrize("name", KINDS)
def test_no_false_verdict_in_95_of_100_runs_without_a_difference(name: str) -> None:
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
        (Kind(3, (0.08, 0.12)), 2.0, 0.99),
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
