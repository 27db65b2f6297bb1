"""A trend is seen where there is one and not where there is only scatter."""

import numpy as np
import pytest

from harness.analysis.steadiness import FEWEST_ANSWERS, FEWEST_BINS, goodput_trend, response_trend

RNG = np.random.default_rng(1)


def poisson(level: float, tenths: int) -> list[int]:
    return [int(count) for count in RNG.poisson(level, tenths)]


@pytest.mark.parametrize(("tenths", "bins", "bin_s"), [(13, 13, 0.1), (50, 50, 0.1), (120, 12, 1.0)])
def test_a_rise_is_measured_in_bins_that_suit_the_phase(tenths: int, bins: int, bin_s: float) -> None:
    trend = goodput_trend([100 + 100 * at // tenths for at in range(tenths)], tenths / 10)
    assert trend is not None
    assert (trend.bins, trend.bin_s) == (bins, bin_s)
    assert trend.change == pytest.approx(100 / 150 * 2 / 3, rel=0.15)
    assert trend.p_value < 0.01


def test_a_fall_is_negative() -> None:
    trend = goodput_trend(list(range(100, 60, -1)), 4.0)
    assert trend is not None
    assert trend.change == pytest.approx(-0.5 * 2 / 3, abs=0.02)


def test_a_first_second_without_answers_is_a_trend() -> None:
    trend = goodput_trend([0] * 10 + [50] * 30, 4.0)
    assert trend is not None
    assert trend.p_value < 0.01
    assert trend.change > 0.5


def test_scatter_is_hardly_ever_a_trend_that_matters() -> None:
    said = 0
    for _ in range(500):
        trend = goodput_trend(poisson(20, 13), 1.3)
        said += trend is not None and trend.p_value < 0.01 and abs(trend.change) > 0.2
    assert said <= 12


def test_a_lockstep_of_bursts_and_gaps_is_no_trend() -> None:
    trend = goodput_trend([64, 0] * 20, 4.0)
    assert trend is not None
    assert trend.p_value > 0.5


def test_a_silence_at_the_end_counts() -> None:
    """The tenths end with the last answer; what is missing up to the phase's end are zeros."""
    trend = goodput_trend([50] * 20, 4.0)
    assert trend is not None
    assert trend.change < 0 or trend.p_value < 0.01


def test_response_times_that_grow_are_a_trend_and_that_many_came_at_once_is_none() -> None:
    counts = [1 + number % 7 for number in range(30)]
    level = response_trend(counts, [0.1 * count for count in counts], 3.0)
    assert level is None or level.p_value > 0.05
    rising = response_trend(counts, [(0.1 + 0.01 * number) * count for number, count in enumerate(counts)], 3.0)
    assert rising is not None
    assert rising.p_value < 1e-6
    assert rising.change == pytest.approx(0.2 / 0.245, rel=0.05)
    assert (rising.bins, rising.bin_s) == (30, 0.1)


def test_tenths_in_which_nobody_came_and_what_came_too_late_for_a_bin_are_left_out() -> None:
    counts, sums = [2, 0] * 20 + [50], [0.2, 0.0] * 20 + [500.0]
    assert response_trend(counts, sums, 4.0) is None  # level
    trend = response_trend([*counts[:-1], 50], [0.2 + 0.01 * at if at % 2 == 0 else 0.0 for at in range(41)], 4.0)
    assert trend is not None
    assert trend.bins == 20


@pytest.mark.parametrize("arrivals", [0, 1])
def test_too_few_arrivals_make_no_trend_of_response_times(arrivals: int) -> None:
    assert response_trend([arrivals] * 30, [arrivals * at * 0.1 for at in range(30)], 3.0) is None


@pytest.mark.parametrize(
    ("tenths", "duration_s"),
    [
        ([], 4.0),
        ([100] * (FEWEST_BINS - 1), (FEWEST_BINS - 1) / 10),
        ([0] * 20 + [1] * (FEWEST_ANSWERS // 2), 4.0),
        ([5] * 40, 4.0),
    ],
)
def test_too_little_to_tell_is_none(tenths: list[int], duration_s: float) -> None:
    assert goodput_trend(tenths, duration_s) is None
