"""Latencies of strategies against each other, at the arrival rates that all of them got. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.analysis.cells import JudgedSlice, PhaseEvidence
from harness.analysis.evidence import Comparison
from harness.analysis.quantile_ratios import SliceLatencies, quantile_ratios
from harness.analysis.slices import counting, disturbed_rounds
from harness.judging import stats
from harness.judging.percentiles import Latencies
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.records.run_record import RunRecord

LatencyOf = Callable[[PhaseEvidence], Latencies]
# The name of a metric, its per mille, and the distribution it is of.
_METRICS: tuple[tuple[str, int, LatencyOf], ...] = (
    ("p50_ms", 500, lambda evidence: evidence.response),
    ("p99_ms", 990, lambda evidence: evidence.response),
    ("health_p99_ms", 990, lambda evidence: evidence.health),
)


def quantile_comparisons(run: RunRecord, slices: Sequence[JudgedSlice]) -> tuple[Comparison, ...]:
    """Every variant that kept up with the run's baseline, by workload, rate and metric, e.g. `p99_ms@rate-30`. Where
    one of the two choked at a rate, or was not asked since it had choked before, there is no ratio: its times are only
    lower bounds."""
    if run.baseline is None:
        return ()
    counted = undisturbed(slices)
    return tuple(
        Comparison(
            workload=workload.name,
            variant=variant,
            baseline=run.baseline,
            metric=f"{name}@{phase}",
            ratio=ratio.estimate,
            verdict=stats.verdict(ratio, more_is_better=False),
        )
        for workload in run.workloads
        for own in [[slice for slice in counted if slice.figures.record.spec.workload == workload.name]]
        for phase in rates_of(own)
        for name, permille, which in _METRICS
        for variant, ratio in quantile_ratios(of_those_that_kept_up(own, phase, which), run.baseline, permille).items()
    )


def undisturbed(slices: Sequence[JudgedSlice]) -> list[JudgedSlice]:
    """Those that count, of rounds that nobody disturbed."""
    keys = {figures.key for figures in counting(slice.figures for slice in slices)}
    disturbed = disturbed_rounds(slice.figures for slice in slices)
    return [slice for slice in slices if slice.figures.key in keys and _round(slice) not in disturbed]


def _round(slice: JudgedSlice) -> tuple[str, int]:
    return slice.figures.record.spec.workload, slice.figures.record.spec.round


def rates_of(slices: Sequence[JudgedSlice]) -> list[str]:
    """The slowest first."""
    found = {
        phase.name: phase.offered_rps or 0.0
        for slice in slices
        for phase in slice.figures.phases.values()
        if phase.kind is PhaseKind.RATE
    }
    return sorted(found, key=found.__getitem__)


def of_those_that_kept_up(
    slices: Sequence[JudgedSlice], phase: str, which: LatencyOf
) -> dict[str, list[SliceLatencies]]:
    """By variant, of a workload's slices."""
    found: dict[str, list[SliceLatencies]] = {}
    bounded = set()
    for slice in slices:
        spec, figures = slice.figures.record.spec, slice.figures.phases.get(phase)
        if figures is None or not slice.figures.valid:
            continue
        if figures.status is not PhaseStatus.COMPLETE:
            bounded.add(spec.variant)
        one = SliceLatencies(spec.round, slice.figures.record.boot, which(slice.evidence[phase]))
        found.setdefault(spec.variant, []).append(one)
    return {variant: own for variant, own in found.items() if variant not in bounded}
