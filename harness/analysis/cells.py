"""A variant on a workload, over its valid trials. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis import stats
from harness.analysis.evidence import Cell, CellPhase, Estimate
from harness.analysis.trials import capacity_phase, counting, has_run
from harness.judging.ceilings import waiting_ceiling
from harness.judging.figures import PhaseFigures, TrialFigures
from harness.judging.percentiles import Latencies, pool, with_trial_range
from harness.judging.phase_figures import value_ms
from harness.results.histograms import Histogram, merge
from harness.results.records.outcome import Outcome
from harness.results.records.run_record import Preflight, RunRecord
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload


@dataclass(frozen=True)
class PhaseEvidence:
    """The distributions of one phase of one trial, to be added up over trials."""

    response: Latencies
    health: Latencies
    loop_lags: Histogram


@dataclass(frozen=True)
class JudgedTrial:
    """A trial's figures and, by phase, the distributions behind them."""

    figures: TrialFigures
    evidence: Mapping[str, PhaseEvidence]


def cells(run: RunRecord, trials: Sequence[JudgedTrial]) -> tuple[Cell, ...]:
    """Every selected variant on every selected workload, measured or not."""
    preflight = {(check.variant, check.workload): check for check in run.preflight}
    by_cell: dict[tuple[str, str], list[JudgedTrial]] = {}
    for trial in trials:
        spec = trial.figures.record.spec
        if not spec.is_pilot:
            by_cell.setdefault((spec.variant, spec.workload), []).append(trial)
    return tuple(
        _cell(
            run,
            variant,
            workload,
            preflight.get((variant.name, workload.name)),
            by_cell.get((variant.name, workload.name), []),
        )
        for workload in run.workloads
        for variant in run.variants
    )


def _cell(
    run: RunRecord, variant: Variant, workload: Workload, check: Preflight | None, attempts: Sequence[JudgedTrial]
) -> Cell:
    ceiling = waiting_ceiling(
        workload,
        variant,
        users=run.profile.users_by_workload.get(workload.name, run.profile.users),
    )
    if not attempts:
        status = check.status if check is not None and check.status != "ok" else "missing"
        error = check.error if check is not None else ""
        return Cell(variant=variant.name, workload=workload.name, status=status, error=error, ceiling=ceiling)
    counted = {figures.folder for figures in counting(attempt.figures for attempt in attempts)}
    valid = [trial for trial in attempts if trial.figures.folder in counted and trial.figures.valid]
    all_failed = all(attempt.figures.record.status == "failed" for attempt in attempts)
    capacities = [phase for trial in valid if (phase := capacity_phase(trial.figures)) is not None]
    return Cell(
        variant=variant.name,
        workload=workload.name,
        status="failed" if all_failed else "measured",
        error=attempts[-1].figures.record.error,
        trials=len(attempts),
        valid_trials=len(valid),
        capacity=_mean_goodput(capacities),
        ceiling=ceiling,
        idle_cores=next((p.target_idle_cores for t in valid for p in t.figures.phases.values()), None),
        phases=_phases(valid),
    )


def _phases(valid: Sequence[JudgedTrial]) -> dict[str, CellPhase]:
    """Those about the load."""
    figures = [phase for trial in valid for phase in trial.figures.phases.values()]
    names = dict.fromkeys(phase.name for phase in figures if phase.kind.is_load)
    return {name: _phase(name, [trial for trial in valid if name in trial.figures.phases]) for name in names}


def _phase(name: str, trials: Sequence[JudgedTrial]) -> CellPhase:
    phases = [trial.figures.phases[name] for trial in trials]
    ran = [phase for phase in phases if has_run(phase)]
    evidence = [trial.evidence[name] for trial in trials]
    response = pool(part.response for part in evidence)
    health = pool(part.health for part in evidence)
    outcomes: Counter[Outcome] = Counter()
    for phase in phases:
        outcomes.update(phase.outcomes)
    return CellPhase(
        name=name,
        kind=phases[0].kind,
        offered_rps=phases[0].offered_rps,
        statuses=dict(Counter(phase.status for phase in phases)),
        goodput_rps=_mean_goodput(ran),
        response_p50=with_trial_range(response.percentile(500), (phase.response_p50 for phase in phases)),
        response_p90=with_trial_range(response.percentile(900), (phase.response_p90 for phase in phases)),
        response_p99=with_trial_range(response.percentile(990), (phase.response_p99 for phase in phases)),
        health_p50=with_trial_range(health.percentile(500), (phase.health_p50 for phase in phases)),
        health_p99=with_trial_range(health.percentile(990), (phase.health_p99 for phase in phases)),
        outcomes=dict(outcomes),
        loop_lag_p99_ms=value_ms(merge(part.loop_lags for part in evidence), 990),
        target_cpu_s_per_1000=stats.mean(_known(phase.target_cpu_s_per_1000 for phase in ran)),
        target_cores=stats.mean(_known(phase.target_cores for phase in ran)),
        target_pss_max_bytes=_largest(phase.target_pss_max_bytes for phase in phases),
        target_rss_max_bytes=_largest(phase.target_rss_max_bytes for phase in phases),
        target_threads_max=_largest(phase.target_threads_max for phase in phases),
        limiter_waiting_max=_largest(phase.limiter_waiting_max for phase in phases),
    )


def _mean_goodput(phases: Sequence[PhaseFigures]) -> Estimate | None:
    return stats.mean(
        [phase.goodput_rps for phase in phases], step=max((1 / phase.duration_s for phase in phases), default=0.0)
    )


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _largest(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)
