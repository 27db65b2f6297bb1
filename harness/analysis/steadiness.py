"""Whether goodput kept its level: the Mann-Kendall test for a trend, and how large the trend is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

FEWEST_BINS = 8  # of fewer the test can say nothing at 1 %
FEWEST_ANSWERS = 40  # a few a bin: single answers make no trend
# A longer phase is looked at by the second, of which it has enough: neighbouring tenths are not independent.
TENTHS_BELOW_S = float(FEWEST_BINS)


@dataclass(frozen=True)
class Trend:
    """`change`: the mean of the last third of the bins less that of the first third, as a share of the median bin.

    No fitted line: a late start is a step, and a robust slope hardly sees one.
    """

    change: float
    p_value: float
    bins: int
    bin_s: float


def goodput_trend(ok_per_tenth: Sequence[int], duration_s: float) -> Trend | None:
    """Of right answers counted by tenths of a second; None where there are too few of either to tell."""
    tenths = list(ok_per_tenth)[: int(duration_s * 10 + 1e-6)]  # the last one may be short
    tenths += [0] * (int(duration_s * 10 + 1e-6) - len(tenths))
    size = 1 if duration_s < TENTHS_BELOW_S else 10
    counts = np.array([sum(tenths[at : at + size]) for at in range(0, len(tenths) - size + 1, size)], float)
    if len(counts) < FEWEST_BINS or counts.sum() < FEWEST_ANSWERS or counts.min() == counts.max():
        return None
    times = np.arange(len(counts), dtype=float)
    third = len(counts) // 3
    change = float(counts[-third:].mean() - counts[:third].mean())
    level = float(np.median(counts)) or float(counts.mean())
    return Trend(
        change=change / level,
        p_value=float(stats.kendalltau(times, counts).pvalue),
        bins=len(counts),
        bin_s=size / 10,
    )
