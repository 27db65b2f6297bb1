"""Reads a run and judges it: the shell around the pure parts of this package."""

from __future__ import annotations

from harness.analysis.causes import cause
from harness.analysis.cells import JudgedSlice, PhaseEvidence, cells
from harness.analysis.claims import judged_claims
from harness.analysis.comparisons import comparisons
from harness.analysis.decisions import decisions, undecided
from harness.analysis.evidence import Analysis
from harness.analysis.in_time_comparisons import in_time_comparisons
from harness.analysis.net_costs import net_costs
from harness.analysis.overload_effects import overload_effects
from harness.analysis.quantile_comparisons import quantile_comparisons
from harness.analysis.remarks import remarks
from harness.analysis.sweeps import sweeps
from harness.analysis.wrong_cells import without_wrong_cells
from harness.judging.figures import SliceFigures
from harness.judging.idle_cost import IdleCost
from harness.judging.judge import Judgement, judge, median_canary_of
from harness.judging.percentiles import latencies
from harness.judging.probing import probe_figures
from harness.results.raw_slice import RawSlice, read_raw_slices, recorded_boots
from harness.results.records.metric import Metric
from harness.results.store import Run


def analyse(run: Run) -> Analysis:
    """The whole analysis, from the raw data alone. What cannot be read is a line of `broken`; the rest is judged.

    StoreError only for a `run.json` that cannot be read.
    """
    record = run.read()
    broken: list[str] = []
    boots = recorded_boots(run, record, broken)
    median_canary_ms = median_canary_of(slice for _, boot in boots for slice in boot.slices)
    idle_costs: dict[tuple[str, str], IdleCost] = {}
    judged = []
    for folder, boot in boots:  # oldest first: a cell's pilot, which knows its idle cost, comes first
        cell = boot.workload, boot.variant
        for raw in read_raw_slices(run, folder, boot, broken):
            judgement = judge(record, raw, median_canary_ms, idle_costs.get(cell))
            if judgement.context.idle_cost is not None:
                idle_costs[cell] = judgement.context.idle_cost
            judged.append(_judged(raw, judgement))
    judged = without_wrong_cells(judged)
    judged = net_costs(judged)
    slices = tuple(slice.figures for slice in judged)
    measured = cells(record, judged)
    causes = {
        (cell.workload, cell.variant): cause(
            cell,
            slices,
            target_cores=record.environment.partition.target_cores,
            users=record.profile.users_by_workload.get(cell.workload, record.profile.users),
        )
        for cell in measured
    }
    compared = (
        *comparisons(record, slices, causes),
        *in_time_comparisons(record, slices),
        *quantile_comparisons(record, judged),
    )
    decided = decisions(record, slices, measured, compared, causes)
    return Analysis(
        run=record,
        boots=tuple(boot for _, boot in boots),
        slices=slices,
        cells=measured,
        comparisons=compared,
        decisions=decided,
        undecided=undecided(record, measured, decided),
        claims=judged_claims(record, judged, measured),
        sweeps=sweeps(record, slices, measured),
        overload_effects=overload_effects(record, judged),
        broken=tuple(broken),
    )


def _judged(raw: RawSlice, judgement: Judgement) -> JudgedSlice:
    seen = {
        phase.spec.name: probe_figures(raw.probes, phase, raw.boot.origin_monotonic_s) for phase in raw.record.phases
    }
    return JudgedSlice(
        SliceFigures(
            record=raw.record,
            folder=raw.folder,
            phases=dict(judgement.context.phases),
            findings=(*judgement.findings, *remarks(judgement.context)),
            valid=judgement.valid,
        ),
        {
            phase.spec.name: PhaseEvidence(
                response=latencies(raw.histograms, phase.spec.name, Metric.RESPONSE),
                health=latencies(raw.histograms, phase.spec.name, Metric.HEALTH),
                loop_lags=seen[phase.spec.name].lags,
                pool_waits=seen[phase.spec.name].pool_waits,
            )
            for phase in raw.record.phases
        },
    )
