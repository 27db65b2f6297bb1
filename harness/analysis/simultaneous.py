"""Several variants against one control, so that all intervals hold at once. Pure.

Two steps, on the differences of logarithms within rounds:

1. Variances. Three rounds know little of their own scatter, but eight comparisons of one workload know more together:
   each variance is drawn towards the common one, the more the less they differ (empirical Bayes, Smyth, "Linear models
   and empirical Bayes methods for assessing differential expression", Statistical Applications in Genetics and
   Molecular Biology 3, 2004). As in his `limma`, nobody gets more degrees of freedom than all have together.
2. Intervals. They reach as far as Dunnett's test against a control does (Journal of the American Statistical
   Association 50, 1955): with 95 % confidence all of them contain what they are about.

`scipy.stats.dunnett` takes one variance for all groups and independent samples; ours are paired within rounds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean, median, variance
from typing import Literal

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.polynomial.legendre import leggauss
from scipy.special import gammaincinv, ndtr, polygamma, psi

from harness.analysis.stats import ALPHA, LogRatio

Sides = Literal[1, 2]

# Two differences from one control share it: as variable as the others, it is half of their variance.
_SHARED = 0.5
_LARGEST_CRITICAL = 1e4
_SMALLEST_SHARE = 1e-5  # of the median variance: limma's floor under a variance of zero


@dataclass(frozen=True)
class Moderated:
    """A variance with the degrees of freedom it is known by."""

    value: float
    freedom: float


def against_control(
    differences: Mapping[str, Sequence[float]], floors: Mapping[str, float], *, sides: Sides = 2
) -> dict[str, LogRatio]:
    """`differences`: of logarithms, one a round, of each variant from the control; at least one. `floors`: the least
    variance that rounding of the values alone gives them.

    One round has no scatter: such a ratio has no interval. `sides` 1: the intervals' lower ends alone hold at once, and
    so do the upper ends alone.
    """
    own = {
        name: Moderated(max(variance(values), floors[name]), len(values) - 1.0)
        for name, values in differences.items()
        if len(values) > 1
    }
    better = dict(zip(own, moderated(list(own.values())), strict=True))
    found = {}
    for name, values in differences.items():
        error = freedom = reach = None
        if name in better:
            error = math.sqrt(max(better[name].value, floors[name]) / len(values))
            freedom = better[name].freedom
            reach = critical(round(freedom, 1), len(own), sides)
        found[name] = LogRatio(fmean(values), error, freedom, len(values), reach)
    return found


def moderated(variances: Sequence[Moderated]) -> list[Moderated]:
    """Drawn towards the common one. With fewer than two there is nothing to learn from the others."""
    if len(variances) < 2 or not any(each.value for each in variances):
        return list(variances)
    least = _SMALLEST_SHARE * median(each.value for each in variances)
    values = np.array([max(each.value, least, 1e-300) for each in variances])
    freedoms = np.array([each.freedom for each in variances])
    pooled = float(freedoms.sum())
    # Smyth's section 6.2: the logarithms of the variances scatter by trigamma(d/2), and what is beyond that is how much
    # the true ones differ.
    logs = np.log(values) - psi(freedoms / 2) + np.log(freedoms / 2)
    excess = float(logs.var(ddof=1) - polygamma(1, freedoms / 2).mean())
    if excess <= 0:
        common = float((values * freedoms).sum() / pooled)
        return [Moderated(common, pooled) for _ in variances]
    prior = 2 * trigamma_inverse(excess)
    common = math.exp(float(logs.mean()) + float(psi(prior / 2)) - math.log(prior / 2))
    return [
        Moderated((prior * common + freedom * value) / (prior + freedom), min(prior + freedom, pooled))
        for value, freedom in zip(values.tolist(), freedoms.tolist(), strict=True)
    ]


def trigamma_inverse(value: float) -> float:
    """The `x` with trigamma(x) == `value`, by Newton's method (Smyth 2004, appendix)."""
    if value > 1e7:
        return 1 / math.sqrt(value)
    if value < 1e-6:
        return 1 / value
    x = 0.5 + 1 / value
    for _ in range(50):
        at = float(polygamma(1, x))
        step = at * (1 - at / value) / float(polygamma(2, x))
        x += step
        if -step / x < 1e-8:
            break
    return x


@lru_cache(maxsize=512)
def critical(freedom: float, comparisons: int, sides: Sides) -> float:
    """Dunnett's: of `comparisons` statistics with a common control, the largest (of both signs with `sides` 2) stays
    below it with 95 % probability. Found by bisection; with one comparison it is Student's quantile."""
    low, high = 0.0, 2.0
    while probability(high, freedom, comparisons, sides) < 1 - ALPHA and high < _LARGEST_CRITICAL:
        low, high = high, 2 * high
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        if probability(middle, freedom, comparisons, sides) < 1 - ALPHA:
            low = middle
        else:
            high = middle
    return high


def probability(bound: float, freedom: float, comparisons: int, sides: Sides) -> float:
    """That the largest of the statistics stays below `bound`: over the control's error (normal) and the standard
    deviation (chi), given which the statistics are independent."""
    z, weight = _normal_nodes()
    share, share_weight = _uniform_nodes()
    deviation = np.sqrt(2 * gammaincinv(freedom / 2, share) / freedom)
    centre = math.sqrt(_SHARED) * z[:, None]
    spread = math.sqrt(1 - _SHARED)
    reach = bound * deviation[None, :]
    inside = ndtr((reach - centre) / spread)
    if sides == 2:
        inside = inside - ndtr((-reach - centre) / spread)
    return float(weight @ inside**comparisons @ share_weight)


@lru_cache(maxsize=1)
def _normal_nodes() -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = hermegauss(64)
    return nodes, weights / math.sqrt(2 * math.pi)


@lru_cache(maxsize=1)
def _uniform_nodes() -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = leggauss(200)
    return (nodes + 1) / 2, weights / 2
