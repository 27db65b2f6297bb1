"""What a calibration says of a figure that it did not measure itself."""

from __future__ import annotations

import math

import msgspec
import pytest

from harness.calibration.calibration_record import Calibration
from harness.calibration.case_record import Case, QuantileError
from harness.calibration.uncertainty import (
    latencies_differ,
    plus_minus,
    plus_minus_range,
    uncertainties_line,
    uncertainty_ms,
    worst_uncertainties_ms,
)
from tests.unit.test_calibration_record import GOOD, calibration

# (rate, value) -> uncertainty of the p99
MEASURED = {(100.0, 5.0): 0.4, (100.0, 50.0): 0.8, (1000.0, 5.0): 0.2, (1000.0, 50.0): 0.6}


def figure(percent: float, value_ms: float, uncertainty: float | None) -> QuantileError:
    return msgspec.structs.replace(GOOD, percent=percent, law_ms=value_ms, uncertainty_ms=uncertainty)


def case(rate_rps: float, *figures: QuantileError) -> Case:
    return Case(law="fixed", title="", rate_rps=rate_rps, figures=figures)


def known(*cases: Case) -> Calibration:
    return msgspec.structs.replace(calibration(), cases=cases)


FOUND = known(*(case(rate, figure(99, value_ms, own_ms)) for (rate, value_ms), own_ms in MEASURED.items()))


@pytest.mark.parametrize(("point", "own_ms"), MEASURED.items())
def test_what_was_measured_is_said(point: tuple[float, float], own_ms: float) -> None:
    assert uncertainty_ms(FOUND, 99, *point) == pytest.approx(own_ms)


def test_in_between_it_is_in_between() -> None:
    middle_ms, middle_rps = math.sqrt(5 * 50), math.sqrt(100 * 1000)
    assert uncertainty_ms(FOUND, 99, 100, middle_ms) == pytest.approx(0.6)
    assert uncertainty_ms(FOUND, 99, middle_rps, 5) == pytest.approx(0.3)
    assert uncertainty_ms(FOUND, 99, middle_rps, middle_ms) == pytest.approx(0.5)


def test_outside_it_is_never_better_than_the_nearest() -> None:
    assert uncertainty_ms(FOUND, 99, 5, 5) == pytest.approx(0.4)
    assert uncertainty_ms(FOUND, 99, 20_000, 5) == pytest.approx(0.2)
    assert uncertainty_ms(FOUND, 99, 100, 0.1) == pytest.approx(0.4)
    assert uncertainty_ms(FOUND, 99, 100, 0.0) == pytest.approx(0.4)
    assert uncertainty_ms(FOUND, 99, 100, 500) == pytest.approx(8.0), "beyond the largest, the same share of the value"


def test_beyond_its_own_largest_value_a_higher_percentile_that_was_measured_there_says_more() -> None:
    found = known(case(100, figure(50, 50, 0.4), figure(99, 160, 0.9)))
    assert uncertainty_ms(found, 50, 100, 160) == pytest.approx(0.9), "not 0.4 x 160 / 50"
    assert uncertainty_ms(found, 50, 100, 50) == pytest.approx(0.4)
    better = known(case(100, figure(50, 50, 0.4), figure(99, 160, 0.2)))
    assert uncertainty_ms(better, 50, 100, 160) == pytest.approx(0.4), "never better than the nearest of its own"


def test_of_two_laws_with_the_same_value_the_worse_counts() -> None:
    found = known(case(100, figure(99, 50, 0.3)), case(100, figure(99, 50, 0.9)), case(100, figure(99, 50, 0.1)))
    assert uncertainty_ms(found, 99, 100, 50) == pytest.approx(0.9)


def test_nothing_is_known_better_than_the_histograms_record_it() -> None:
    exact = known(case(100, figure(99, 1000, 0.01)))
    assert uncertainty_ms(exact, 99, 100, 1000) == pytest.approx(1.0)


def test_a_percentile_has_that_of_the_next_higher_one_and_none_beyond() -> None:
    found = known(case(100, figure(50, 50, 0.1), figure(99, 50, 0.7)))
    assert uncertainty_ms(found, 50, 100, 50) == pytest.approx(0.1)
    assert uncertainty_ms(found, 90, 100, 50) == pytest.approx(0.7)
    assert uncertainty_ms(found, 99.9, 100, 50) is None


def test_without_a_calibration_or_with_one_that_got_nowhere_nothing_is_known() -> None:
    assert uncertainty_ms(None, 99, 100, 50) is None
    assert uncertainty_ms(known(), 99, 100, 50) is None
    assert uncertainty_ms(known(case(100, figure(99, 50, None))), 99, 100, 50) is None
    assert latencies_differ(None, 99, 100, 50, 90) is None


@pytest.mark.parametrize(
    ("other_ms", "differ"), [(50.5, False), (51.5, False), (51.7, True), (48.5, False), (48, True)]
)
def test_latencies_differ_when_it_is_more_than_both_uncertainties(other_ms: float, differ: bool) -> None:
    assert latencies_differ(FOUND, 99, 100, 50, other_ms) is differ
    assert latencies_differ(FOUND, 99, 100, other_ms, 50) is differ


def test_the_worst_of_each_percentile() -> None:
    found = known(case(100, figure(99, 5, 0.7), figure(50, 5, 0.1)), case(1000, figure(99, 5, 0.2)))
    assert worst_uncertainties_ms(found) == {50: 0.1, 99: 0.7}
    assert uncertainties_line(worst_uncertainties_ms(found).items()) == "p50 ±0.10 ms, p99 ±0.70 ms"


def test_a_range_is_said_once_where_it_is_none() -> None:
    assert plus_minus_range([0.3, 0.22, 3.61]) == "±0.22 to ±3.7 ms"
    assert plus_minus_range([0.22, 0.2199]) == "±0.22 ms"


@pytest.mark.parametrize(
    ("value_ms", "shown"),
    [(0.211, "±0.22 ms"), (0.22, "±0.22 ms"), (0.7, "±0.70 ms"), (9.81, "±9.9 ms"), (12.1, "±13 ms"), (0.0, "±0 ms")],
)
def test_it_is_rounded_up(value_ms: float, shown: str) -> None:
    assert plus_minus(value_ms) == shown
