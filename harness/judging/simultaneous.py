"""Variants against each other, measured in the same rounds, so that all intervals of a family hold at once. Pure.

The model: the logarithm of a figure is its variant's level, plus the round's (what the machine did to everybody), plus
scatter, which each variant has of its own size. Weighted least squares; so the comparison of two variants uses their
common rounds directly, and where a slice is missing the rest of its round still counts.

A run boots each variant several times, and boots of one variant differ: with `boots`, a value is also that of its boot.
Boots are random, since the next run has others; so a level is no better known than its boots allow.

1. A difference's variance is the sum of its two variants' scatter and that of their boots, each as far as it goes into
   the difference; its degrees of freedom are Satterthwaite's (Biometrics Bulletin 2, 1946). The variances themselves:
   `harness.judging.variances`.
2. Its interval reaches as far as Dunnett's test against a control does (Journal of the American Statistical Association
   50, 1955): with 95 % confidence all of them contain what they are about.
3. Who looks several times, and stops when a comparison is decided, has as many chances of an error. They share the 5 %
   (Bonferroni): each early look gets a tenth of it, the last all the rest. So whichever look is the last, all verdicts
   are right with 95 % confidence. An early look is for what differs by far; what is near needs the last. An early share
   does not depend on how many looks follow: a run whose time ends at look k may call it the last, `Look(k, k)`, if time
   is the reason and not what was seen.

What is slow now and then is not trimmed: Huber's weights made intervals 8 to 12 % narrower where one slice in ten was
1.4 times slow, and not at all where none was.

`scipy.stats.dunnett` takes one variance for all groups and independent samples; ours share their rounds.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtr

from harness.judging.stats import ALPHA, LogRatio, verdict
from harness.judging.variances import (
    RANK,
    BootVariance,
    Moderated,
    Vector,
    boot_variance,
    moderated,
    scatters,
    unbiased,
)

Sides = Literal[1, 2]
Places = NDArray[np.intp]

_LARGEST_CRITICAL = 1e4
# Two rounds do not show how loud a baseline is: one family in ten was wrong where it was ten times as loud as the rest.
FEWEST_ROUNDS = 3
MOST_LOOKS = 4
_EARLY = 0.1  # of the 5 %; with it, four rounds tell twice as fast
_LEAST_WEIGHT = 0.01  # where most do not scatter at all, one that does still says something
_NO_BOOTS = BootVariance(0.0, 0.0)


@dataclass(frozen=True)
class Look:
    """The `number`-th of at most `of` times that a run's data are judged; the last has the same number twice."""

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of <= MOST_LOOKS:
            raise ValueError(f"look {self.number} of {self.of}: a run has 1 to {MOST_LOOKS} looks")

    @property
    def alpha(self) -> float:
        """The probability of an error in any verdict at this look."""
        return ALPHA * (_EARLY if self.number < self.of else 1 - _EARLY * (self.of - 1))


ONLY_LOOK = Look(1, 1)


