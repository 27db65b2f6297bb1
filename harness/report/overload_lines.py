"""What a bounded queue and a deadline do under overload, in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from harness.analysis.evidence import Analysis, CellPhase
from harness.analysis.overload_record import EffectRatio, OverloadEffect
from harness.report import wording
from harness.report.standing import REFUSED_ABOVE, refused_share


def overload_lines(analysis: Analysis, workload: str) -> tuple[str, ...]:
    """A sentence for each of the means on a workload, with all rates; none where the profile has no deadline."""
    effects = [effect for effect in analysis.overload_effects if effect.workload == workload]
    pairs = groupby(effects, key=lambda effect: (effect.means, effect.variant, effect.without))
    return tuple(_line(analysis, *pair, list(own)) for pair, own in pairs)


def _line(analysis: Analysis, means: str, variant: str, without: str, effects: Sequence[OverloadEffect]) -> str:
    said = "; ".join(_at_rate(analysis, effect) for effect in effects)
    return f"{means[0].upper()}{means[1:]} ({variant} beside {without}): {said}."


def _at_rate(analysis: Analysis, effect: OverloadEffect) -> str:
    """at rate-150 (957/s) 40 % of the arrivals are answered within 250 ms, without it 4.7 % (x8.73 [6.38, 11.9]), p99
    is 286 ms, without it 3.13 s (x0.0916 [0.0561, 0.150]), 58 % are refused"""
    own, other = (_phase(analysis, effect, name) for name in (effect.variant, effect.without))
    if own is None or other is None or effect.in_time.ratio is None:
        return f"at {effect.phase} no round counts in which both were asked"
    deadline = wording.ms(analysis.run.profile.deadline_ms)
    said = [
        f"at {effect.phase} ({wording.number(own.offered_rps)}/s) {wording.percent(own.in_time_share)} of the arrivals "
        f"are answered within {deadline}, without it {wording.percent(other.in_time_share)}{_ratio(effect.in_time)}",
        f"p99 is {wording.percentile(own.response_p99)}, without it {wording.percentile(other.response_p99)}"
        f"{_ratio(effect.p99)}",
    ]
    refused = refused_share(own) or 0.0
    if refused > REFUSED_ABOVE:
        said.append(f"{wording.percent(refused)} are refused")
    return ", ".join(said)


def _phase(analysis: Analysis, effect: OverloadEffect, variant: str) -> CellPhase | None:
    cell = next((c for c in analysis.cells if (c.workload, c.variant) == (effect.workload, variant)), None)
    return cell.phases.get(effect.phase) if cell is not None else None


def _ratio(change: EffectRatio) -> str:
    """With a word where the interval decides nothing, or says that there is no difference."""
    if change.ratio is None:
        return ""
    word = f": {change.verdict}" if change.verdict in ("open", "same") else ""
    interval = wording.interval_of_ratio(change.ratio) if change.ratio.low is not None else "without an interval"
    return f" ({wording.times(change.ratio.value)} {interval}{word})"
