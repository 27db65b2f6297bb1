"""Variants against each other, measured in the same rounds, so that all intervals of a family hold at once. Pure.

The model: the logarithm of a figure is its variant's level, plus the round's (what the machine did to everybody), plus
scatter, which each variant has of its own size. Least squares; so the comparison of two variants uses their common
rounds directly, and where a slice is missing the rest of its round still counts.

1. Variances. Expected squared residuals are sums of the variants' variances; solved for them they are unbiased (MINQUE,
   Rao, Journal of Multivariate Analysis 1, 1971). They may come out too small, so none is less than its own residuals
   over their share alone say. A few rounds know little of their own scatter, but nine variants know more together: each
   variance is drawn towards the common one, the more the less they differ (empirical Bayes; Smyth, "Linear models and
   empirical Bayes methods for assessing differential expression", Statistical Applications in Genetics and Molecular
   Biology 3, 2004), yet never below its own. Variants do differ, and nine tell little of by how much: see MOST_PRIOR.
2. Intervals. A difference's variance is the sum of its two variants', its degrees of freedom Satterthwaite's
   (Biometrics Bulletin 2, 1946), and its interval reaches as far as Dunnett's test against a control does (Journal of
   the American Statistical Association 50, 1955): with 95 % confidence all of them contain what they are about.

`scipy.stats.dunnett` takes one variance for all groups and independent samples; ours share their rounds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from statistics import median
from typing import Literal

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtr, polygamma, psi

from harness.analysis.stats import ALPHA, LogRatio

Sides = Literal[1, 2]
Vector = NDArray[np.float64]

_LARGEST_CRITICAL = 1e4
_NOTHING = 1e-9  # of a residual's share
_SMALLEST_SHARE = 1e-5  # of the median variance: limma's floor under a variance of zero
# What the others say of a variant's variance is worth at most so many degrees of freedom, and in an interval they count
# as half, since what they say is itself an estimate. Chosen by simulation: with the scatters of nine variants anywhere
# between 5 and 20 %, the family of intervals then holds in 95 % of all runs from three rounds on; without the two it
# held in 90 % (tests/unit/test_simultaneous.py).
MOST_PRIOR = 4.0
PRIOR_COUNTS = 0.5
# Two rounds do not show how loud a baseline is: one family in ten was wrong where it was ten times as loud as the rest.
FEWEST_ROUNDS = 3


@dataclass(frozen=True)
class Moderated:
    """A variance with the degrees of freedom it is known by."""

    value: float
    freedom: float


@dataclass(frozen=True)
class RoundsFit:
    """The fitted model of one figure on one workload. `logs` by variant and round, as given. `solver` takes all of them
    to the variants' levels: a row a variant, a column a value, in the order of `owners`, the variant of each value."""

    logs: Mapping[str, Mapping[int, float]]
    names: tuple[str, ...]
    owners: NDArray[np.intp]
    solver: NDArray[np.float64]
    levels: Vector
    variances: tuple[Moderated, ...]
    freedom: float

    @classmethod
    def of(cls, logs: Mapping[str, Mapping[int, float]], floors: Mapping[str, float]) -> RoundsFit:
        """`floors`: the least variance that rounding of the values alone gives a variant. Variants without a value are
        left out."""
        names = tuple(name for name, values in logs.items() if values)
        rounds = sorted({number for name in names for number in logs[name]})
        cells = [(at, rounds.index(number)) for at, name in enumerate(names) for number in logs[name]]
        values = np.array([value for name in names for value in logs[name].values()])
        design = np.zeros((len(cells), len(names) + len(rounds)))
        for row, (variant, number) in enumerate(cells):
            design[row, variant] = design[row, len(names) + number] = 1.0
        owners = np.array([variant for variant, _ in cells], np.intp)
        least = [floors[name] for name in names]
        freedom = float(len(cells) - np.linalg.matrix_rank(design)) if cells else 0.0
        if not cells:
            return cls(logs, names, owners, np.zeros((0, 0)), np.zeros(0), (), 0.0)
        solver: NDArray[np.float64] = np.asarray(np.linalg.pinv(design), np.float64)
        left = np.eye(len(cells)) - design @ solver
        own = _variances(left, left @ values, owners, least)
        # Others may widen what a variant's own scatter says and never narrow it: the scatter of a loud control is in
        # every comparison. Of nine, with a control three times as loud, the family then holds in 93.5 % of all runs of
        # three rounds and in 96 % of those of six, instead of 89 to 91 %. With all alike intervals are some 7 % wider.
        variances = tuple(
            Moderated(max(one.value, other.value, floor), other.freedom)
            for one, other, floor in zip(own, moderated(own, freedom), least, strict=True)
        )
        return cls(
            logs,
            names,
            owners,
            solver[: len(names)],
            solver[: len(names)] @ values,
            variances,
            freedom,
        )

    def is_connected(self) -> bool:
        """Whether common rounds, with others between them, lead from each variant to each: then levels compare."""
        reached: set[int] = set()
        left = [set(self.logs[name]) for name in self.names]
        if left:
            reached |= left.pop()
        while near := [rounds for rounds in left if rounds & reached]:
            reached |= set().union(*near)
            left = [rounds for rounds in left if not rounds <= reached]
        return not left

    def against(self, control: str, *, sides: Sides = 2) -> dict[str, LogRatio]:
        """Each variant over `control`, where the two have a common round. With only one there is no interval. `sides`
        1: the intervals' lower ends alone hold at once, and so do the upper ends alone."""
        if control not in self.names:
            return {}
        at = self.names.index(control)
        common = {name: len(self.logs[name].keys() & self.logs[control].keys()) for name in self.names}
        parts = {name: self._parts(self.names.index(name), at) for name in self.names if name != control}
        many = len(set().union(*self.logs.values())) >= FEWEST_ROUNDS
        tested = [name for name in parts if common[name] > 1 and self.freedom and many]
        # Differences share the control's scatter. Less in common makes the interval wider, so the least counts.
        shared = min((parts[name][at] / parts[name].sum() for name in tested if parts[name].sum()), default=0.5)
        found = {}
        for name in (name for name in parts if common[name]):
            mean = float(self.levels[self.names.index(name)] - self.levels[at])
            error = freedom = reach = None
            if name in tested:
                error = math.sqrt(parts[name].sum())
                freedom = self._freedom(parts[name])
                reach = critical(freedom, len(tested), sides, math.floor(10 * shared) / 10)
            found[name] = LogRatio(mean, error, freedom, common[name], reach)
        return found

    def _parts(self, one: int, other: int) -> Vector:
        """What each variant's scatter contributes to the variance of a difference."""
        squares = (self.solver[one] - self.solver[other]) ** 2
        own = np.bincount(self.owners, squares, len(self.names)).astype(np.float64)
        return np.asarray(own * [each.value for each in self.variances], np.float64)

    def _freedom(self, parts: Vector) -> float:
        known = sum(part**2 / each.freedom for part, each in zip(parts, self.variances, strict=True) if each.freedom)
        freedom = min(self.freedom, float(parts.sum()) ** 2 / known) if known > 0 else self.freedom
        # Rounded down, so that few critical values have to be found.
        return max(1.0, math.floor(freedom) if freedom >= 10 else math.floor(2 * freedom) / 2)


