"""Which slices count, and what they say. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from harness.judging.context import was_silent
from harness.judging.figures import PhaseFigures, SliceFigures
from harness.judging.validity import DISTURBANCES, ROUND_DISTURBANCES
from harness.results.records.phase_record import PhaseKind, PhaseStatus


def counting(slices: Iterable[SliceFigures]) -> tuple[SliceFigures, ...]:
    """Of each variant in each round the last slice; the pilot, which only sets the rates, left out.

    There are several where a round was cut off and measured again: those of the first time are minutes away from the
    rest of their round. `slices` of a variant are oldest first.
    """
    return tuple({slice.record.spec.id: slice for slice in slices if not slice.record.spec.is_pilot}.values())


def valid_by_round(slices: Iterable[SliceFigures], variant: str, workload: str) -> dict[int, SliceFigures]:
    """A cell's valid slices by their round; none where any slice of the cell had no right answer. A round in which the
    machine was disturbed is left out for all its variants, whatever they made of it."""
    of_workload = [
        slice for slice in slices if slice.record.spec.workload == workload and not slice.record.spec.is_pilot
    ]
    own = [slice for slice in of_workload if slice.record.spec.variant == variant]
    if any(had_no_answer(slice) for slice in own):
        return {}
    disturbed = disturbed_rounds(of_workload)
    return {
        slice.record.spec.round: slice
        for slice in counting(own)
        if slice.valid and (workload, slice.record.spec.round) not in disturbed
    }


def disturbed_rounds(slices: Iterable[SliceFigures]) -> set[tuple[str, int]]:
    """By workload and number: those that are left out for all their variants. `slices`: of all variants."""
    found: dict[str, list[SliceFigures]] = {}
    for slice in slices:
        found.setdefault(slice.record.spec.workload, []).append(slice)
    return {
        (workload, slice.record.spec.round)
        for workload, own in found.items()
        for slice in counting(own)
        if invalid_codes(slice) & ROUND_DISTURBANCES
    }


def had_no_answer(slice: SliceFigures) -> bool:
    """Whether the closed loop ran and not one right answer came, though others left the machine alone.

    To be asked of every slice: one that was answered later does not undo it.
    """
    if invalid_codes(slice) & DISTURBANCES:
        return False
    return any(phase.kind is PhaseKind.CAPACITY and was_silent(phase) for phase in slice.phases.values())


def invalid_codes(slice: SliceFigures) -> set[str]:
    """What keeps it out of the comparisons."""
    return {finding.code for finding in slice.findings if finding.level == "invalid"}


def has_run(phase: PhaseFigures) -> bool:
    """Whether the phase's goodput is a measurement; a choked phase's is, only its latencies are lower bounds. Nothing
    follows from a phase without a right answer: it may only have been too short."""
    return phase.status in (PhaseStatus.COMPLETE, PhaseStatus.CHOKED) and phase.duration_s > 0 and not was_silent(phase)


def capacity_phase(slice: SliceFigures) -> PhaseFigures | None:
    """The closed loop of a slice, when it ran."""
    return next((phase for phase in slice.phases.values() if phase.kind is PhaseKind.CAPACITY and has_run(phase)), None)
