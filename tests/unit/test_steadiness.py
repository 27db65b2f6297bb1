"""A trend is seen where there is one and not where there is only scatter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judging.steadiness import FEWEST_BINS, FEWEST_FOR_A_TREND, goodput_trend, response_trend

RNG = np.random.default_rng(1)


def poisson(level: float, tenths: int) -> list[int]:
    return [int(count) for count in RNG.poisson(level, tenths)]


@pytest.mark.parametrize(("tenths", "bins", "bin_s"), [(13, 13, 0.1), (50, 50, 0.1), (120, 12, 1.0)])
def test_a_rise_is_measured_in_bins_that_suit_the_phase(tenths: int, bins: int, bin_s: float) -> None:
    trend = goodput_trend([100 + 100 * at // tenths for at in range(tenths)], tenths / 10)
    assert trend is not None
    assert (trend.bins, trend.bin_s) == (bins, bin_s)
    assert trend.change == pytest.approx(1 - (100 + 100 / 6) / (200 - 100 / 6), rel=0.1)
    assert trend.p_value < 0.01


@given(st.lists(st.integers(0, 500), min_size=FEWEST_BINS, max_size=60))
def test_no_fall_and_no_rise_is_of_more_than_everything(tenths: list[int]) -> None:
    trend = goodput_trend(tenths, len(tenths) / 10)
    assert trend is None or -1 <= trend.change <= 1


def test_a_burst_at_the_start_is_no_fall_by_several_times_of_what_there_was() -> None:
    """Most bins are nearly empty, so their median is: it once fell "by 389 % of its median"."""
    trend = goodput_trend([60, 50, 40, 9, 5, 4, 3, 3, 2, 2, 1, 1], 1.2)
    assert trend is not None
    assert trend.change == pytest.approx(-(1 - 6 / 159))


def test_a_fall_is_negative() -> None:
    trend = goodput_trend(list(range(100, 60, -1)), 4.0)
    assert trend is not None
    assert trend.change == pytest.approx(-(1 - 67 / 94), abs=0.02)


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
    counts = [1 + number % 7 for number in range(60)]
    level = response_trend(counts, [0.1 * count for count in counts], 6.0)
    assert level is None or level.p_value > 0.05
    rising = response_trend(counts, [(0.1 + 0.01 * number) * count for number, count in enumerate(counts)], 6.0)
    assert rising is not None
    assert rising.p_value < 0.001
    assert rising.last / rising.first == pytest.approx((0.1 + 0.545) / (0.1 + 0.245), rel=0.1)  # tenths 50-59, 20-29
    assert (rising.bins, rising.bin_s) == (8, 0.5)


def test_a_queue_that_comes_to_its_level_in_the_first_third_is_no_trend() -> None:
    times_s = [0.1 + 0.02 * min(number, 9) + 0.001 * (number % 3) for number in range(30)]
    found = response_trend([3] * 30, [3 * time_s for time_s in times_s], 3.0)
    assert found is not None
    assert abs(found.change) < 0.1


@pytest.mark.parametrize("load", [0.7, 0.9])
def test_a_server_that_keeps_up_hardly_ever_piles_up(load: float) -> None:
    """One server, 2 ms a request, Poisson arrivals, from empty: the queue's own ups and downs."""
    said = 0
    for _ in range(200):
        counts, sums, free_s = [0] * 30, [0.0] * 30, 0.0
        arrivals_s = np.cumsum(RNG.exponential(0.002 / load, 3000))
        for came_s in arrivals_s[arrivals_s < 3.0]:
            free_s = max(free_s, came_s) + 0.002
            counts[int(came_s * 10)] += 1
            sums[int(came_s * 10)] += free_s - came_s
        trend = response_trend(counts, sums, 3.0)
        said += trend is not None and trend.p_value < 0.01 and trend.last > 5 / 3 * trend.first
    assert said <= 10, said


def test_tenths_in_which_nobody_came_are_left_out_and_short_phases_are_not_looked_at() -> None:
    counts, sums = [4, 0] * 20, [0.4 + 0.04 * at if at % 2 == 0 else 0.0 for at in range(40)]
    trend = response_trend(counts, sums, 4.0)
    assert trend is not None
    assert trend.p_value < 0.01
    assert response_trend([9] * 19, [9.0 + at for at in range(19)], 1.9) is None


@pytest.mark.parametrize("arrivals", [0, 1])
def test_too_few_arrivals_make_no_trend_of_response_times(arrivals: int) -> None:
    assert response_trend([arrivals] * 50, [arrivals * at * 0.1 for at in range(50)], 5.0) is None


@pytest.mark.parametrize(
    ("tenths", "duration_s"),
    [
        ([], 4.0),
        ([100] * (FEWEST_BINS - 1), (FEWEST_BINS - 1) / 10),
        ([0] * 20 + [1] * (FEWEST_FOR_A_TREND // 2), 4.0),
        ([5] * 40, 4.0),
    ],
)
def test_too_little_to_tell_is_none(tenths: list[int], duration_s: float) -> None:
    assert goodput_trend(tenths, duration_s) is None
