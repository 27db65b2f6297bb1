"""Means and ratios over slices, with 95 % Student-t intervals on the logarithms. Pure.

Rates and costs are positive and vary by factors (a machine is half as fast, not 100 rps slower), so they are averaged
as logarithms: the mean is geometric, an interval of a ratio mirrors when its sides are swapped, and units drop out.
Several at once against one control, paired within rounds: `harness.judging.simultaneous`. Unpaired (two runs): Welch's
t, and Sidak's inequality for several (Journal of the American Statistical Association 62, 1967). A verdict is read off
the interval that is shown, so the two cannot disagree.

A rate is a count over a duration, and a count has steps: 10 answers in each of three slices do not say that all were
equal, only that they were less than one apart. So the scatter is never taken to be less than rounding alone makes it, a
step's square over 12 (the variance of a uniform law one step wide). Without it three equal counts had no interval.

A zero has no logarithm: CPU time comes in ticks, and a short phase may have none. For ratios the caller puts half of
the least that it could have shown in its place (`comparisons.ComparedMetric.least`, the usual continuity correction):
the ratio stays finite and on the right side. A mean with a zero in it is arithmetic, its interval cut off at 0.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev, variance
from typing import Literal, TypeVar

from scipy.special import stdtrit

from harness.judging.estimate import Estimate

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
# Within 5 % is "same": less makes no difference to whoever chooses a strategy. On the logarithm, so that A/B and B/A
# agree: 1/1.05 to 1.05.
SAME_WITHIN = math.log(1.05)
# Nobody runs more than this to settle a verdict; a larger need is given as this many.
MOST_MORE_ROUNDS = 50

_Key = TypeVar("_Key", bound=Hashable)
Verdict = Literal["faster", "slower", "same", "open"]


@dataclass(frozen=True)
class LogRatio:
    """The mean logarithm of a ratio, of `count` pairs (or slices of the side with fewer). `error`: its standard error;
    `critical`: how many of those its 95 % interval reaches to each side. All None with too little data. `of_boots`: how
    much of the error's square is the difference of boots."""

    mean: float
    error: float | None
    freedom: float | None
    count: int
    critical: float | None
    of_boots: float = 0.0

    @property
    def interval(self) -> tuple[float, float] | None:
        if self.error is None or self.critical is None:
            return None
        half = self.critical * self.error
        return self.mean - half, self.mean + half

    @property
    def estimate(self) -> Estimate:
        interval = self.interval
        low, high = (None, None) if interval is None else (_exp(interval[0]), _exp(interval[1]))
        return Estimate(_exp(self.mean), low, high, self.count)


def rounding(step: float, value: float) -> float:
    """The variance of a value's logarithm that comes from rounding it to steps of `step`; 0 for what has no steps."""
    return (step / value) ** 2 / 12


def mean(values: Sequence[float], step: float = 0.0) -> Estimate | None:
    """Over slices; no interval from fewer than two, None from none. Values are 0 or more, in steps of `step`."""
    if not values:
        return None
    if len(values) == 1:
        return Estimate(values[0], None, None, 1)
    if min(values) > 0:
        return _mean_log([math.log(value) for value in values], [rounding(step, value) for value in values]).estimate
    centre = fmean(values)
    deviation = max(stdev(values), step / math.sqrt(12))
    half = _quantile(len(values) - 1, ALPHA) * deviation / math.sqrt(len(values))
    return Estimate(centre, max(0.0, centre - half), centre + half, len(values))


@dataclass(frozen=True)
class MeanOfBoots:
    """What boots that differ add to the variance of a mean over slices; `error` as in `variances.BootVariance`."""

    variance: float = 0.0
    error: float = 0.0


