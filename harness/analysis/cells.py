"""A variant on a workload, over its valid slices. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from harness.analysis.evidence import Cell, CellPhase
from harness.analysis.slices import capacity_phase, counting, had_no_answer, has_run
from harness.judging import stats
from harness.judging.ceilings import waiting_ceiling
from harness.judging.estimate import Estimate
from harness.judging.figures import Percentile, PhaseFigures, SliceFigures
from harness.judging.overload import is_overloaded
from harness.judging.percentiles import Latencies, at_least, pool, with_slice_range
from harness.judging.phase_figures import value_ms
from harness.results.histograms import Histogram, merge
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.records.run_record import Preflight, RunRecord
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload

# A tick of the event loop that comes later than this found it blocked: many times what a loop that only waits is late.
BLOCKED_MS = 10.0


@dataclass(frozen=True)
class PhaseEvidence:
    """The distributions of one phase of one slice, to be added up over slices."""

    response: Latencies
    health: Latencies
    loop_lags: Histogram
    pool_waits: Histogram


@dataclass(frozen=True)
class JudgedSlice:
    """A slice's figures and, by phase, the distributions behind them."""

    figures: SliceFigures
    evidence: Mapping[str, PhaseEvidence]


def cells(run: RunRecord, slices: Sequence[JudgedSlice]) -> tuple[Cell, ...]:
    """Every selected variant on every selected workload, measured or not."""
    preflight = {(check.variant, check.workload): check for check in run.preflight}
    by_cell: dict[tuple[str, str], list[JudgedSlice]] = {}
    for slice in slices:
        spec = slice.figures.record.spec
        if not spec.is_pilot:
            by_cell.setdefault((spec.variant, spec.workload), []).append(slice)
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
    run: RunRecord, variant: Variant, workload: Workload, check: Preflight | None, slices: Sequence[JudgedSlice]
) -> Cell:
    ceiling = waiting_ceiling(
        workload,
        variant,
        users=run.profile.users_by_workload.get(workload.name, run.profile.users),
    )
    if not slices:
        status = check.status if check is not None and check.status != "ok" else "missing"
        error = check.error if check is not None else ""
        return Cell(variant=variant.name, workload=workload.name, status=status, error=error, ceiling=ceiling)
    counted = {figures.key for figures in counting(slice.figures for slice in slices)}
    chosen = [slice for slice in slices if slice.figures.key in counted]
    valid = [slice for slice in chosen if slice.figures.valid]
    silent = sum(had_no_answer(slice.figures) for slice in slices)
    all_failed = all(slice.figures.record.status == "failed" for slice in slices)
    capacities = [phase for slice in valid if (phase := capacity_phase(slice.figures)) is not None]
    return Cell(
        variant=variant.name,
        workload=workload.name,
        status="failed" if all_failed else "measured",
        error=slices[-1].figures.record.error,
        slices=len(slices),
        valid_slices=len(valid),
        without_answer=silent,
        capacity=None if silent else _mean_goodput(capacities),
        ceiling=ceiling,
        idle_cores=next((phase.target_idle_cores for slice in valid for phase in slice.figures.phases.values()), None),
        phases={} if silent else _phases(valid, [slice for slice in slices if slice.figures.valid]),
    )


def _phases(valid: Sequence[JudgedSlice], with_repeated: Sequence[JudgedSlice]) -> dict[str, CellPhase]:
    """Those about the load: without the warm-ups, which are not measurements. `with_repeated`: also the slices that do
    not count, since their round was cut off and measured again."""
    figures = [phase for slice in valid for phase in slice.figures.phases.values()]
    names = dict.fromkeys(phase.name for phase in figures if phase.kind.is_load)
    return {
        name: _phase(name, [slice for slice in valid if name in slice.figures.phases], with_repeated) for name in names
    }


