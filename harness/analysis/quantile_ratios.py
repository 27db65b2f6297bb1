"""Ratios of latency quantiles to a baseline, with intervals that all hold at once. Pure.

Quantiles are never averaged: the distributions of a variant's slices are added up, and the ratio is of the quantiles of
the sums. How sure it is comes from a bootstrap, in which what was alive together is the unit (Davison and Hinkley,
"Bootstrap methods and their application", 1997, section 3.8; Kalibera and Jones, "Rigorous benchmarking in reasonable
time", ISMM 2013, for boots as the level to repeat).

1. The unit is a session: the rounds that some server lived through. Sessions are drawn with replacement, the same ones
   for all variants, so what the machine did to everybody drops out of a ratio. The slices of a drawn session stay as
   they are. This is Davison and Hinkley's first scheme; its variance times n/(n - 1) is right. Their second draws
   slices within the drawn boots again, which counts the scatter of slices twice.
2. A few sessions have few resamples: 10 of three. All of them are taken, each as likely as it is (Fisher and Hall,
   "Bootstrap algorithms for small samples", Journal of Statistical Planning and Inference 27, 1991). So nothing is left
   to chance up to six sessions; of more, the resamples are always the same thousand.
3. Percentiles of a bootstrap of two to four units are far too narrow, and it cannot be studentised: many resamples are
   one session several times. So only its variances are used. They are taken apart into each variant's own and drawn
   towards the common one, never below their own; the intervals are Student's and reach as far as Dunnett's test does.
   All this is as for capacities: see `harness.judging.simultaneous`.

In simulation 1 to 3 % of the families of eight are wrong, whose boots and slices differ by 5 to 15 %; 7 % where the
baseline's differ five times as much as all others' (tests/unit/test_quantile_ratios.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from harness.judging import stats
from harness.judging.percentiles import MIN_SAMPLES, Latencies
from harness.judging.simultaneous import critical
from harness.judging.stats import LogRatio
from harness.judging.variances import Moderated, Vector, moderated
from harness.results.histograms import Histogram, merge
from harness.results.records.metric import LOWEST_US, SIGNIFICANT_FIGURES

Matrix = NDArray[np.float64]

# On each side. A percentile may be printed from fewer (MIN_SAMPLES), which is too few to compare.
FEWEST_SAMPLES = 20
# Of six sessions all resamples are 462; of more sessions so many are drawn.
MOST_RESAMPLES = 1000


@dataclass(frozen=True)
class SliceLatencies:
    """One phase of one slice. `round` is unique in the workload's run, `boot` among the boots of the variant."""

    round: int
    boot: int
    latencies: Latencies


@dataclass(frozen=True)
class _Pair:
    """A variant over the baseline, in their common rounds. `resampled`: the logarithm of the ratio in each resample of
    the `sessions` (their numbers) that have such a round; None where it cannot be said in all of them."""

    mean: float
    resampled: Vector | None
    sessions: tuple[int, ...]
    rounds: int
    rounding: float  # the variance of a side's logarithm that comes from the buckets of histograms


@dataclass(frozen=True)
class _Sides:
    """The variances of the logarithms of a variant's quantile and of the baseline's, in the same sessions. `freedom`:
    the most that a ratio of the two can have."""

    variant: Moderated
    baseline: Moderated
    freedom: float

    @property
    def total(self) -> float:
        return self.variant.value + self.baseline.value


