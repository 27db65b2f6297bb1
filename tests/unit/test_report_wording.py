from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.judging import stats
from harness.judging.estimate import Estimate
from harness.judging.figures import Percentile
from harness.report import wording
from harness.results.records.outcome import Outcome, in_words
from harness.results.records.text import count


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0"),
        (0.01234, "0.0123"),
        (0.9996, "1.00"),
        (9.8765, "9.88"),
        (9.996, "10.0"),
        (94.85, "94.8"),
        (99.96, "100"),
        (948.4, "948"),
        (999.6, "1,000"),
        (25_731.0, "25,700"),
        (-3.14159, "-3.14"),
        (math.exp(150), "1.39e+65"),
        (math.exp(-150), "7.18e-66"),
        (math.inf, "∞"),
        (math.nan, wording.NOTHING),
        (None, wording.NOTHING),
    ],
)
def test_a_number_has_three_significant_digits(value: float | None, said: str) -> None:
    assert wording.number(value) == said


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_a_number_read_back_is_within_its_third_digit(value: float) -> None:
    read = float(wording.number(value).replace(",", ""))
    assert read == pytest.approx(value, rel=0.006)


def test_no_figure_without_its_uncertainty() -> None:
    assert wording.interval(Estimate(948.2, 931.0, 965.4, 3)) == "[931, 965]"
    assert wording.interval(Estimate(948.2, None, None, 1)) == "no interval from 1 slice"
    assert wording.interval(Estimate(948.2, None, None, 2)) == "no interval"
    assert wording.interval(None) == ""


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (1.002, 1.21, "[1.002, 1.21]"),
        (0.9996, 1.21, "[0.9996, 1.21]"),
        (0.9522, 1.0498, "[0.952, 1.05]"),
        (0.98, 1.0503, "[0.980, 1.0503]"),
        (1.38, 2.98, "[1.38, 2.98]"),
        (1.0, 1.0, "[1.00, 1.00]"),
    ],
)
def test_the_ends_of_a_ratio_stay_on_their_side_of_what_decides(low: float, high: float, said: str) -> None:
    assert wording.interval_of_ratio(Estimate(1.0, low, high, 3)) == said


@given(st.floats(0.9, 1.1), st.floats(0.9, 1.1))
def test_a_shown_interval_gives_the_verdict_that_is_shown(one: float, other: float) -> None:
    low, high = sorted((one, other))
    shown = wording.interval_of_ratio(Estimate(1.0, low, high, 3)).strip("[]").split(", ")
    assume(all(abs(end - bound) > 1e-6 for end in (low, high) for bound in (1 / 1.05, 1.0, 1.05)))
    assert _verdict(*map(float, shown)) == _verdict(low, high)


def _verdict(low: float, high: float) -> stats.Verdict:
    half = (math.log(high) - math.log(low)) / 2
    return stats.verdict(stats.LogRatio((math.log(low) + math.log(high)) / 2, half, 3.0, 3, 1.0))


@pytest.mark.parametrize(
    ("value_ms", "said"),
    [
        (0.0312, "0.0312 ms"),
        (12.34, "12.3 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (1_360.0, "1.36 s"),
        (None, wording.NOTHING),
    ],
)
def test_durations_change_unit_at_a_second(value_ms: float | None, said: str) -> None:
    assert wording.ms(value_ms) == said


def test_a_percentile_that_lies_among_requests_given_up_is_a_lower_bound() -> None:
    assert wording.percentile(Percentile(5200.0, True, 300)) == "≥ 5.20 s"
    assert wording.percentile(Percentile(134.0, False, 300)) == "134 ms"
    assert wording.percentile(None) == wording.NOTHING


def test_the_range_of_slices() -> None:
    assert wording.slice_range(Percentile(134.0, False, 300, 130.0, 1400.0), 3) == "130 ms…1.40 s"
    assert wording.slice_range(Percentile(134.0, False, 300, 130.0, 140.0), 3) == "130…140 ms"
    assert wording.slice_range(Percentile(134.0, False, 300, 134.0, 134.0), 1) == "1 slice: no range"
    assert wording.slice_range(Percentile(134.0, False, 300), 3) == ""
    assert wording.slice_range(None, 3) == ""


@pytest.mark.parametrize(
    ("value_s", "said"),
    [
        (0.00168, "1.68 ms"),
        (0.25, "0.25 s"),
        (4.0, "4 s"),
        (12.34, "12.3 s"),
        (845.0, "14 min 05 s"),
        (7384.0, "2 h 03 min"),
    ],
)
def test_stretches_of_time(value_s: float, said: str) -> None:
    assert wording.seconds(value_s) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.0, "0 %"), (0.0001, "< 0.1 %"), (0.0123, "1.2 %"), (0.5, "50 %"), (1.0, "100 %"), (None, wording.NOTHING)],
)
def test_shares(share: float | None, said: str) -> None:
    assert wording.percent(share) == said


@given(st.floats(min_value=1e-12, max_value=1.0))
def test_something_never_reads_as_nothing(share: float) -> None:
    assert wording.percent(share) not in ("0 %", "0.0 %")


def test_errors_are_named_by_outcome() -> None:
    counts = {Outcome.OK: 900, Outcome.TIMEOUT: 1200, Outcome.NOT_SENT: 3, Outcome.HTTP_ERROR: 0}
    assert wording.not_ok(counts) == "1,200 timeouts, 3 not sent"
    assert wording.not_ok({Outcome.OK: 900, Outcome.WRONG_ANSWER: 1}) == "1 wrong answer"
    assert wording.not_ok({Outcome.OK: 900}) == ""


def test_requests_given_up_are_named_apart_from_timeouts() -> None:
    assert wording.not_ok({Outcome.OK: 9, Outcome.TIMEOUT: 12}, given_up=12) == "12 given up"
    assert wording.not_ok({Outcome.OK: 9, Outcome.TIMEOUT: 13}, given_up=12) == "1 timeout, 12 given up"


def test_every_outcome_has_a_word() -> None:
    assert {in_words(outcome, 1) for outcome in Outcome} == {
        "1 right answer",
        "1 wrong answer",
        "1 HTTP error",
        "1 refused",
        "1 timeout",
        "1 connection error",
        "1 not sent",
    }


def test_counts_memory_and_ratios() -> None:
    assert count(1, "slice") == "1 slice"
    assert count(1_200, "slice") == "1,200 slices"
    assert count(2, "strategy", "strategies") == "2 strategies"
    assert wording.mib(157_286_400) == "150 MiB"
    assert wording.times(3.1234) == f"{wording.TIMES}3.12"
