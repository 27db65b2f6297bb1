"""Whether a trial may be believed, from what it left on disk. Pure: measuring asks it what to measure again, analysis
asks it what counts, and both get the same answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from harness.judging.arrival_figures import by_phase
from harness.judging.context import Context
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


def judge(run: RunRecord, raw: RawTrial, median_canary_ms: float | None) -> Judgement:
    """`median_canary_ms` is what the machine's speed is held against, see `median_canary_of`."""
    trial = raw.record
    context = Context(
        record=trial,
        phases=phase_figures(trial, raw.histograms, raw.samples, raw.probes),
        variant=next(variant for variant in run.variants if variant.name == trial.spec.variant),
        workload=next(workload for workload in run.workloads if workload.name == trial.spec.workload),
        profile=run.profile,
        target_cores=run.environment.partition.target_cores,
        median_canary_ms=median_canary_ms,
        arrivals=by_phase(raw.arrivals),
    )
    found = findings(context)
    return Judgement(context, found, is_valid(trial, found))


def median_canary_of(trials: Iterable[TrialRecord]) -> float | None:
    """The middle of the machine's speed before each trial; None when nothing was measured."""
    canaries_ms = [trial.noise.canary_ms for trial in trials if trial.noise is not None]
    return median(canaries_ms) if canaries_ms else None
