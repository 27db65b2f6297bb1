"""Variance components of a logarithm, and how often to repeat at each level. Pure.

The model: y = strategy + round + boot within strategy + residual. `round` is what all strategies of a round share; it
drops out of every comparison. `boot` stays for the life of a server: more slices do not average it away, more boots do.

The estimator is Henderson's method III (C. R. Henderson, "Estimation of variance and covariance components",
Biometrics 9, 1953; S. R. Searle, G. Casella, C. E. McCulloch, "Variance Components", Wiley 1992, section 5.5): the sums
of squares by which least-squares fits of nested models differ are set equal to what they are on average. It is unbiased
for unbalanced data (a server that choked has several short lives), needs no normality, and is the usual analysis of
variance where the data are balanced. A negative estimate becomes 0.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Observation:
    """The logarithm of one slice. `fixed`: what is not random, the strategy, and its slices' length where there are
    several. `boot` is unique."""

    fixed: Hashable
    boot: Hashable
    round: Hashable
    log_value: float


@dataclass(frozen=True)
class Component:
    """`high`: the upper end of a one-sided 95 % interval. `freedom`: the degrees of freedom it was found with."""

    variance: float
    high: float
    freedom: int

    @property
    def deviation(self) -> float:
        return math.sqrt(self.variance)


@dataclass(frozen=True)
class Components:
    boot: Component | None  # None: each strategy had one boot
    round: Component | None
    residual: Component


def components(observations: Sequence[Observation]) -> Components | None:
    """None when there is nothing to tell the residual from, such as one slice a boot."""
    y = np.array([one.log_value for one in observations])
    fixed = _indicators([one.fixed for one in observations])
    boots = _indicators([one.boot for one in observations])
    rounds = _indicators([one.round for one in observations])
    whole = _Fit(y, np.hstack([fixed, boots, rounds]))
    if whole.freedom < 1:
        return None
    residual = whole.squares / whole.freedom
    return Components(
        boot=_component(_Fit(y, np.hstack([fixed, rounds])), whole, boots, residual),
        round=_component(_Fit(y, np.hstack([fixed, boots])), whole, rounds, residual),
        residual=Component(residual, whole.squares / float(chi2.ppf(0.05, whole.freedom)), whole.freedom),
    )


def repetitions(cost_s: float, outer_cost_s: float, variance: float, outer_variance: float) -> float:
    """How often to repeat a level within each repetition of the level above it, for the narrowest interval in a given
    time: sqrt((c[i+1] / c[i]) x (T2[i] / T2[i+1])), T. Kalibera and R. Jones, "Rigorous benchmarking in reasonable
    time", ISMM 2013. `cost_s` is the time of one repetition, `outer_cost_s` what a repetition of the level above takes
    beside those in it. Infinite where the level above does not vary."""
    if outer_variance <= 0:
        return math.inf
    return math.sqrt(outer_cost_s / cost_s * variance / outer_variance)


class _Fit:
    """Least squares on the columns of a design of any rank."""

    def __init__(self, y: NDArray[np.float64], design: Matrix) -> None:
        left, singular, _ = np.linalg.svd(design, full_matrices=False)
        self._basis = left[:, singular > singular[0] * 1e-9]
        self.freedom = len(y) - self._basis.shape[1]
        self.squares = float(np.sum(self.residual(y) ** 2))

    def residual(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        left: NDArray[np.float64] = columns - self._basis @ (self._basis.T @ columns)
        return left


def _component(without: _Fit, whole: _Fit, columns: Matrix, residual: float) -> Component | None:
    """The variance of the effects that `whole` has and `without` has not: their sum of squares is on average
    freedom x residual + trace x variance."""
    freedom = without.freedom - whole.freedom
    trace = float(np.sum(without.residual(columns) ** 2))
    if freedom < 1 or trace <= 0:
        return None
    squares = without.squares - whole.squares
    highest = squares / float(chi2.ppf(0.05, freedom))  # of the mean square that `squares / freedom` estimates
    return Component(
        variance=max(0.0, (squares - freedom * residual) / trace),
        high=max(0.0, (highest - residual) * freedom / trace),
        freedom=freedom,
    )


def _indicators(labels: Sequence[Hashable]) -> Matrix:
    known = {label: column for column, label in enumerate(dict.fromkeys(labels))}
    made = np.zeros((len(labels), len(known)))
    made[np.arange(len(labels)), [known[label] for label in labels]] = 1.0
    return made