def _phase(name: str, slices: Sequence[JudgedSlice], all_slices: Sequence[JudgedSlice]) -> CellPhase:
    phases = [slice.figures.phases[name] for slice in slices]
    # The slices that got an answer here are the better ones: their mean would not be the cell's.
    ran = phases if all(has_run(phase) for phase in phases) else []
    is_bound = any(phase.status is PhaseStatus.SKIPPED for phase in phases)
    known = [_known_of(name, slice, all_slices) for slice in slices]
    response = _Pooled.of([part.response for part in known], is_bound=is_bound)
    health = _Pooled.of([part.health for part in known], is_bound=is_bound)
    lags = merge(part.loop_lags for part in known) if ran else merge(())
    pool_waits = merge(part.pool_waits for part in known) if ran else merge(())
    outcomes: Counter[Outcome] = Counter()
    for phase in phases:
        outcomes.update(phase.outcomes)
    return CellPhase(
        name=name,
        kind=phases[0].kind,
        offered_rps=phases[0].offered_rps,
        statuses=dict(Counter(phase.status for phase in phases)),
        overloaded=sum(_is_overloaded(phase) for phase in phases),
        goodput_rps=_mean_goodput(ran),
        response_p50=response.percentile(500),
        response_p90=response.percentile(900),
        response_p99=response.percentile(990),
        health_p50=health.percentile(500),
        health_p99=health.percentile(990),
        outcomes=dict(outcomes),
        loop_lag_p99_ms=value_ms(lags, 990),
        loop_blocked_share=lags.share_above(BLOCKED_MS * 1e3) if lags.total else None,
        target_cpu_s_per_1000=stats.mean(_present(phase.target_cpu_s_per_1000 for phase in ran)),
        target_cores=stats.mean(_present(phase.target_cores for phase in ran)),
        target_pss_max_bytes=_largest(phase.target_pss_max_bytes for phase in phases),
        target_rss_max_bytes=_largest(phase.target_rss_max_bytes for phase in phases),
        target_threads_max=_largest(phase.target_threads_max for phase in phases),
        limiter_waiting_max=_largest(phase.limiter_waiting_max for phase in phases),
        pool_wait_p50_ms=value_ms(pool_waits, 500),
        pool_wait_p99_ms=value_ms(pool_waits, 990),
        pool_waiting_max=_largest(phase.pool_waiting_max for phase in phases),
        in_time_rps=_in_time(ran),
        in_time_share=_in_time_share(ran),
    )


@dataclass(frozen=True)
class _Pooled:
    """A distribution over slices. `is_bound`: of some slices only that they were slower is known, and not how many
    requests there would have been, so every percentile is a lower bound."""

    parts: Sequence[Latencies]
    whole: Latencies
    is_bound: bool

    @classmethod
    def of(cls, parts: Sequence[Latencies], *, is_bound: bool) -> _Pooled:
        return cls(parts, pool(parts), is_bound)

    def percentile(self, permille: int) -> Percentile | None:
        found = with_slice_range(self.whole.percentile(permille), (part.percentile(permille) for part in self.parts))
        return msgspec.structs.replace(found, at_least=True) if found is not None and self.is_bound else found


def _known_of(name: str, slice: JudgedSlice, all_slices: Sequence[JudgedSlice]) -> PhaseEvidence:
    """What is known of a phase: its own distributions or, where it was skipped, those of the last slice until then in
    which the strategy choked, as lower bounds: more arrivals only make a choked server slower. That may be a slice of
    the same round, where the round was cut off and measured again."""
    phase = slice.figures.phases[name]
    if phase.status is not PhaseStatus.SKIPPED:
        return slice.evidence[name]
    choked = [
        one.evidence[other.name]
        for one in all_slices
        if one.figures.record.spec.round <= slice.figures.record.spec.round
        for other in one.figures.phases.values()
        if (other.kind, other.status) == (PhaseKind.RATE, PhaseStatus.CHOKED)
    ]
    if not choked:
        return slice.evidence[name]
    there = choked[-1]
    return PhaseEvidence(at_least(there.response), at_least(there.health), there.loop_lags, there.pool_waits)


def _is_overloaded(phase: PhaseFigures) -> bool:
    return is_overloaded(phase.kind, phase.status, phase.goodput_rps * phase.duration_s, phase.scheduled)


def _mean_goodput(phases: Sequence[PhaseFigures]) -> Estimate | None:
    return stats.mean(
        [phase.goodput_rps for phase in phases], step=max((1 / phase.duration_s for phase in phases), default=0.0)
    )


def _in_time(phases: Sequence[PhaseFigures]) -> Estimate | None:
    known = [phase for phase in phases if phase.in_time_rps is not None]
    return stats.mean(
        _present(phase.in_time_rps for phase in known), step=max((1 / phase.duration_s for phase in known), default=0.0)
    )


def _in_time_share(phases: Sequence[PhaseFigures]) -> float | None:
    known = [(rps * phase.duration_s, phase.scheduled) for phase in phases if (rps := phase.in_time_rps) is not None]
    scheduled = sum(many for _, many in known)
    return sum(right for right, _ in known) / scheduled if scheduled else None


def _present(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _largest(values: Iterable[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)
