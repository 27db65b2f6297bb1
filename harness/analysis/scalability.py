"""The universal scalability law, fitted to the capacities of a sweep. Pure.

It describes some sweeps and not others: one that ends flat, at a limit of something else, has no sigma and kappa.
(Sizes that the users cannot fill are not among the variants, see `harness.analysis.filled_sizes`.) So it is only said
where the capacities deviate from it by no more than they scatter (F test for lack of fit: Draper and Smith, "Applied
Regression Analysis", 1998, section 2.1).

Only the differences of the logarithms count, since the rounds leave open what is common to all; generalised least
squares take into account that they share rounds and boots. Intervals are those of the profile: all values that the best
choice of the other parameter does not make worse than chance does (Bates and Watts, "Nonlinear Regression Analysis and
Its Applications", 1988, section 6.1). They do not reach beyond what the parameters may be. How often they contain the
truth: tests/unit/test_scalability.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, least_squares
from scipy.special import fdtri

from harness.analysis.scalability_law import NoLaw, ScalabilityLaw
from harness.judging.estimate import Estimate
from harness.judging.simultaneous import RoundsFit
from harness.judging.stats import CONFIDENCE

FEWEST_SIZES_OF_A_LAW = 4  # for three parameters, and one deviation that says whether they describe it
_LEAST_VARIANCE = 1e-10  # of a logarithm; without it slices that are all alike would have no scatter to compare with
_AS_GOOD = 1e-3  # a fit with one parameter less is taken, where it is worse by no more than that
_LEAST_KAPPA, _MOST_KAPPA = 1e-9, 1.0
_LARGEST_PEAK = 1e6
_OUTWARD = 1.5

_Vector = NDArray[np.float64]


def scalability_law(variants: Mapping[float, str], fitted: RoundsFit) -> ScalabilityLaw | NoLaw:
    """`variants`: by size."""
    sizes = {size: name for size, name in variants.items() if name in fitted.names}
    if len(sizes) < FEWEST_SIZES_OF_A_LAW:
        return NoLaw(
            f"it has three parameters, so {FEWEST_SIZES_OF_A_LAW} sizes are the fewest, and {len(sizes)} known"
        )
    if min(sizes) < 1:
        return NoLaw("it is about sizes from 1 on")
    freedom = fitted.least_freedom(list(sizes.values()))
    if not freedom:
        return NoLaw("there are too few slices to say how much the capacities scatter")
    deviations = _deviations(fitted, sizes)
    best = _best(deviations)
    spare = len(sizes) - 1 - best.free
    if best.square / spare > fdtri(spare, freedom, CONFIDENCE):
        return NoLaw("the capacities deviate from it by more than they scatter")
    return _law(deviations, best, float(fdtri(1, freedom, CONFIDENCE)), fitted, list(sizes.values()))


@dataclass(frozen=True)
class _Deviations:
    """Of the logarithms of the capacities from the law's, apart from what is common to all, in units of their scatter.
    `whitens` takes the logarithms to them."""

    sizes: _Vector
    logs: _Vector
    whitens: NDArray[np.float64]

    def at(self, sigma: float, kappa: float) -> _Vector:
        return np.asarray(self.whitens @ (self.logs - _law_logs(self.sizes, sigma, kappa)), np.float64)

    def square(self, sigma: float, kappa: float) -> float:
        found = self.at(sigma, kappa)
        return float(found @ found)

    def slope(self, line: _Line, place: float) -> float:
        """Of the square, along a line."""
        sigma, kappa = line.at(place)
        slower = (self.sizes - 1) / (1 + (sigma + kappa * self.sizes) * (self.sizes - 1))
        turned = self.whitens @ (slower * (line.sigma_step + line.kappa_step * self.sizes))
        return float(turned @ self.at(sigma, kappa))


class _Line(NamedTuple):
    """Values of sigma and kappa, from a place of 0 to one of 1."""

    sigma: float
    kappa: float
    sigma_step: float
    kappa_step: float

    def at(self, place: float) -> tuple[float, float]:
        return self.sigma + place * self.sigma_step, self.kappa + place * self.kappa_step


class _Fit(NamedTuple):
    """`free`: how many of the two were not on a bound. `square`: of the deviations."""

    sigma: float
    kappa: float
    free: int
    square: float

    @property
    def peak(self) -> float:
        """From a size of 1 on."""
        return max(1.0, math.sqrt(max(0.0, 1 - self.sigma) / self.kappa)) if self.kappa else math.inf


def _deviations(fitted: RoundsFit, sizes: Mapping[float, str]) -> _Deviations:
    chosen = [fitted.names.index(name) for name in sizes.values()]
    differences = np.hstack([-np.ones((len(chosen) - 1, 1)), np.eye(len(chosen) - 1)])
    covariance = fitted.covariance[np.ix_(chosen, chosen)] + _LEAST_VARIANCE * np.eye(len(chosen))
    root = np.linalg.cholesky(differences @ covariance @ differences.T)
    return _Deviations(
        np.array(list(sizes), np.float64),
        np.asarray(fitted.levels[chosen], np.float64),
        np.asarray(np.linalg.solve(root, differences), np.float64),
    )


def _law_logs(sizes: _Vector, sigma: float, kappa: float) -> _Vector:
    """Of the capacities, but for the rate."""
    return np.asarray(np.log(sizes) - np.log1p((sigma + kappa * sizes) * (sizes - 1)), np.float64)


def _best(deviations: _Deviations) -> _Fit:
    """Of the fits that are as good as the best, the one with the fewest parameters."""
    unit = 1 / float(deviations.sizes.max())  # a kappa of this size matters

    def scaled(both: _Vector) -> _Vector:
        return deviations.at(float(both[0]), float(both[1]) * unit)

    bounds = ([0.0, 0.0], [1.0, _MOST_KAPPA / unit])
    sigma, kappa = least_squares(scaled, [0.1, 0.1], bounds=bounds, x_scale=[0.1, 0.1]).x.tolist()
    tried = [
        _Fit(0.0, 0.0, 0, deviations.square(0.0, 0.0)),
        _best_of(deviations, _Line(0.0, 0.0, 1.0, 0.0)),
        _best_of(deviations, _Line(0.0, 0.0, 0.0, _MOST_KAPPA)),
        _best_of(deviations, _Line(1.0, 0.0, 0.0, _MOST_KAPPA)),
        _Fit(sigma, kappa * unit, 2, deviations.square(sigma, kappa * unit)),
    ]
    least = min(each.square for each in tried)
    return next(each for each in tried if each.square <= least + _AS_GOOD)


def _best_of(deviations: _Deviations, line: _Line) -> _Fit:
    """Where the square no longer falls along the line."""
    if deviations.slope(line, 0.0) >= 0:
        place = 0.0
    elif deviations.slope(line, 1.0) <= 0:
        place = 1.0
    else:
        place = float(brentq(lambda place: deviations.slope(line, place), 0.0, 1.0, xtol=1e-10, rtol=1e-6))
    sigma, kappa = line.at(place)
    return _Fit(sigma, kappa, 1, deviations.square(sigma, kappa))


def _law(
    deviations: _Deviations, best: _Fit, allowed: float, fitted: RoundsFit, names: Sequence[str]
) -> ScalabilityLaw:
    """`allowed`: how much worse than the best a fit inside the intervals is."""

    def worse(line: _Line) -> float:
        return _best_of(deviations, line).square - best.square - allowed

    def of_sigma(sigma: float) -> float:
        return worse(_Line(sigma, 0.0, 0.0, _MOST_KAPPA))

    def of_kappa(kappa: float) -> float:
        return worse(_Line(0.0, kappa, 1.0, 0.0))

    def of_peak(peak: float) -> float:
        return worse(_Line(0.0, peak**-2, 1.0, -(peak**-2)))

    slices = sum(len(fitted.logs[name]) for name in names)
    sigma = Estimate(best.sigma, _crossing(of_sigma, best.sigma, 0.0), _crossing(of_sigma, best.sigma, 1.0), slices)
    low, high = _crossing(of_kappa, best.kappa, 0.0), _outward(of_kappa, max(best.kappa, _LEAST_KAPPA), _MOST_KAPPA)
    peak = None
    if low > 0:
        ends = _outward(of_peak, best.peak, 1.0), _outward(of_peak, best.peak, _LARGEST_PEAK)
        peak = Estimate(best.peak, *ends, slices)
    # The fit leaves open what is common to all: together they are as large as the slices say.
    usual = float(np.mean([np.mean(list(fitted.logs[name].values())) for name in names]))
    rate = math.exp(usual - float(_law_logs(deviations.sizes, best.sigma, best.kappa).mean()))
    return ScalabilityLaw(rate, sigma, Estimate(best.kappa, low, high, slices), peak)


def _crossing(excess: Callable[[float], float], inside: float, bound: float) -> float:
    """Where it passes zero between the two; the bound, if it does not."""
    if inside == bound or excess(bound) <= 0:
        return bound
    if excess(inside) >= 0:
        return inside
    return float(brentq(excess, inside, bound, xtol=1e-12, rtol=1e-3))


def _outward(excess: Callable[[float], float], inside: float, bound: float) -> float:
    """The same for what may be anywhere by orders of magnitude, all of it above zero."""
    factor = _OUTWARD if bound > inside else 1 / _OUTWARD
    if excess(inside) >= 0:
        return inside
    while inside != bound:
        further = inside * factor
        if (further >= bound) == (factor > 1):
            return _crossing(excess, inside, bound)
        if excess(further) > 0:
            return float(brentq(excess, inside, further, rtol=1e-3))
        inside = further
    return bound
