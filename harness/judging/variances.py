"""How much each variant scatters from slice to slice, and all of them from boot to boot. Pure.

1. Scatter. Expected squared residuals are sums of the variants' variances; solved for them they are unbiased (MINQUE,
   Rao, Journal of Multivariate Analysis 1, 1971). They may come out too small, so none is less than its own residuals
   over their share alone say. A few rounds know little of their own scatter, but nine variants know more together: each
   variance is drawn towards the common one, the more the less they differ (empirical Bayes; Smyth, "Linear models and
   empirical Bayes methods for assessing differential expression", Statistical Applications in Genetics and Molecular
   Biology 3, 2004), yet never below its own. Variants do differ, and nine tell little of by how much: see MOST_PRIOR.
2. Boots. The few boots of one variant know next to nothing of how much boots differ, so there is one variance of boots
   for all variants. What boots explain beyond variants and rounds (Henderson's method III, Biometrics 9, 1953) comes
   apart into independent directions; each says by its square how much boots differ, and is weighted by how well it can
   say so (MINQUE again). It is drawn a little towards what was measured before, see BOOTS_BEFORE.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.special import polygamma, psi

Vector = NDArray[np.float64]

RANK = 1e-10  # an eigenvalue that is smaller, relative to the largest, is rounding
_NOTHING = 1e-9  # of a residual's share
_SMALLEST_SHARE = 1e-5  # of the median variance: limma's floor under a variance of zero
# What the others say of a variant's variance is worth at most so many degrees of freedom, and in an interval they count
# as half, since what they say is itself an estimate. Chosen by simulation: with the scatters of nine variants anywhere
# between 5 and 20 %, the family of intervals then holds in 95 % of all runs from three rounds on; without the two it
# held in 90 % (tests/unit/test_simultaneous.py).
MOST_PRIOR = 4.0
PRIOR_COUNTS = 0.5
# Boots of one variant were found to differ by 2 to 5 %, each figure known by some 4 degrees of freedom (docs/noise.md).
# That is all there is to go by as long as each variant has had one boot. Later it counts as one more degree of freedom:
# with four, boots that differ by 6 % made 8 families in 100 wrong in runs of two boots; with none, the intervals of
# such runs were 5 to 10 % wider.
BOOTS_BEFORE = 0.05**2
BOOTS_BEFORE_FREEDOM = 4.0
BOOTS_BEFORE_PULLS = 1.0
_LEAST_SCATTER = 1e-12  # a variance; equal values are worth no more than this says


@dataclass(frozen=True)
class Moderated:
    """A variance with the degrees of freedom it is known by."""

    value: float
    freedom: float


@dataclass(frozen=True)
class BootVariance:
    """`error`: half of the variance of the estimate `value`; value**2 / error are its degrees of freedom."""

    value: float
    error: float


# Of which nothing was measured but what was measured before.
UNKNOWN_BOOTS = BootVariance(BOOTS_BEFORE, BOOTS_BEFORE**2 / BOOTS_BEFORE_FREEDOM)


def unbiased(left: NDArray[np.float64], residuals: Vector, owners: NDArray[np.intp]) -> Vector:
    """Of each variant; by chance below zero. Where a loud one has made all residuals of its rounds larger, these say
    whose they are."""
    is_of = (owners[:, None] == np.arange(owners.max() + 1)).astype(float)
    known = np.linalg.pinv(is_of.T @ left**2 @ is_of, rcond=_NOTHING)
    return np.asarray(known @ (residuals**2 @ is_of), np.float64)


def scatters(
    left: NDArray[np.float64],
    residuals: Vector,
    owners: NDArray[np.intp],
    boots: NDArray[np.intp],
    least: Sequence[float],
) -> list[Moderated]:
    """Of each variant, from its own residuals alone. `left` takes the values to their residuals; `owners` and `boots`:
    the variant and the boot of each value."""
    is_of = (owners[:, None] == np.arange(len(least))).astype(float)
    squares = residuals**2 @ is_of
    shares = np.diag(left) @ is_of
    # A round that nobody else has says nothing of scatter: its residual is 0 whatever its value. Nor has a boot of one.
    tells = np.diag(left) > _NOTHING
    levels = [len(np.unique(boots[tells & (owners == at)])) for at in range(len(least))]
    freedoms = np.maximum(1.0, tells @ is_of - levels)
    return [
        Moderated(max(square / share, own, floor), freedom) if share > _NOTHING else Moderated(0.0, 0.0)
        for square, share, own, floor, freedom in zip(
            squares.tolist(),
            shares.tolist(),
            unbiased(left, residuals, owners).tolist(),
            least,
            freedoms.tolist(),
            strict=True,
        )
    ]


def boot_variance(
    values: Vector, design: NDArray[np.float64], boots: NDArray[np.intp], scatter: Vector
) -> BootVariance:
    """`design`: variants and rounds. `boots`: the boot of each value, and `scatter` its variance."""
    deviation = np.sqrt(np.maximum(scatter, max(_LEAST_SCATTER, _SMALLEST_SHARE * float(scatter.max()))))
    is_boot = (boots[:, None] == np.arange(boots.max() + 1)) / deviation[:, None]
    fixed = design / deviation[:, None]
    solver = np.linalg.pinv(fixed.T @ fixed, rcond=RANK, hermitian=True) @ fixed.T
    beyond = is_boot - fixed @ (solver @ is_boot)
    # The variance of a direction's value is 1 + size * that of boots.
    sizes, directions = np.linalg.eigh(beyond.T @ beyond)
    seen = sizes > _NOTHING * float((is_boot**2).sum(axis=0).max())
    sizes, directions = sizes[seen], directions[:, seen]
    squares = (directions.T @ (beyond.T @ (values / deviation))) ** 2 / sizes
    weights = sizes / (1 + BOOTS_BEFORE * sizes) ** 2
    before = BOOTS_BEFORE_PULLS / BOOTS_BEFORE**2
    total = before + float(weights @ sizes)
    value = max(0.0, (before * BOOTS_BEFORE + float(weights @ (squares - 1))) / total)
    error = (before * value) ** 2 / BOOTS_BEFORE_FREEDOM + float(((weights * (1 + value * sizes)) ** 2).sum())
    return BootVariance(value, error / total**2)


def moderated(variances: Sequence[Moderated], most: float) -> list[Moderated]:
    """Drawn towards the common one; one of no degrees of freedom takes it over. Nobody gets more than `most` degrees.
    Two have nothing to learn from each other: rounds of two have one difference each, which says the same of both."""
    known = [each for each in variances if each.freedom > 0]
    if len(known) < 3 or not any(each.value for each in known):
        return list(variances)
    least = _SMALLEST_SHARE * median(each.value for each in known)
    values = np.array([max(each.value, least, 1e-300) for each in known])
    freedoms = np.array([each.freedom for each in known])
    # Smyth's section 6.2: the logarithms of the variances scatter by trigamma(d/2), and what is beyond that is how much
    # the true ones differ.
    logs = np.log(values) - psi(freedoms / 2) + np.log(freedoms / 2)
    excess = float(logs.var(ddof=1) - polygamma(1, freedoms / 2).mean())
    prior = min(MOST_PRIOR, 2 * trigamma_inverse(excess)) if excess > 0 else MOST_PRIOR
    common = math.exp(float(logs.mean()) + float(psi(prior / 2)) - math.log(prior / 2))
    return [
        Moderated(
            (prior * common + each.freedom * each.value) / (prior + each.freedom),
            min(PRIOR_COUNTS * prior + each.freedom, most),
        )
        for each in variances
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
