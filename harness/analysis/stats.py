"""Means and ratios over trials, with 95 % Student-t intervals on the logarithms. Pure.

Rates and costs are positive and vary by factors (a machine is half as fast, not 100 rps slower), so they are averaged
as logarithms: the mean is geometric, an interval of a ratio mirrors when its sides are swapped, and units drop out.
Paired: Student's t on the blocks' log ratios. Unpaired (two runs): Welch's t. Several at once: Holm's correction
(Scandinavian Journal of Statistics 6, 1979).

A rate is a count over a duration, and a count has steps: 10 answers in each of three trials do not say that all were
equal, only that they were less than one apart. So the scatter is never taken to be less than rounding alone makes it, a
step's square over 12 (the variance of a uniform law one step wide). Without it three equal counts had no interval.

A zero has no logarithm: CPU time comes in ticks, and a short phase may have none. For ratios the caller puts half of
the least that it could have shown in its place (`comparisons.ComparedMetric.least`, the usual continuity correction):
the ratio stays finite and on the right side. A mean with a zero in it is arithmetic, its interval cut off at 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev, variance
from typing import Literal

from scipy.special import stdtr, stdtrit

from harness.analysis.evidence import Estimate

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
# Within 5 % is "same": less makes no difference to whoever chooses a strategy. On the logarithm, so that A/B and B/A
# agree: 1/1.05 to 1.05.
SAME_WITHIN = math.log(1.05)
# Nobody runs more than this to settle a verdict; a larger need is given as this many.
MOST_MORE_BLOCKS = 50

Verdict = Literal["faster", "slower", "same", "inconclusive"]


@dataclass(frozen=True)
class LogRatio:
    """The mean logarithm of a ratio. `error` (its standard error) and `freedom` are None with too little data."""

    mean: float
    error: float | None
    freedom: float | None
    count: int

    @property
    def interval(self) -> tuple[float, float] | None:
        if self.error is None or self.freedom is None:
            return None
        half = _quantile(self.freedom, ALPHA) * self.error
        return self.mean - half, self.mean + half

    @property
    def p_value(self) -> float | None:
        """Two-sided, of the ratio being 1."""
        if self.error is None or self.freedom is None:
            return None
        if self.error == 0:
            return 1.0 if self.mean == 0 else 0.0
        return float(2 * stdtr(self.freedom, -abs(self.mean) / self.error))

    @property
    def estimate(self) -> Estimate:
        interval = self.interval
        low, high = (None, None) if interval is None else (_exp(interval[0]), _exp(interval[1]))
        return Estimate(_exp(self.mean), low, high, self.count)


def rounding(step: float, value: float) -> float:
    """The variance of a value's logarithm that comes from rounding it to steps of `step`; 0 for what has no steps."""
    return (step / value) ** 2 / 12


def mean(values: Sequence[float], step: float = 0.0) -> Estimate | None:
    """Over trials; no interval from fewer than two, None from none. Values are 0 or more, in steps of `step`."""
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


def paired_ratio(pairs: Sequence[tuple[float, float]], steps: tuple[float, float] = (0.0, 0.0)) -> LogRatio:
    """First over second of each pair (one pair a block); at least one, all positive, else ValueError. `steps`: those
    of the first and of the second."""
    return _mean_log(
        [math.log(ours) - math.log(theirs) for ours, theirs in pairs],
        [rounding(steps[0], ours) + rounding(steps[1], theirs) for ours, theirs in pairs],
    )


def welch_ratio(ours: Sequence[float], theirs: Sequence[float], steps: tuple[float, float] = (0.0, 0.0)) -> LogRatio:
    """The first's geometric mean over the second's, of trials that are not paired; all positive, else ValueError."""
    a, b = [math.log(value) for value in ours], [math.log(value) for value in theirs]
    difference = fmean(a) - fmean(b)
    if len(a) < 2 or len(b) < 2:
        return LogRatio(difference, None, None, min(len(a), len(b)))
    of_a = max(variance(a), fmean(rounding(steps[0], value) for value in ours)) / len(a)
    of_b = max(variance(b), fmean(rounding(steps[1], value) for value in theirs)) / len(b)
    spread = of_a + of_b
    # Welch-Satterthwaite; without any spread every degree of freedom gives the same empty interval.
    freedom = (
        spread**2 / (of_a**2 / (len(a) - 1) + of_b**2 / (len(b) - 1)) if spread > 0 else float(len(a) + len(b) - 2)
    )
    return LogRatio(difference, math.sqrt(spread), freedom, min(len(a), len(b)))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Corrected for how many there are, in the given order; None (untested) stays None and does not count."""
    tested = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * p))
        corrected[index] = largest
    return corrected


def verdict(ratio: LogRatio, corrected_p: float | None, *, more_is_better: bool = True) -> Verdict:
    """`faster` means better: a larger ratio, or a smaller one of a cost (`more_is_better=False`).

    An interval wholly within +-5 % is `same`, even where the small difference is certain. The interval is the single
    comparison's; the decision uses the corrected p-value, which is never laxer.
    """
    if ratio.interval is None or corrected_p is None:
        return "inconclusive"
    low, high = ratio.interval
    if low >= -SAME_WITHIN and high <= SAME_WITHIN:
        return "same"
    if corrected_p >= ALPHA:
        return "inconclusive"
    return "faster" if (ratio.mean > 0) == more_is_better else "slower"


def more_blocks(ratio: LogRatio, comparisons: int) -> int | None:
    """About how many more blocks would decide, if they scatter as those so far; None: that is not known yet.

    At most MOST_MORE_BLOCKS, which then means "that many or more". `comparisons` share the error rate (Bonferroni's
    equal shares: how Holm's steps will fall is not known beforehand).
    """
    if ratio.error is None:
        return None
    deviation = ratio.error * math.sqrt(ratio.count)
    for more in range(1, MOST_MORE_BLOCKS):
        count = ratio.count + more
        error = deviation / math.sqrt(count)
        differs = abs(ratio.mean) > _quantile(count - 1, ALPHA / max(1, comparisons)) * error
        same = abs(ratio.mean) + _quantile(count - 1, ALPHA) * error <= SAME_WITHIN
        if differs or same:
            return more
    return MOST_MORE_BLOCKS


def _mean_log(logs: Sequence[float], roundings: Sequence[float]) -> LogRatio:
    if len(logs) < 2:
        return LogRatio(fmean(logs), None, None, len(logs))
    deviation = math.sqrt(max(variance(logs), fmean(roundings)))
    return LogRatio(fmean(logs), deviation / math.sqrt(len(logs)), float(len(logs) - 1), len(logs))


def _quantile(freedom: float, alpha: float) -> float:
    return float(stdtrit(freedom, 1 - alpha / 2))


def _exp(value: float) -> float:
    """Two very different pairs give an interval beyond what a float can hold."""
    return math.exp(min(value, 700.0))
