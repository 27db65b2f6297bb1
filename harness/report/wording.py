"""Figures as people read them: three significant digits, always a unit, an interval wherever there is one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from harness.analysis.evidence import Comparison
from harness.judging.estimate import Estimate
from harness.judging.figures import Percentile
from harness.judging.stats import MOST_MORE_ROUNDS, SAME_WITHIN
from harness.results.records.outcome import Outcome, in_words

NOTHING = "\N{EN DASH}"  # how tables say "no figure"
TIMES = "\N{MULTIPLICATION SIGN}"
MIB = 1024 * 1024
FAR_LOW, FAR_HIGH = 1e-6, 1e12


def number(value: float | None) -> str:
    """Three significant digits, thousands separated: 0.0123, 9.87, 948, 25,700. What is far from 1 has a power of ten:
    3.2e+65. An interval from two rounds can reach there."""
    return _rounded(value, 3)


def _rounded(value: float | None, significant: int) -> str:
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    if not FAR_LOW <= abs(value) < FAR_HIGH:
        return f"{value:.{significant - 1}e}"
    digits = significant - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    if rounded and math.floor(math.log10(abs(rounded))) > math.floor(math.log10(abs(value))):
        digits -= 1  # 9.996 is 10.0, not 10.00
    return f"{rounded:,.{max(0, digits)}f}"


def whole(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"


def cores(value: float | None) -> str:
    """CPU-seconds per second, to a hundredth."""
    return NOTHING if value is None else f"{value:.2f}"


def interval(estimate: Estimate | None, form: Callable[[float], str] = number) -> str:
    """The 95 % confidence interval in brackets, or why there is none."""
    if estimate is None:
        return ""
    if estimate.low is None or estimate.high is None:
        return "no interval from 1 slice" if estimate.slices == 1 else "no interval"
    return f"[{form(estimate.low)}, {form(estimate.high)}]"


def times(ratio: float | None) -> str:
    """A ratio, behind a multiplication sign."""
    return NOTHING if ratio is None else f"{TIMES}{number(ratio)}"


def verdict_in_words(made: Comparison) -> str:
    """`faster`, `open, about 6 more minutes would decide`"""
    if made.verdict != "open" or made.more_s is None or made.more_rounds is None:
        return made.verdict
    if made.more_rounds >= MOST_MORE_ROUNDS:
        return "open, and many more minutes would not decide"
    minutes = max(1, round(made.more_s / 60))
    return f"open, about {minutes} more minute{'s' * (minutes > 1)} would decide"


def interval_of_ratio(estimate: Estimate) -> str:
    """The same of a ratio, its ends with as many digits as it takes to see on which side they are of 1 and of 5 %: the
    verdict is read off them, and 1.002 as 1.00 would contradict it."""
    return interval(estimate, _side_kept)


def _side_kept(end: float) -> str:
    """No more than 8 digits: what is nearer to a bound than that is on it."""
    said = (_rounded(end, significant) for significant in range(3, 9))
    return next((each for each in said if _sides(float(each.replace(",", ""))) == _sides(end)), _rounded(end, 8))


def _sides(end: float) -> tuple[bool, ...]:
    widest = math.exp(SAME_WITHIN) * (1 + 1e-12)  # 1.05 itself is within
    return end < 1, end > 1, end < 1 / widest, end > widest


def ms(value_ms: float | None) -> str:
    """A duration given in ms: 0.31 ms, 134 ms, 1.36 s."""
    if value_ms is None or not math.isfinite(value_ms):
        return NOTHING
    if value_ms >= 999.5:
        return f"{number(value_ms / 1000)} s"
    return f"{number(value_ms)} ms"


def percentile(value: Percentile | None) -> str:
    """134 ms, or ≥ 5.20 s where the truth is that or more."""
    if value is None:
        return NOTHING
    return f"≥ {ms(value.value_ms)}" if value.at_least else ms(value.value_ms)


def slice_range(value: Percentile | None, slices: int) -> str:
    """The least and the largest of `slices` single slices of a percentile; empty when none has enough samples."""
    if value is None:
        return ""
    if slices == 1:
        return "1 slice: no range"
    if value.slice_low_ms is None or value.slice_high_ms is None:
        return ""
    low, high = ms(value.slice_low_ms), ms(value.slice_high_ms)
    figure, unit = low.rsplit(" ", 1)
    return f"{figure}…{high}" if high.endswith(f" {unit}") else f"{low}…{high}"


def mib(value_bytes: float | None) -> str:
    return NOTHING if value_bytes is None else f"{number(value_bytes / MIB)} MiB"


def seconds(value_s: float) -> str:
    """A stretch of time: 1.68 ms, 12.3 s, 14 min 05 s, 2 h 03 min."""
    if value_s < 0.1:
        return ms(1000 * value_s)
    if value_s < 60:
        return f"{value_s:.3g} s"
    minutes, rest_s = divmod(round(value_s), 60)
    if minutes < 60:
        return f"{minutes} min {rest_s:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def percent(share: float | None) -> str:
    """A share of one as a percentage; what is not nothing never reads as 0 %."""
    if share is None or not math.isfinite(share):
        return NOTHING
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.1f} %" if 0 < share < 0.0995 else f"{100 * share:.0f} %"


def not_ok(outcomes: Mapping[Outcome, int], given_up: int = 0) -> str:
    """Everything but right answers, by outcome: "12 timeouts, 3 not sent"; empty when there was nothing else.

    `given_up` of the timeouts were still open when the phase's time to drain was over; they are named apart, since
    nothing failed there, it only took too long for us.
    """
    counts = {kind: outcomes.get(kind, 0) for kind in Outcome if kind is not Outcome.OK}
    counts[Outcome.TIMEOUT] -= given_up
    said = [in_words(kind, many) for kind, many in counts.items() if many]
    return ", ".join([*said, f"{given_up:,} given up"] if given_up else said)
