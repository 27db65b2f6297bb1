"""How exact the load generator's percentiles are on the machine where it was calibrated. Pure.

A calibration measures it for some percentiles of some answer times at some rates. Between them it is interpolated on
logarithmic axes, because the disturbances of a generator (waking up, waiting for a CPU) grow with the factors of rate
and time. Outside of what was measured, the nearest measured value is used, never a better one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from harness.calibration.calibration_record import Calibration

# HdrHistograms have 3 significant digits, so nothing is more exact than this.
RESOLUTION_SHARE = 0.001


class _Point(NamedTuple):
    at: float
    uncertainty_ms: float


def uncertainty_ms(calibration: Calibration | None, percent: float, rate_rps: float, value_ms: float) -> float | None:
    """By how much a percentile of `value_ms`, measured at `rate_rps`, may be wrong because of the instrument. None:
    this was not measured.

    A percentile above the highest that was calibrated has none. One in between has that of the next higher one, since
    the tail is where a generator errs.
    """
    if calibration is None or rate_rps <= 0 or value_ms < 0:
        return None
    known = [_at(calibration, one, rate_rps, value_ms) for one in worst_uncertainties_ms(calibration) if one >= percent]
    if not known:
        return None
    # Beyond the largest value of this percentile, a higher percentile that was measured there gives a better bound.
    own = known[0]
    best_ms = max(own.floor_ms, min(one.ms for one in known)) if own.grown else own.ms
    return max(best_ms, RESOLUTION_SHARE * value_ms)


def latencies_differ(
    calibration: Calibration | None, percent: float, rate_rps: float, one_ms: float, other_ms: float
) -> bool | None:
    """Whether two percentiles, measured at the same rate, differ by more than the instrument's own uncertainty. None:
    the uncertainty is not known.

    Both may be wrong at once and in opposite directions, so the uncertainties are added.
    """
    one = uncertainty_ms(calibration, percent, rate_rps, one_ms)
    other = uncertainty_ms(calibration, percent, rate_rps, other_ms)
    return None if one is None or other is None else abs(one_ms - other_ms) > one + other


def worst_uncertainties_ms(calibration: Calibration) -> dict[float, float]:
    """Percent -> the largest uncertainty that was measured, over all answer times and rates."""
    worst: dict[float, float] = {}
    for case in calibration.cases:
        for figure in case.figures:
            if figure.uncertainty_ms is not None:
                worst[figure.percent] = max(figure.uncertainty_ms, worst.get(figure.percent, 0.0))
    return dict(sorted(worst.items()))


def plus_minus(value_ms: float) -> str:
    """Rounded up to two digits: ±0.22 ms, ±13 ms."""
    if value_ms <= 0:
        return "±0 ms"
    digits = 1 - math.floor(math.log10(value_ms))
    # What is 0.22 but for the last bit stays 0.22.
    rounded = math.ceil(value_ms * 10.0**digits - 1e-9) / 10.0**digits
    return f"±{rounded:.{max(0, digits)}f} ms"


def plus_minus_range(values_ms: Sequence[float]) -> str:
    """±0.22 ms, or ±0.22 to ±3.7 ms."""
    low, high = plus_minus(min(values_ms)), plus_minus(max(values_ms))
    return low if low == high else f"{low.removesuffix(' ms')} to {high}"


def uncertainties_line(by_percent: Iterable[tuple[float, float]]) -> str:
    """p50 ±0.12 ms, p99 ±0.70 ms."""
    return ", ".join(f"p{percent:g} {plus_minus(value_ms)}" for percent, value_ms in by_percent)


class _Found(NamedTuple):
    """`floor_ms`: at the largest value that was measured. `grown`: the value asked for is beyond that one."""

    ms: float
    floor_ms: float
    grown: bool


def _at(calibration: Calibration, percent: float, rate_rps: float, value_ms: float) -> _Found:
    """From the measurements of exactly this percentile."""
    curves = _curves(calibration, percent)
    inside = _between([_Point(rate, _between(points, value_ms)) for rate, points in curves], rate_rps)
    # Beyond what was measured it grows in proportion to the value.
    beyond = max(1.0, value_ms / max(points[-1].at for _, points in curves))
    return _Found(inside * beyond, inside, beyond > 1)


def _curves(calibration: Calibration, percent: float) -> list[tuple[float, list[_Point]]]:
    """For each rate the uncertainties of a percentile, by value. Where two laws have the same value, the worse
    counts."""
    found: dict[float, dict[float, float]] = {}
    for case in calibration.cases:
        for figure in case.figures:
            if figure.percent == percent and figure.uncertainty_ms is not None:
                at_rate = found.setdefault(case.rate_rps, {})
                at_rate[figure.law_ms] = max(figure.uncertainty_ms, at_rate.get(figure.law_ms, 0.0))
    return [(rate, [_Point(*point) for point in sorted(points.items())]) for rate, points in sorted(found.items())]


def _between(points: Sequence[_Point], at: float) -> float:
    """Linear in the logarithm of `at`; outside of the points, the value of the nearest one."""
    if at <= points[0].at:
        return points[0].uncertainty_ms
    for low, high in pairwise(points):
        if at <= high.at:
            share = math.log(at / low.at) / math.log(high.at / low.at)
            return low.uncertainty_ms + share * (high.uncertainty_ms - low.uncertainty_ms)
    return points[-1].uncertainty_ms