def quantile_ratios(
    slices: Mapping[str, Sequence[SliceLatencies]], baseline: str, permille: int
) -> dict[str, LogRatio]:
    """Each variant's quantile (990: p99) over that of `baseline`, of one phase on one workload; a variant has at most
    one slice a round. Less is better: `stats.verdict(ratio, more_is_better=False)`.

    A variant is missing where a side has too few samples in the common rounds, or a quantile that is only known to be
    some value or more. There is no interval (the verdict is `open`) from fewer than two sessions, nor where the
    quantile of one session might be such a bound.
    """
    by_round = {variant: {slice.round: slice.latencies for slice in own} for variant, own in slices.items()}
    theirs = by_round.pop(baseline, {})
    sessions = [session for session in _sessions(slices) if session & theirs.keys()]
    found = {variant: _pair(ours, theirs, sessions, permille) for variant, ours in by_round.items()}
    pairs = {variant: pair for variant, pair in found.items() if pair is not None}
    sides = _sides(pairs)
    # Ratios share the baseline's scatter. Less in common makes the intervals wider, so the least counts.
    shared = min((each.baseline.value / each.total for each in sides.values()), default=0.0)
    return {
        variant: _with_interval(pair, sides[variant], len(sides), math.floor(10 * shared) / 10)
        if variant in sides
        else LogRatio(pair.mean, None, None, pair.rounds, None)
        for variant, pair in pairs.items()
    }


def _sessions(slices: Mapping[str, Sequence[SliceLatencies]]) -> list[set[int]]:
    """Rounds with a server in common, of whatever variant, directly or by others between them."""
    lives: dict[tuple[str, int], set[int]] = {}
    for variant, own in slices.items():
        for slice in own:
            lives.setdefault((variant, slice.boot), set()).add(slice.round)
    sessions: list[set[int]] = []
    for rounds in lives.values():
        met = [session for session in sessions if session & rounds]
        sessions = [session for session in sessions if not session & rounds] + [rounds.union(*met)]
    return sorted(sessions, key=min)


def _pair(
    ours: Mapping[int, Latencies], theirs: Mapping[int, Latencies], sessions: Sequence[set[int]], permille: int
) -> _Pair | None:
    common = sorted(ours.keys() & theirs.keys())
    lived = tuple(at for at, session in enumerate(sessions) if session.intersection(common))
    sides = [[side[number] for number in common] for side in (ours, theirs)]
    if not lived or min(map(_samples, sides)) < max(FEWEST_SAMPLES, MIN_SAMPLES[permille]):
        return None
    columns = [next(column for column, at in enumerate(lived) if number in sessions[at]) for number in common]
    # The first row is what was measured.
    weights = np.vstack([np.ones(len(common)), _resamples(len(lived))[0][:, columns]])
    our_logs, their_logs = (_log_quantiles(side, weights, permille) for side in sides)
    ratios = our_logs - their_logs
    if math.isnan(ratios[0]):
        return None
    is_known = len(lived) > 1 and not np.isnan(ratios).any()
    rounding = max(_rounding(our_logs[0]), _rounding(their_logs[0]))
    return _Pair(float(ratios[0]), ratios[1:] if is_known else None, lived, len(common), rounding)


def _samples(parts: Sequence[Latencies]) -> int:
    return sum(part.exact.total + part.given_up.total for part in parts)


def _rounding(log_us: float) -> float:
    value_us = math.exp(log_us)
    return stats.rounding(max(LOWEST_US, value_us * 10.0**-SIGNIFICANT_FIGURES), value_us)


@cache
def _resamples(sessions: int) -> tuple[Matrix, Vector]:
    """How often each session is drawn, a row a resample, and how likely each row is."""
    if math.comb(2 * sessions - 1, sessions) > MOST_RESAMPLES:
        drawn = np.random.default_rng(sessions).multinomial(sessions, np.full(sessions, 1 / sessions), MOST_RESAMPLES)
        return drawn.astype(np.float64), np.full(MOST_RESAMPLES, 1 / MOST_RESAMPLES)
    picked = combinations_with_replacement(range(sessions), sessions)
    rows = [[each.count(session) for session in range(sessions)] for each in picked]
    orders = [math.factorial(sessions) / math.prod(map(math.factorial, row)) for row in rows]
    return np.array(rows, np.float64), np.array(orders) / sessions**sessions