@dataclass(frozen=True)
class RoundsFit:
    """The fitted model of one figure on one workload. `logs` by variant and round, as given. `solver` takes all of them
    to the variants' levels: a row a variant, a column a value, in the order of `owners` and `boots`, the variant and
    the boot of each value. `boot`: how much boots of one variant differ."""

    logs: Mapping[str, Mapping[int, float]]
    names: tuple[str, ...]
    owners: Places
    boots: Places
    solver: NDArray[np.float64]
    levels: Vector
    variances: tuple[Moderated, ...]
    boot: BootVariance
    freedom: float

    @classmethod
    def of(
        cls,
        logs: Mapping[str, Mapping[int, float]],
        floors: Mapping[str, float],
        boots: Mapping[str, Mapping[int, int]] | None = None,
    ) -> RoundsFit:
        """`floors`: the least variance that rounding of the values alone gives a variant. `boots`: the boot of each
        value, numbered within its variant; without it boots do not differ. Variants without a value are left out."""
        names = tuple(name for name, values in logs.items() if values)
        cells = [(name, number) for name in names for number in logs[name]]
        owners, rounds = _places([name for name, _ in cells]), _places([number for _, number in cells])
        if not cells:
            return cls(logs, names, owners, owners, np.zeros((0, 0)), np.zeros(0), (), _NO_BOOTS, 0.0)
        values = np.array([logs[name][number] for name, number in cells])
        own = owners if boots is None else _places([(name, boots[name][number]) for name, number in cells])
        within = _least_squares(own, rounds, np.ones(len(cells)))
        if within.freedom == 0:  # One slice in each boot: the two cannot be told apart, and what scatters is both.
            own, within = owners, _least_squares(owners, rounds, np.ones(len(cells)))
        least = [floors[name] for name in names]
        # In a round that lacks others, one that chokes would be taken for the machine's part. So it weighs less; nobody
        # weighs more for being quiet, since that may be chance.
        loudness = np.maximum(unbiased(within.left, within.left @ values, owners), least)
        usual = max(float(np.median(loudness)), _LEAST_WEIGHT * float(loudness.max()))
        weights = usual / np.maximum(loudness, usual)[owners] if usual > 0 else np.ones(len(cells))
        if weights.min() < 1:
            within = _least_squares(own, rounds, weights)
        alone = scatters(within.left, within.left @ values, owners, own, least)
        # Others may widen what a variant's own scatter says and never narrow it: the scatter of a loud control is in
        # every comparison. Of nine, with a control three times as loud, the family then holds in 93 % of all runs of
        # three rounds and in 96 % of those of six, instead of 89 to 91 %. With all alike intervals are some 7 % wider.
        variances = tuple(
            Moderated(max(one.value, other.value, floor), other.freedom)
            for one, other, floor in zip(alone, moderated(alone, within.freedom), least, strict=True)
        )
        boot = _NO_BOOTS
        if own is not owners:
            boot = boot_variance(
                values, _design(owners, rounds), own, np.array([each.value for each in variances])[owners]
            )
        solver = _least_squares(owners, rounds, weights).solver[: len(names)]
        return cls(logs, names, owners, own, solver, solver @ values, variances, boot, within.freedom)

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

    def against(self, control: str, *, sides: Sides = 2, look: Look = ONLY_LOOK) -> dict[str, LogRatio]:
        """Each variant over `control`, where the two have a common round. With only one there is no interval. `sides`
        1: the intervals' lower ends alone hold at once, and so do the upper ends alone."""
        if control not in self.names:
            return {}
        at = self.names.index(control)
        common = {name: len(self.logs[name].keys() & self.logs[control].keys()) for name in self.names}
        parts = {name: self._parts(self.names.index(name), at) for name in self.names if name != control}
        many = len(set().union(*self.logs.values())) >= FEWEST_ROUNDS
        tested = [name for name in parts if common[name] > 1 and self.freedom and many]
        # Differences share the control's errors. Less in common makes the interval wider, so the least counts.
        shared = min((parts[name].shared(at) for name in tested), default=0.5)
        found = {}
        for name in (name for name in parts if common[name]):
            mean = float(self.levels[self.names.index(name)] - self.levels[at])
            if name not in tested:
                found[name] = LogRatio(mean, None, None, common[name], None)
                continue
            freedom = self._freedom(parts[name])
            reach = critical(freedom, len(tested), sides, math.floor(10 * shared) / 10, look.alpha)
            of_boots = float(parts[name].boots.sum())
            found[name] = LogRatio(mean, math.sqrt(parts[name].total), freedom, common[name], reach, of_boots)
        return found

    def still_open(self, control: str, look: Look = ONLY_LOOK) -> tuple[str, ...]:
        """The variants that the control is to be measured on with, since nothing is decided between the two."""
        found = self.against(control, look=look)
        return tuple(
            name for name in self.logs if name != control and (name not in found or verdict(found[name]) == "open")
        )

    def least_freedom(self, names: Sequence[str]) -> float:
        """Of the difference between two of these that is known worst; 0 where one has no interval."""
        many = len(set().union(*self.logs.values())) >= FEWEST_ROUNDS
        pairs = [(one, other) for one in names for other in names if one < other]
        if not self.freedom or not many or any(len(self.logs[a].keys() & self.logs[b].keys()) < 2 for a, b in pairs):
            return 0.0
        places = {name: self.names.index(name) for name in names}
        return min(self._freedom(self._parts(places[one], places[other])) for one, other in pairs)

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Of the levels; what is common to all of them is arbitrary, only differences mean something."""
        scatter = np.array([each.value for each in self.variances])[self.owners]
        of_boots = np.zeros((len(self.names), int(self.boots.max()) + 1))
        for at, boot in enumerate(self.boots):
            of_boots[:, boot] += self.solver[:, at]
        return np.asarray((self.solver * scatter) @ self.solver.T + self.boot.value * of_boots @ of_boots.T)

    def _parts(self, one: int, other: int) -> _Parts:
        share = self.solver[one] - self.solver[other]
        many = len(self.names)
        scatter = np.bincount(self.owners, share**2, many) * [each.value for each in self.variances]
        by_boot = np.bincount(self.boots, share)
        owner_of = np.zeros(len(by_boot), np.intp)
        owner_of[self.boots] = self.owners
        boots = np.bincount(owner_of, by_boot**2, many)
        return _Parts(
            np.asarray(scatter, np.float64), np.asarray(boots * self.boot.value, np.float64), float(boots.sum())
        )

    def _freedom(self, parts: _Parts) -> float:
        known = sum(
            part**2 / each.freedom for part, each in zip(parts.scatter, self.variances, strict=True) if each.freedom
        )
        known += parts.boot_share**2 * self.boot.error
        freedom = min(self.freedom, parts.total**2 / known) if known > 0 else self.freedom
        # Rounded down, so that few critical values have to be found.
        return max(1.0, math.floor(freedom) if freedom >= 10 else math.floor(2 * freedom) / 2)


class _Parts(NamedTuple):
    """What each variant's scatter and its boots contribute to the variance of a difference. `boot_share`: the factor of
    the boots' variance in it."""

    scatter: Vector
    boots: Vector
    boot_share: float

    @property
    def total(self) -> float:
        return float(self.scatter.sum() + self.boots.sum())

    def shared(self, control: int) -> float:
        return float(self.scatter[control] + self.boots[control]) / self.total if self.total else 0.5


