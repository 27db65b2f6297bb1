"""Whether goodput or response times kept their level: the Mann-Kendall test for a trend, and how large it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST_BINS = 8  # of fewer the test can say nothing at 1 %
FEWEST_FOR_A_TREND = 40  # a few a bin: single answers make no trend
# A longer phase is looked at by the second, of which it has enough: neighbouring tenths are not independent.
TENTHS_BELOW_S = float(FEWEST_BINS)
SHORTEST_OPEN_LOOP_S = 2.0


@dataclass(frozen=True)
class Trend:
    """The means of the first and of the last third of the bins, neither below 0 nor both 0.

    Not the slope of a fitted line: a late start is a step, and a robust slope hardly sees one.
    """

    first: float
    last: float
    p_value: float
    bins: int
    bin_s: float

    @property
    def change(self) -> float:
        """The difference as a share of the larger of the two, so -1 to 1; negative for a fall."""
        return (self.last - self.first) / max(self.first, self.last)


def goodput_trend(ok_per_tenth: Sequence[int], duration_s: float) -> Trend | None:
    """Of right answers counted by tenths of a second; None where there are too few of either to tell."""
    tenths = list(ok_per_tenth)[: _tenths(duration_s)]  # the last one may be short
    tenths += [0] * (_tenths(duration_s) - len(tenths))
    size = 1 if duration_s < TENTHS_BELOW_S else 10
    counts = _binned(tenths, size)
    return _trend(counts, size) if counts.sum() >= FEWEST_FOR_A_TREND else None


def response_trend(
    arrivals_per_tenth: Sequence[int], response_s_per_tenth: Sequence[float], duration_s: float
) -> Trend | None:
    """Of the mean response times of those who came in the same bin; None where there are too few of either to tell.

    An open loop begins with an empty server, and queues come to their level: its first third is left out, and phases of
    less than 2 s are not looked at. Bins are as wide as eight of them allow, since neighbours are not independent.
    """
    whole = _tenths(duration_s)
    if duration_s < SHORTEST_OPEN_LOOP_S:
        return None
    rest = range(whole // 3, whole)
    size = min(10, len(rest) // FEWEST_BINS)
    arrivals = _binned([arrivals_per_tenth[at] if at < len(arrivals_per_tenth) else 0 for at in rest], size)
    response_s = _binned([response_s_per_tenth[at] if at < len(response_s_per_tenth) else 0.0 for at in rest], size)
    if arrivals.sum() < FEWEST_FOR_A_TREND:
        return None
    came = arrivals > 0
    return _trend(response_s[came] / arrivals[came], size)


def _tenths(duration_s: float) -> int:
    return int(duration_s * 10 + 1e-6)


def _binned(tenths: Sequence[float], size: int) -> NDArray[np.float64]:
    return np.array([sum(tenths[at : at + size]) for at in range(0, len(tenths) - size + 1, size)], float)


def _trend(values: NDArray[np.float64], size: int) -> Trend | None:
    if len(values) < FEWEST_BINS or values.min() == values.max():
        return None
    from scipy import stats  # noqa: PLC0415 - takes half a second to import, and short runs need none

    third = len(values) // 3
    first, last = float(values[:third].mean()), float(values[-third:].mean())
    if not first and not last:
        return None
    return Trend(
        first=first,
        last=last,
        p_value=float(stats.kendalltau(np.arange(len(values)), values).pvalue),
        bins=len(values),
        bin_s=size / 10,
    )
