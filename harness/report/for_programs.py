"""The decisions in the form that `--json` prints. Other people's scripts read it: names and meanings stay."""

from __future__ import annotations

from msgspec import Struct

from harness.analysis.evidence import Analysis, Comparison, Decision
from harness.analysis.shortfalls import disturbed
from harness.judging.time_spent import time_spent_s


class Ratio(Struct, frozen=True):
    """`low`..`high`: the simultaneous 95 % interval; null with too little data."""

    value: float
    low: float | None
    high: float | None


class ComparisonForPrograms(Struct, frozen=True):
    """`metric`: `capacity_rps`, `cpu_s_per_1000`, or a latency at a rate such as `p99_ms@rate-30`. `verdict`: `faster`
    is better, also of a cost or a time."""

    workload: str
    variant: str
    metric: str
    ratio: Ratio
    verdict: str
    why: str


class DecisionForPrograms(Struct, frozen=True):
    """One workload. `winners`: all that may be the best within 5 %; first the highest capacity in the same rounds."""

    workload: str
    baseline: str | None
    winners: tuple[str, ...]
    comparisons: tuple[ComparisonForPrograms, ...]
    no_gain_because: str = ""


def decisions_for_programs(analysis: Analysis) -> tuple[DecisionForPrograms, ...]:
    """One for each workload that has a decision."""
    return tuple(_decision(analysis, decision) for decision in analysis.decisions)


def spent_s(analysis: Analysis) -> float:
    """How long the sessions took, with all that was not measured in them."""
    return time_spent_s(analysis.boots)


def left_out_share(analysis: Analysis) -> float:
    """Of that time without the pilot's, what was left out because something else disturbed it."""
    found = disturbed(analysis)
    return found.share if found is not None else 0.0


def _decision(analysis: Analysis, decision: Decision) -> DecisionForPrograms:
    return DecisionForPrograms(
        workload=decision.workload,
        baseline=analysis.run.baseline,
        winners=(decision.best, *decision.tied),
        comparisons=tuple(_comparison(made) for made in analysis.comparisons if made.workload == decision.workload),
        no_gain_because=decision.no_gain_because,
    )


def _comparison(made: Comparison) -> ComparisonForPrograms:
    return ComparisonForPrograms(
        workload=made.workload,
        variant=made.variant,
        metric=made.metric.removeprefix("target_"),
        ratio=Ratio(made.ratio.value, made.ratio.low, made.ratio.high),
        verdict=made.verdict,
        why=made.why,
    )
