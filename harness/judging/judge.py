"""Whether a slice may be believed, from what it left on disk. Pure: measuring asks it which pilots may set the rates,
analysis asks it what counts, and both get the same answer."""

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
from harness.results.raw_slice import RawSlice
from harness.results.records.finding import Finding
from harness.results.records.probe_line import ProbeLine
from harness.results.records.run_record import RunRecord
from harness.results.records.slice_record import SliceRecord


@dataclass(frozen=True)
class Judgement:
    """`findings`: what the harness saw happen, then what the rules of `validity` say."""

    context: Context
    findings: tuple[Finding, ...]
    valid: bool


def judge(
    run: RunRecord, raw: RawSlice, median_canary_ms: float | None, idle_cost: IdleCost | None = None
) -> Judgement:
    """`median_canary_ms` is what the machine's speed is compared with, see `median_canary_of`. `idle_cost` is what the
    pilot found for this variant on this workload; a slice with an idle phase of its own takes that one's."""
    slice = raw.record
    partition = run.environment.partition
    variant = next(variant for variant in run.variants if variant.name == slice.spec.variant)
    idle_cost = idle_cost_in(slice, raw.samples, variant.workers) or idle_cost
    so_far = _probe_lines(raw)
    context = Context(
        record=slice,
        boot=raw.boot,
        phases=phase_figures(
            slice,
            raw.boot.origin_monotonic_s,
            raw.histograms,
            raw.samples,
            raw.probes,
            idle_cost,
            run.profile.deadline_ms,
        ),
        variant=variant,
        workload=next(workload for workload in run.workloads if workload.name == slice.spec.workload),
        profile=run.profile,
        target_cores=partition.target_cores,
        median_canary_ms=median_canary_ms,
        arrivals=by_phase(raw.arrivals),
        reserved_cpus=len(partition.generator) if partition.pinned else 0,
        idle_cost=idle_cost,
        memory=memory_growth(raw.boot, raw.boot_samples),
        workers_seen=sum(any(line.requests for line in lines) for lines in so_far),
        gil_came_back=any(line.gil_came_back for lines in so_far for line in lines),
        memory_bytes=run.environment.memory_bytes,
        service_cores=run.service_cores,
        own_services=run.own_services,
    )
    found = findings(context)
    return Judgement(context, found, is_valid(slice, found))


def _probe_lines(raw: RawSlice) -> list[list[ProbeLine]]:
    """What each process of the boot had said by the end of this slice."""
    end_s = raw.boot.origin_monotonic_s + max((phase.drained_s for phase in raw.record.phases), default=0.0)
    return [[line for line in lines if line.t_s <= end_s] for lines in raw.probes.values()]


def median_canary_of(slices: Iterable[SliceRecord]) -> float | None:
    """The middle of the machine's speed at the rounds of these slices; None when nothing was measured."""
    canaries_ms = [slice.noise.canary_ms for slice in slices if slice.noise is not None]
    return median(canaries_ms) if canaries_ms else None
