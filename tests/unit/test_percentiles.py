"""A percentile is either the truth or, marked as such, a lower bound of it; and none without enough data."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judging.figures import Percentile
from harness.judging.percentiles import (
    MIN_SAMPLES,
    Latencies,
    exact_latencies,
    latencies,
    pool,
    with_slice_range,
)
from harness.results.histograms import Histogram, Histograms, Interval, Tag
from harness.results.records.metric import Metric
from harness.results.records.outcome import Outcome


def histogram(values_us: list[int]) -> Histogram:
    counts = Counter(values_us)
    values = sorted(counts)
    return Histogram(np.array(values, np.int64), np.array([counts[value] for value in values], np.int64))


TIMES_US = st.integers(1, 1000)


@given(
    exact=st.lists(TIMES_US, max_size=60),
    given_up=st.lists(st.tuples(TIMES_US, st.integers(0, 5000)), max_size=60),
    permille=st.sampled_from([500, 900]),
)
def test_whatever_the_given_up_would_have_taken_the_bound_holds(
    exact: list[int], given_up: list[tuple[int, int]], permille: int
) -> None:
    """`given_up`: when it was given up, and how much longer it would have taken."""
    found = Latencies(histogram(exact), histogram([time for time, _ in given_up])).percentile(permille)
    truth = sorted(exact + [time + more for time, more in given_up])
    if len(truth) < MIN_SAMPLES[permille]:
        assert found is None
        return
    assert found is not None
    true_ms = truth[-(-permille * len(truth) // 1000) - 1] / 1000
    assert found.samples == len(truth)
    assert found.value_ms <= true_ms
    if not found.at_least:
        assert found.value_ms == true_ms


@given(exact=st.lists(TIMES_US, min_size=10))
def test_without_any_given_up_it_is_never_at_least(exact: list[int]) -> None:
    found = exact_latencies(histogram(exact)).percentile(500)
    assert found == Percentile(sorted(exact)[(len(exact) + 1) // 2 - 1] / 1000, False, len(exact))


@given(exact=st.lists(TIMES_US, min_size=10), extra=st.lists(TIMES_US, min_size=1))
def test_a_rank_among_the_given_up_is_at_least(exact: list[int], extra: list[int]) -> None:
    later = [2000 + time for time in extra] * len(exact)  # so many that the median is one of them
    found = Latencies(histogram(exact), histogram(later)).percentile(500)
    assert found is not None
    assert found.at_least or len(later) == len(exact)


def test_ten_late_ones_do_not_blur_a_median_they_cannot_reach() -> None:
    found = Latencies(histogram([100] * 90), histogram([500] * 10)).percentile(500)
    assert found == Percentile(0.1, False, 100)


def test_one_given_up_early_blurs_it() -> None:
    """It might have been the slowest: then the median is a later one."""
    values = list(range(1, 12))
    found = Latencies(histogram(values[1:]), histogram(values[:1])).percentile(500)
    assert found == Percentile(0.006, True, 11)


@pytest.mark.parametrize(("permille", "least"), [(500, 10), (900, 10), (990, 100), (999, 1000)])
def test_too_few_samples_are_no_percentile(permille: int, least: int) -> None:
    assert exact_latencies(histogram([1] * (least - 1))).percentile(permille) is None
    assert exact_latencies(histogram([1] * least)).percentile(permille) == Percentile(0.001, False, least)


def log(counts: dict[tuple[Outcome, Metric], int]) -> Histograms:
    return Histograms(
        {
            Tag("capacity", outcome, metric): (Interval(0.0, 1.0, histogram([100] * count)),)
            for (outcome, metric), count in counts.items()
        }
    )


def test_fast_failures_are_no_response_times() -> None:
    read = log({(outcome, Metric.RESPONSE): 10 for outcome in Outcome})
    found = latencies(read, "capacity", Metric.RESPONSE)
    assert (found.exact.total, found.given_up.total) == (10, 20)  # ok; timeout and not sent


def test_how_late_a_request_was_sent_does_not_depend_on_its_answer() -> None:
    read = log({(outcome, Metric.SEND_LAG): 10 for outcome in Outcome})
    found = latencies(read, "capacity", Metric.SEND_LAG)
    assert (found.exact.total, found.given_up.total) == (60, 10)  # all that were sent; not sent


def test_pooling_is_adding_up_and_the_slices_range_stays_beside_it() -> None:
    fast, slow = exact_latencies(histogram([100] * 10)), exact_latencies(histogram([300] * 20))
    pooled = with_slice_range(pool([fast, slow]).percentile(500), [fast.percentile(500), slow.percentile(500), None])
    assert pooled == Percentile(0.3, False, 30, slice_low_ms=0.1, slice_high_ms=0.3)
    assert with_slice_range(None, [fast.percentile(500)]) is None
