"""CPU time per request is compared without the idle cost, or with it, but never one with the other. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from harness.analysis.cells import JudgedSlice
from harness.judging.context import info
from harness.judging.figures import SliceFigures
from harness.results.records.finding import Finding

IDLE_UNKNOWN = "idle_unknown"


def net_costs(slices: Sequence[JudgedSlice]) -> list[JudgedSlice]:
    """Where the idle cost of some variants is known on a workload, the others have no CPU time per request there: with
    the idle cost in it, it would look up to twice as large. Where none is known, all keep theirs."""
    net = {slice.figures.record.spec.workload for slice in slices if _is_net(slice.figures)}
    return [
        replace(slice, figures=_without_cost(slice.figures))
        if slice.figures.record.spec.workload in net and _is_gross(slice.figures)
        else slice
        for slice in slices
    ]


def _is_net(slice: SliceFigures) -> bool:
    return any(phase.target_idle_cores is not None for phase in slice.phases.values())


def _is_gross(slice: SliceFigures) -> bool:
    return not _is_net(slice) and any(phase.target_cpu_s_per_1000 is not None for phase in slice.phases.values())


def _without_cost(slice: SliceFigures) -> SliceFigures:
    phases = {name: msgspec.structs.replace(phase, target_cpu_s_per_1000=None) for name, phase in slice.phases.items()}
    return msgspec.structs.replace(slice, phases=phases, findings=(*slice.findings, _unknown(slice)))


def _unknown(slice: SliceFigures) -> Finding:
    return info(
        IDLE_UNKNOWN,
        f"the pilot did not measure what {slice.record.spec.variant} uses while idle, so there are no CPU-seconds per "
        f"request: those of the other variants on {slice.record.spec.workload} are without their idle use",
        "look at the pilot's slice for the reason, and measure again; all other figures are complete",
    )
