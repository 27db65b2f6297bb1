"""Whether a trial may be believed, from what it left on disk. Pure: measuring asks it what to measure again, analysis
asks it what counts, and both get the same answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from harness.judging.arrival_figures import by_phase
from harness.judging.context import Context
from harness.judging.idle_cost import IdleCost, idle_cost_in
from harness.judging.memory import memory_growth
from harness.judging.phase_figures import phase_figures
from harness.judging.validity import findings, is_valid
from harness.results.raw_trial import RawTrial
from harness.results.records.finding import Finding
from harness.results.records.run_record import RunRecord
from harness.results.records.trial_record import TrialRecord


@dataclass(frozen=True)
class Judgement:
    """`findings`: what the harness saw happen, then what the rules of `validity` say."""

    context: Context
    findings: tuple[Finding, ...]
    valid: bool


def judge(
    run: RunRecord, raw: RawTrial, median_canary_ms: float | None, idle_cost: IdleCost | None = None
) -> Judgement:
    """`median_canary_ms` is what the machine's speed is compared with, see `median_canary_of`. `idle_cost` is what the
    pilot found for this variant on this workload; a trial with an idle phase of its own takes that one's."""
    trial = raw.record
    partition = run.environment.partition
    variant = next(variant for variant in run.variants if variant.name == trial.spec.variant)
    idle_cost = idle_cost_in(trial, raw.samples, variant.workers) or idle_cost
    context = Context(
        record=trial,
        phases=phase_figures(trial, raw.histograms, raw.samples, raw.probes, idle_cost),
        variant=variant,
        workload=next(workload for workload in run.workloads if workload.name == trial.spec.workload),
        profile=run.profile,
        target_cores=partition.target_cores,
        median_canary_ms=median_canary_ms,
        arrivals=by_phase(raw.arrivals),
        reserved_cpus=len(partition.generator) if partition.pinned else 0,
        idle_cost=idle_cost,
        memory=memory_growth(trial, raw.samples),
        memory_bytes=run.environment.memory_bytes,
    )
    found = findings(context)
    return Judgement(context, found, is_valid(trial, found))


def median_canary_of(trials: Iterable[TrialRecord]) -> float | None:
    """The middle of the machine's speed before each trial; None when nothing was measured."""
    canaries_ms = [trial.noise.canary_ms for trial in trials if trial.noise is not None]
    return median(canaries_ms) if canaries_ms else None
