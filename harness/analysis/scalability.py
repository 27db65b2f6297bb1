"""The universal scalability law, fitted to the capacities of a sweep. Pure.

It describes some sweeps and not others: a pool that is larger than what the load can fill has a flat end that no sigma
and kappa give. So it is only said where the deviations are no larger than the scatter of the capacities explains (F
test for lack of fit: Draper and Smith, "Applied Regression Analysis", 1998, section 2.1). Intervals are from drawing
the capacities anew (parametric bootstrap).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import f as f_distribution

from harness.analysis.scalability_law import NoLaw, ScalabilityLaw
from harness.judging.estimate import Estimate
from harness.judging.simultaneous import RoundsFit

FEWEST_SIZES = 4  # for three parameters, and one deviation that says whether they describe it
_ALPHA = 0.05
_DRAWS = 400
_SEED = 20261128
_LEAST_VARIANCE = 1e-10
_NO_KAPPA = 1e-7  # the solver's zero

_Vector = NDArray[np.float64]


def scalability_law(variants: Mapping[float, str], fitted: RoundsFit) -> ScalabilityLaw | NoLaw:
    """`variants`: by size."""
    places = [(size, fitted.names.index(name)) for size, name in variants.items() if name in fitted.names]
    if len(places) < FEWEST_SIZES:
        return NoLaw(f"{len(places)} sizes have a capacity, and a fit needs {FEWEST_SIZES}")
    if fitted.freedom <= 0 or not fitted.is_connected():
        return NoLaw("there are too few slices to say how much the capacities scatter")
    sizes = np.array([size for size, _ in places], np.float64)
    chosen = [place for _, place in places]
    levels = _levels(fitted, chosen)
    root = np.linalg.cholesky(fitted.covariance[np.ix_(chosen, chosen)] + _LEAST_VARIANCE * np.eye(len(sizes)))
    best = _fitted(sizes, levels, root)
    deviations = np.linalg.solve(root, levels - _logs(sizes, best))
    freedom = len(sizes) - 3
    if deviations @ deviations / freedom > f_distribution.ppf(1 - _ALPHA, freedom, fitted.freedom):
        return NoLaw("the capacities deviate from it by more than they scatter")
    chance = np.random.default_rng(_SEED)
    drawn = [_fitted(sizes, levels + root @ chance.standard_normal(len(sizes)), root) for _ in range(_DRAWS)]
    low, high = np.quantile(drawn, [_ALPHA / 2, 1 - _ALPHA / 2], axis=0)
    slices = sum(len(fitted.logs[fitted.names[place]]) for place in chosen)
    sigma, kappa = (Estimate(float(best[at]), float(low[at]), float(high[at]), slices) for at in (1, 2))
    has_peak = low[2] > _NO_KAPPA
    peak = math.sqrt(max(0.0, 1 - best[1]) / best[2]) if has_peak else None
    return ScalabilityLaw(math.exp(best[0]), sigma, kappa, peak)


def _levels(fitted: RoundsFit, chosen: Sequence[int]) -> _Vector:
    """Of the fit, which leaves open what is common to all: together they are as large as the slices say."""
    levels = fitted.levels[chosen]
    means = [np.mean(list(fitted.logs[fitted.names[place]].values())) for place in chosen]
    return np.asarray(levels - levels.mean() + np.mean(means), np.float64)


def _logs(sizes: _Vector, parameters: _Vector) -> _Vector:
    log_rate, sigma, kappa = parameters
    found = log_rate + np.log(sizes) - np.log1p(sigma * (sizes - 1) + kappa * sizes * (sizes - 1))
    return np.asarray(found, np.float64)


def _fitted(sizes: _Vector, levels: _Vector, root: NDArray[np.float64]) -> _Vector:
    """The logarithm of the rate, sigma and kappa, by generalised least squares."""
    start = np.array([levels[0] - math.log(sizes[0]), 0.1, 0.001])
    found = least_squares(
        lambda parameters: np.linalg.solve(root, levels - _logs(sizes, parameters)),
        start,
        bounds=([-np.inf, 0.0, 0.0], [np.inf, 1.0, 1.0]),
        x_scale=[1.0, 0.1, 0.001],
    )
    return np.asarray(found.x, np.float64)
