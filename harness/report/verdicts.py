"""The answers: which variant for which workload, and every comparison behind that."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.evidence import Analysis, Comparison, Decision
from harness.analysis.in_time_comparisons import IN_TIME
from harness.judging.stats import MOST_MORE_ROUNDS
from harness.report import wording
from harness.report.palette import Palette
from harness.report.standing import REFUSED_ABOVE, refused_share
from harness.results.records.workload import Workload


@dataclass(frozen=True)
class VerdictBadge:
    """A verdict as a badge: `kind` is its style, `word` what it says."""

    kind: str
    word: str


@dataclass(frozen=True)
class DecisionRow:
    anchor: str
    workload: str
    title: str
    best: str
    colour: str
    tied: tuple[str, ...]
    capacity: str
    capacity_interval: str
    gain: str
    gain_interval: str
    verdict: VerdictBadge | None
    why: str
    avoid: tuple[str, ...] = ()


@dataclass(frozen=True)
class ComparisonRow:
    variant: str
    colour: str
    baseline: str
    ratio: str
    interval: str
    pairs: int
    verdict: VerdictBadge
    more_rounds: str
    why: str


@dataclass(frozen=True)
class Comparisons:
    """All comparisons of one metric."""

    metric: str
    by_workload: tuple[tuple[str, tuple[ComparisonRow, ...]], ...]

    @property
    def has_causes(self) -> bool:
        return any(row.why for _, rows in self.by_workload for row in rows)


_METRICS = {"capacity_rps": "Capacity", "target_cpu_s_per_1000": "CPU-seconds per request"}
_AT_RATES = {
    IN_TIME: "Answered in time",
    "p50_ms": "Response time p50",
    "p99_ms": "Response time p99",
    "health_p99_ms": "/health p99",
}
_CAPACITY_WORDS = {"faster": "faster", "slower": "slower"}
_IN_TIME_WORDS = {"faster": "more in time", "slower": "fewer in time"}
_CPU_WORDS = {"faster": "less CPU", "slower": "more CPU"}
_LATENCY_WORDS = {"faster": "shorter", "slower": "longer"}
_BADGES = {"faster": ("better", "▲"), "slower": ("worse", "▼"), "same": ("same", "="), "open": ("open", "?")}


def badge(comparison: Comparison) -> VerdictBadge:
    """The verdict in words that fit the metric."""
    kind, sign = _BADGES[comparison.verdict]
    words = {"capacity_rps": _CAPACITY_WORDS, "target_cpu_s_per_1000": _CPU_WORDS, IN_TIME: _IN_TIME_WORDS}.get(
        comparison.metric.partition("@")[0], _LATENCY_WORDS
    )
    return VerdictBadge(kind, f"{sign} {words.get(comparison.verdict, comparison.verdict)}")


def capacity_badge(verdict: str) -> VerdictBadge:
    """Of a comparison of capacities, or of something that was not compared."""
    kind, sign = _BADGES.get(verdict, ("open", ""))
    return VerdictBadge(kind, f"{sign} {verdict}".strip())


def decision_rows(analysis: Analysis, anchors: dict[str, str], palette: Palette) -> tuple[DecisionRow, ...]:
    """A row for each workload of the run, also where nothing could be decided."""
    decided: dict[str, Decision | str] = {decision.workload: decision for decision in analysis.decisions}
    decided |= {each.workload: f"No decision: {each.reason}." for each in analysis.undecided}
    return tuple(
        _decision_row(workload, anchors[workload.name], decided.get(workload.name, ""), analysis.run.baseline, palette)
        for workload in analysis.run.workloads
    )


def _decision_row(
    workload: Workload, anchor: str, decision: Decision | str, baseline: str | None, palette: Palette
) -> DecisionRow:
    """A text instead of a decision says why there is none."""
    if isinstance(decision, str):
        return DecisionRow(anchor, workload.name, workload.title, "", "", (), "", "", "", "", None, decision)
    gain = decision.gain
    if gain is not None:
        gain_text, gain_interval = wording.times(gain.ratio.value), wording.interval_of_ratio(gain.ratio)
    else:
        gain_text, gain_interval = ("is the baseline" if decision.best == baseline else "no comparison"), ""
    return DecisionRow(
        anchor=anchor,
        workload=workload.name,
        title=workload.title,
        best=decision.best,
        colour=palette.css(decision.best),
        tied=decision.tied,
        capacity=f"{wording.number(decision.capacity.value)} requests/s",
        capacity_interval=wording.interval(decision.capacity),
        gain=gain_text,
        gain_interval=gain_interval,
        verdict=badge(gain) if gain is not None else None,
        why=" ".join(filter(None, [_sentence(decision.no_gain_because), decision.why])),
        avoid=tuple(f"{made.variant} ({wording.times(made.ratio.value)})" for made in decision.avoid),
    )


def not_compared(analysis: Analysis) -> tuple[str, ...]:
    """A sentence for each workload whose best variant is compared with nothing."""
    return tuple(_sentence(decision.no_gain_because) for decision in analysis.decisions if decision.no_gain_because)


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}." if words else ""


def comparison_tables(analysis: Analysis, palette: Palette) -> tuple[Comparisons, ...]:
    """All comparisons, by metric and then workload, otherwise as the analysis orders them."""
    workloads = list(dict.fromkeys(made.workload for made in analysis.comparisons))
    return tuple(
        Comparisons(
            metric=heading,
            by_workload=tuple(
                (workload, rows) for workload in workloads if (rows := _rows(analysis, workload, metric, palette))
            ),
        )
        for metric, heading in _headings(analysis).items()
    )


def _headings(analysis: Analysis) -> dict[str, str]:
    """Of the metrics that were compared: those of the closed loop, then those of the rates."""
    found = list(dict.fromkeys(made.metric for made in analysis.comparisons))
    first = {metric: heading for metric, heading in _METRICS.items() if metric in found}
    at_rates = [metric for metric in found if "@" in metric]
    return first | {
        metric: f"{_AT_RATES[metric.split('@')[0]]}, {metric.split('@')[1]}"
        for metric in sorted(at_rates, key=lambda metric: list(_AT_RATES).index(metric.split("@")[0]))
    }


def _rows(analysis: Analysis, workload: str, metric: str, palette: Palette) -> tuple[ComparisonRow, ...]:
    return tuple(
        ComparisonRow(
            variant=made.variant,
            colour=palette.css(made.variant),
            baseline=made.baseline,
            ratio=wording.times(made.ratio.value),
            interval=wording.interval_of_ratio(made.ratio),
            pairs=made.ratio.slices,
            verdict=badge(made),
            more_rounds=_more_rounds(made),
            why=made.why.removeprefix(f"{made.variant}: ") or _refused(analysis, made),
        )
        for made in analysis.comparisons
        if (made.workload, made.metric) == (workload, metric)
    )


def _refused(analysis: Analysis, made: Comparison) -> str:
    """Beside a latency: how many requests have no part in it, since their server refused them."""
    metric, _, phase_name = made.metric.partition("@")
    if metric.startswith("health") or metric == IN_TIME:
        return ""
    said = []
    for variant in (made.variant, made.baseline):
        cell = next((c for c in analysis.cells if (c.workload, c.variant) == (made.workload, variant)), None)
        phase = cell.phases.get(phase_name) if cell else None
        share = refused_share(phase) if phase else None
        if share is not None and share > REFUSED_ABOVE:
            said.append(f"{variant} refused {wording.percent(share)} of the requests")
    return f"{' and '.join(said)}; those are not in it" if said else ""


def _more_rounds(comparison: Comparison) -> str:
    if comparison.more_rounds is None:
        return ""
    return (
        f"{comparison.more_rounds} or more"
        if comparison.more_rounds >= MOST_MORE_ROUNDS
        else f"about {comparison.more_rounds}"
    )