class _LeastSquares(NamedTuple):
    """`solver` takes values to levels and rounds, `left` to their residuals."""

    solver: NDArray[np.float64]
    left: NDArray[np.float64]
    freedom: float


def _places(keys: Sequence[Hashable]) -> Places:
    """Of each key among the different ones, in order of appearance."""
    place = {key: at for at, key in enumerate(dict.fromkeys(keys))}
    return np.array([place[key] for key in keys], np.intp)


def _design(levels: Places, rounds: Places) -> NDArray[np.float64]:
    return np.hstack([places[:, None] == np.arange(places.max() + 1) for places in (levels, rounds)]).astype(np.float64)


def _least_squares(levels: Places, rounds: Places, weights: Vector) -> _LeastSquares:
    design = _design(levels, rounds)
    weighted = design.T * weights
    solver = np.linalg.pinv(weighted @ design, rcond=RANK, hermitian=True) @ weighted
    left = np.eye(len(design)) - design @ solver
    return _LeastSquares(solver, left, float(round(np.trace(left))))


@cache
def critical(freedom: float, comparisons: int, sides: Sides, shared: float = 0.5, alpha: float = ALPHA) -> float:
    """Dunnett's: of `comparisons` statistics with a common control, which is `shared` of their variance, the largest
    (of both signs with `sides` 2) stays below it with probability 1 - `alpha`. For one it is Student's quantile."""
    from scipy.optimize import brentq  # noqa: PLC0415 - takes a third of a second to import, and short runs need none

    def beyond(bound: float) -> float:
        return probability(bound, freedom, comparisons, sides, shared) - (1 - alpha)

    high = 2.0
    while beyond(high) < 0:
        high *= 2
        if high > _LARGEST_CRITICAL:
            return _LARGEST_CRITICAL
    return float(brentq(beyond, 0.0, high, xtol=1e-5))


def probability(bound: float, freedom: float, comparisons: int, sides: Sides, shared: float) -> float:
    """That the largest of the statistics stays below `bound`: over the control's error (normal) and the standard
    deviation (chi), given which the statistics are independent. Bounds come out right to 0.1 %."""
    z, weight = _normal_nodes()
    deviation, share_weight = _deviations(freedom)
    centre = math.sqrt(shared) * z[:, None]
    spread = math.sqrt(1 - shared)
    reach = bound * deviation[None, :]
    inside = ndtr((reach - centre) / spread)
    if sides == 2:
        # The nodes are symmetric: below -reach at one is as probable as above reach at its opposite, and the two are
        # alike in between.
        half = len(z) // 2
        inside, weight = inside[:half] + inside[: half - 1 : -1] - 1, 2 * weight[:half]
    return float(weight @ inside**comparisons @ share_weight)


@lru_cache(maxsize=1)
def _normal_nodes() -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = hermegauss(32)
    return nodes, weights / math.sqrt(2 * math.pi)


@lru_cache(maxsize=1)  # a critical value is sought among the probabilities of one freedom
def _deviations(freedom: float) -> tuple[np.ndarray, np.ndarray]:
    share, weights = _uniform_nodes()
    return np.sqrt(2 * gammaincinv(freedom / 2, share) / freedom), weights


@lru_cache(maxsize=1)
def _uniform_nodes() -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = leggauss(100)
    return (nodes + 1) / 2, weights / 2
