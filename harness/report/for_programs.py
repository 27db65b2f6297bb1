"""Decisions and claims in the form that `--json` prints. Other people's scripts read it: names and meanings stay."""

from __future__ import annotations

from msgspec import Struct

from harness.analysis.evidence import Analysis, Comparison, Decision
from harness.analysis.shortfalls import disturbed
from harness.judging.estimate import Estimate
from harness.judging.time_spent import time_spent_s


class Ratio(Struct, frozen=True):
    """`low`..`high`: the simultaneous 95 % interval; null with too little data."""

    value: float
    low: float | None
    high: float | None


class ComparisonForPrograms(Struct, frozen=True):
    """`metric`: `capacity_rps`, `cpu_s_per_1000`, or of one rate a latency such as `p99_ms@rate-30`, or the answers in
    time, `in_time_rps@rate-30`, where the profile has a deadline. `verdict`: `faster` is better, also of a cost or a
    time."""

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


class EvidenceForPrograms(Struct, frozen=True):
    """`shows`: whether it is `for` the claim, `against` it or `neither`. `effect` is a ratio; null: it was counted.
    `run`: whose slices they are, the name of its folder; empty: of the run that was asked for."""

    what: str
    shows: str
    effect: Ratio | None
    counted: str
    workload: str
    rounds: tuple[int, ...]
    slices: tuple[str, ...]
    run: str


class ClaimForPrograms(Struct, frozen=True):
    """`verdict`: `confirmed`, `refuted`, `depends` (on what the evidence for it and against it differ in), `open` or
    `not tested`. `command` tests it, or tests it further."""

    id: str
    claim: str
    verdict: str
    effect: Ratio | None
    evidence: tuple[EvidenceForPrograms, ...]
    command: str


def claims_for_programs(analysis: Analysis) -> tuple[ClaimForPrograms, ...]:
    """All of them, tested or not."""
    return tuple(
        ClaimForPrograms(
            id=claim.id,
            claim=claim.claim,
            verdict=claim.verdict,
            effect=_ratio(claim.effect),
            evidence=tuple(
                EvidenceForPrograms(
                    part.what,
                    part.shows,
                    _ratio(part.effect),
                    part.counted,
                    part.workload,
                    part.rounds,
                    part.slices,
                    part.run,
                )
                for part in claim.evidence
            ),
            command=claim.command,
        )
        for claim in analysis.claims
    )


def _ratio(estimate: Estimate | None) -> Ratio | None:
    return None if estimate is None else Ratio(estimate.value, estimate.low, estimate.high)


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