def _log_quantiles(parts: Sequence[Latencies], weights: Matrix, permille: int) -> Vector:
    """Nearest-rank quantiles of the parts added up, each as often as a row of `weights` says; NaN where requests that
    were given up might be the quantile (see `Latencies.percentile`)."""
    values_us = merge([histogram for part in parts for histogram in (part.exact, part.given_up)]).values_us
    exact = _cumulated([part.exact for part in parts], values_us)
    everything = exact + _cumulated([part.given_up for part in parts], values_us)
    at_least, at_most = weights @ everything, weights @ exact
    rank = -(-permille * at_least[:, -1:] // 1000)  # whole numbers, which floats hold exactly
    lowest = (at_least < rank).sum(axis=1)
    # A session of nothing but silence has no rank: its row says nothing.
    is_certain = (lowest == (at_most < rank).sum(axis=1)) & (rank[:, 0] > 0)
    return np.where(is_certain, np.log(np.maximum(values_us[lowest], LOWEST_US)), np.nan)


def _cumulated(histograms: Sequence[Histogram], values_us: NDArray[np.int64]) -> Matrix:
    counts = np.zeros((len(histograms), len(values_us)))
    for row, histogram in zip(counts, histograms, strict=True):
        row[np.searchsorted(values_us, histogram.values_us)] = histogram.counts
    return counts.cumsum(axis=1)


def _sides(pairs: Mapping[str, _Pair]) -> dict[str, _Sides]:
    """Of the pairs with resamples: each side's own variance, unbiased, then moderated.

    Resamples are common to pairs of the same sessions only. So where variants lack sessions, or live in groups beside
    the same baseline, each set of sessions is taken apart by itself, and has a variance of the baseline of its own.
    """
    alike: dict[tuple[int, ...], dict[str, Vector]] = {}
    for name, pair in pairs.items():
        if pair.resampled is not None:
            alike.setdefault(pair.sessions, {})[name] = pair.resampled
    least = max((pair.rounding for pair in pairs.values()), default=0.0)
    own = [
        Moderated(max(value, least), len(sessions) - 1.0)
        for sessions, resampled in alike.items()
        for value in _taken_apart(list(resampled.values()), len(sessions))
    ]
    left = iter(
        [
            Moderated(max(alone.value, together.value), together.freedom)
            for alone, together in zip(own, moderated(own, math.inf), strict=True)
        ]
    )
    found: dict[str, _Sides] = {}
    for sessions, resampled in alike.items():
        baseline = next(left)
        # There is one ratio fewer than there are sides.
        freedom = len(resampled) * (len(sessions) - 1.0)
        found |= {name: _Sides(next(left), baseline, freedom) for name in resampled}
    return found


def _taken_apart(resampled: Sequence[Vector], sessions: int) -> list[float]:
    """The variances of the baseline and then of variants, from their ratios in common resamples.

    What all have in common is taken off: the mean of all sides. What is left of a side has (1 - 1/n)^2 of its own
    variance and 1/n^2 of each other's; solved for, as in `simultaneous`, and never less than what is left of it says.
    """
    sides = len(resampled) + 1
    logs = np.vstack([np.zeros_like(resampled[0]), *resampled])
    left = [_spread(row, sessions) for row in logs - logs.mean(axis=0)]
    shares = np.full((sides, sides), 1 / sides**2)
    np.fill_diagonal(shares, (1 - 1 / sides) ** 2)
    unbiased: list[float] = (np.linalg.pinv(shares) @ left).tolist()
    return [max(value, rest / (1 - 1 / sides)) for value, rest in zip(unbiased, left, strict=True)]


def _spread(resampled: Vector, sessions: int) -> float:
    """Resamples of n units scatter by (n - 1)/n of what the units say."""
    likely = _resamples(sessions)[1]
    return float(likely @ (resampled - likely @ resampled) ** 2) * sessions / (sessions - 1)


def _with_interval(pair: _Pair, sides: _Sides, comparisons: int, shared: float) -> LogRatio:
    """Satterthwaite's degrees of freedom, rounded down so that few critical values have to be found."""
    known = sum(side.value**2 / side.freedom for side in (sides.variant, sides.baseline))
    freedom = min(sides.freedom, sides.total**2 / known)
    freedom = max(1.0, math.floor(freedom) if freedom >= 10 else math.floor(2 * freedom) / 2)
    return LogRatio(pair.mean, math.sqrt(sides.total), freedom, pair.rounds, critical(freedom, comparisons, 2, shared))