def welch_ratio(
    ours: Sequence[float],
    theirs: Sequence[float],
    steps: tuple[float, float] = (0.0, 0.0),
    boots: tuple[MeanOfBoots, MeanOfBoots] = (MeanOfBoots(), MeanOfBoots()),
) -> LogRatio:
    """The first's geometric mean over the second's, of slices that are not paired; all positive, else ValueError."""
    a, b = [math.log(value) for value in ours], [math.log(value) for value in theirs]
    difference = fmean(a) - fmean(b)
    if len(a) < 2 or len(b) < 2:
        return LogRatio(difference, None, None, min(len(a), len(b)), None)
    of_a = max(variance(a), fmean(rounding(steps[0], value) for value in ours)) / len(a)
    of_b = max(variance(b), fmean(rounding(steps[1], value) for value in theirs)) / len(b)
    of_boots = sum(each.variance for each in boots)
    spread = of_a + of_b + of_boots
    # Welch-Satterthwaite; without any spread every degree of freedom gives the same empty interval.
    known = of_a**2 / (len(a) - 1) + of_b**2 / (len(b) - 1) + sum(each.error for each in boots)
    freedom = max(1.0, spread**2 / known) if spread > 0 else float(len(a) + len(b) - 2)
    return LogRatio(difference, math.sqrt(spread), freedom, min(len(a), len(b)), _quantile(freedom, ALPHA))


def all_at_once(ratios: Mapping[_Key, LogRatio]) -> dict[_Key, LogRatio]:
    """The same with wider intervals, which all hold at once, however they depend on each other (Sidak)."""
    tested = sum(ratio.freedom is not None for ratio in ratios.values())
    return {
        key: ratio
        if ratio.freedom is None
        else replace(ratio, critical=_quantile(ratio.freedom, 1 - CONFIDENCE ** (1 / tested)))
        for key, ratio in ratios.items()
    }


def at_level(ratio: LogRatio, alpha: float) -> LogRatio:
    """The same with an interval of its own, Student's, that misses the truth with probability `alpha`."""
    return ratio if ratio.freedom is None else replace(ratio, critical=_quantile(ratio.freedom, alpha))


def verdict(ratio: LogRatio, *, more_is_better: bool = True) -> Verdict:
    """Read off the interval. Within +-5 %: `same`, even where the small difference is certain. `faster` means better: a
    larger ratio, or a smaller one of a cost (`more_is_better=False`). `open`: it contains 1 and reaches beyond 5 %."""
    if ratio.interval is None:
        return "open"
    low, high = ratio.interval
    if low >= -SAME_WITHIN and high <= SAME_WITHIN:
        return "same"
    if low <= 0 <= high:
        return "open"
    return "faster" if (ratio.mean > 0) == more_is_better else "slower"


def more_rounds(ratio: LogRatio, *, fresh_boots: bool = False) -> int | None:
    """About how many more rounds would decide, if they scatter as those so far; None: that is not known yet. On the
    same boots, what the boots contribute to the error stays; with `fresh_boots`, as often as before, it falls, too.

    At most MOST_MORE_ROUNDS, which then means "that many or more". It takes no account of the scatter being known
    better by then.
    """
    if ratio.error is None or ratio.critical is None:
        return None
    stays = 0.0 if fresh_boots else ratio.of_boots
    for more in range(1, MOST_MORE_ROUNDS):
        rest = ratio.count / (ratio.count + more)
        half = ratio.critical * math.sqrt(stays + (ratio.error**2 - stays) * rest)
        if abs(ratio.mean) > half or abs(ratio.mean) + half <= SAME_WITHIN:
            return more
    return MOST_MORE_ROUNDS


def _mean_log(logs: Sequence[float], roundings: Sequence[float]) -> LogRatio:
    if len(logs) < 2:
        return LogRatio(fmean(logs), None, None, len(logs), None)
    deviation = math.sqrt(max(variance(logs), fmean(roundings)))
    freedom = float(len(logs) - 1)
    return LogRatio(fmean(logs), deviation / math.sqrt(len(logs)), freedom, len(logs), _quantile(freedom, ALPHA))


def _quantile(freedom: float, alpha: float) -> float:
    return float(stdtrit(freedom, 1 - alpha / 2))


def _exp(value: float) -> float:
    """Two very different pairs give an interval beyond what a float can hold."""
    return math.exp(min(value, 700.0))