def _variances(
    left: NDArray[np.float64], residuals: Vector, owners: NDArray[np.intp], least: Sequence[float]
) -> list[Moderated]:
    """Of each variant, from its own residuals alone. `left` takes the values to their residuals."""
    is_of = (owners[:, None] == np.arange(len(least))).astype(float)
    squares = residuals**2 @ is_of
    shares = np.diag(left) @ is_of
    # A round that nobody else has says nothing of scatter: its residual is 0 whatever its value.
    telling = (np.diag(left) > _NOTHING) @ is_of
    unbiased = np.linalg.pinv(is_of.T @ left**2 @ is_of) @ squares
    return [
        Moderated(max(square / share, own, floor), max(1.0, many - 1.0)) if share > _NOTHING else Moderated(0.0, 0.0)
        for square, share, own, floor, many in zip(
            squares.tolist(), shares.tolist(), unbiased.tolist(), least, telling.tolist(), strict=True
        )
    ]


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


@cache
def critical(freedom: float, comparisons: int, sides: Sides, shared: float = 0.5) -> float:
    """Dunnett's: of `comparisons` statistics with a common control, which is `shared` of their variance, the largest
    (of both signs with `sides` 2) stays below it with 95 % probability. For one comparison it is Student's quantile."""
    low, high = 0.0, 2.0
    while probability(high, freedom, comparisons, sides, shared) < 1 - ALPHA and high < _LARGEST_CRITICAL:
        low, high = high, 2 * high
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        if probability(middle, freedom, comparisons, sides, shared) < 1 - ALPHA:
            low = middle
        else:
            high = middle
    return high


def probability(bound: float, freedom: float, comparisons: int, sides: Sides, shared: float) -> float:
    """That the largest of the statistics stays below `bound`: over the control's error (normal) and the standard
    deviation (chi), given which the statistics are independent."""
    z, weight = _normal_nodes()
    share, share_weight = _uniform_nodes()
    deviation = np.sqrt(2 * gammaincinv(freedom / 2, share) / freedom)
    centre = math.sqrt(shared) * z[:, None]
    spread = math.sqrt(1 - shared)
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
