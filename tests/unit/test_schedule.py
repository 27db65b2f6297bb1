from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from harness.results.records.schedule import schedule

rates = st.floats(min_value=0.5, max_value=2_000)
durations = st.floats(min_value=0.1, max_value=5)
laws = st.sampled_from(["poisson", "constant"])
seeds = st.integers(min_value=0, max_value=2**32)


def gaps(starts: Sequence[float]) -> list[float]:
    return [after - before for before, after in pairwise(starts)]


@given(laws, rates, durations, seeds)
def test_ascends_within_the_phase_and_depends_on_the_seed_alone(
    law: str, rate_rps: float, duration_s: float, seed: int
) -> None:
    starts = schedule(law, rate_rps, duration_s, seed)
    assert all(gap >= 0 for gap in gaps(starts))
    assert all(0 <= start < duration_s for start in starts)
    assert starts == schedule(law, rate_rps, duration_s, seed)


@given(rates, durations, seeds)
def test_constant_arrivals_are_one_gap_apart_and_as_many_as_fit(rate_rps: float, duration_s: float, seed: int) -> None:
    starts = schedule("constant", rate_rps, duration_s, seed)
    assert gaps(starts) == pytest.approx([1 / rate_rps] * (len(starts) - 1))
    assert abs(len(starts) - rate_rps * duration_s) <= 1


def test_poisson_gaps_are_exponential_and_keep_the_rate() -> None:
    starts = schedule("poisson", 500, 60, seed=7)
    assert len(starts) == pytest.approx(30_000, abs=4 * 30_000**0.5)
    assert kstest(gaps(starts), "expon", args=(0, 1 / 500)).pvalue > 0.01


def test_other_seeds_give_other_arrivals() -> None:
    assert schedule("poisson", 50, 2, seed=1) != schedule("poisson", 50, 2, seed=2)
