"""What slices and phases are called: what counts, what does not, and why a figure is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from harness.analysis.evidence import Analysis, Cell, CellPhase
from harness.analysis.slices import capacity_phase
from harness.judging.figures import Percentile, PhaseFigures, SliceFigures
from harness.report import wording
from harness.results.records.outcome import Outcome, error_count, refused_count, too_late_count
from harness.results.records.phase_record import PhaseKind, PhaseStatus

ERRORS_ABOVE = 0.01
REFUSED_ABOVE = 0.01
TOO_LATE_ABOVE = 0.01

SliceStanding = Literal["valid", "invalid", "failed"]


def standing(slice: SliceFigures) -> SliceStanding:
    if slice.record.status == "failed":
        return "failed"
    return "valid" if slice.valid else "invalid"


def measured_slices(analysis: Analysis) -> tuple[SliceFigures, ...]:
    """All slices but the pilot's."""
    return tuple(slice for slice in analysis.slices if not slice.record.spec.is_pilot)


def valid_of(analysis: Analysis, cell: Cell) -> tuple[SliceFigures, ...]:
    """A cell's valid slices, the pilot's left out."""
    return tuple(
        slice
        for slice in measured_slices(analysis)
        if slice.valid and (slice.record.spec.variant, slice.record.spec.workload) == (cell.variant, cell.workload)
    )


def capacity_of_cell(cell: Cell) -> CellPhase | None:
    return next((phase for phase in cell.phases.values() if phase.kind is PhaseKind.CAPACITY), None)


def rate_phases(cells: Iterable[Cell]) -> list[tuple[str, float]]:
    """The open-loop phases of a workload with their arrivals per second, the slowest first."""
    rates = {
        phase.name: phase.offered_rps
        for cell in cells
        for phase in cell.phases.values()
        if phase.kind is PhaseKind.RATE and phase.offered_rps is not None
    }
    return sorted(rates.items(), key=lambda item: item[1])


def capacity_of(slice: SliceFigures) -> float | None:
    """The goodput of a slice's closed loop, when that phase ran and was answered."""
    phase = capacity_phase(slice)
    return phase.goodput_rps if phase is not None else None


def cell_note(cell: Cell) -> str:
    """Why a cell has no figures; empty when it has."""
    if cell.status == "not_applicable":
        return "not applicable"
    if cell.status == "failed":
        return "failed"
    if cell.status == "missing":
        return "not measured"
    if cell.without_answer:
        return no_answer_in(cell)
    return "" if cell.valid_slices else "no valid slice"


def no_answer_in(cell: Cell) -> str:
    """no right answer, or: no right answer in 1 of 3 slices"""
    slices = cell.valid_slices + cell.without_answer
    return "no right answer" + ("" if cell.without_answer == slices else f" in {cell.without_answer} of {slices}")


def phase_notes(cell: Cell, phase: CellPhase | None, valid: Sequence[SliceFigures]) -> tuple[str, ...]:
    """What happened in a phase instead of, or beside, its figures, the most important first; empty when all went
    well."""
    if phase is None:
        return (cell_note(cell) or "not run",)
    slices = sum(phase.statuses.values())
    if not slices:
        return (cell_note(cell) or "no valid slice",)
    said = [*_how_it_ended(phase, slices)]
    refused = refused_share(phase)
    if refused is not None and refused > REFUSED_ABOVE:  # before what was answered, since that explains it
        said.append(f"{wording.percent(refused)} refused")
    arrived_rps = _arrived_rps(phase.name, valid)
    if phase.overloaded and phase.goodput_rps is not None and arrived_rps is not None:
        said.append(f"{wording.number(phase.goodput_rps.value)} of {wording.number(arrived_rps)}/s answered")
    # In a closed loop that choked it is a share of the few that were still asked: that it choked says more.
    late = too_late_share(phase) if phase.kind is PhaseKind.RATE else None
    for share, limit, what in (
        (error_share(phase), ERRORS_ABOVE, "errors"),
        (late, TOO_LATE_ABOVE, "too late"),
    ):
        if share is not None and share > limit:
            said.append(f"{wording.percent(share)} {what}")
    return tuple(said)


def _how_it_ended(phase: CellPhase, slices: int) -> Iterator[str]:
    skipped, choked, failed = (
        phase.statuses.get(status, 0) for status in (PhaseStatus.SKIPPED, PhaseStatus.CHOKED, PhaseStatus.FAILED)
    )
    if skipped == slices:
        yield "skipped"
    elif choked == slices:
        yield "choked"
    elif phase.overloaded:
        yield "overloaded" if phase.overloaded == slices else f"overloaded in {phase.overloaded} of {slices}"
    elif choked:  # a closed loop is not called overloaded
        yield f"choked in {choked} of {slices}"
    if failed:
        yield "failed" if failed == slices else f"failed in {failed} of {slices}"


def unanswered_share(phase: CellPhase) -> float | None:
    """The share of scheduled requests that did not end in a right answer: errors, those refused, those too late. None
    where a slice skipped the phase: those that ran it do not speak for it."""
    if phase.statuses.get(PhaseStatus.SKIPPED):
        return None
    return _share(phase, sum(phase.outcomes.values()) - phase.outcomes.get(Outcome.OK, 0))


def error_share(phase: CellPhase) -> float | None:
    """The share of scheduled requests that ended in an error; those that were too late are none."""
    return _share(phase, error_count(phase.outcomes))


def refused_share(phase: CellPhase) -> float | None:
    """The share of scheduled requests that the server refused by itself (503, 504)."""
    return _share(phase, refused_count(phase.outcomes))


def too_late_share(phase: CellPhase) -> float | None:
    """The share of scheduled requests without an answer in time, not sent ones among them."""
    return _share(phase, too_late_count(phase.outcomes))


def _share(phase: CellPhase, many: int) -> float | None:
    scheduled = sum(phase.outcomes.values())
    return many / scheduled if scheduled else None


def given_up(phase: CellPhase, valid: Iterable[SliceFigures]) -> int:
    """How many requests were still open when the phase's time to drain was over (timeouts, in the outcomes)."""
    return sum(slice.phases[phase.name].censored for slice in valid if phase.name in slice.phases)


def failed_health_share(phase: CellPhase, valid: Iterable[SliceFigures]) -> float | None:
    """The share of a phase's `/health` checks that got no right answer."""
    records = [record for slice in valid for record in slice.record.phases if record.spec.name == phase.name]
    scheduled = sum(record.health_scheduled for record in records)
    good = sum(record.health_outcomes.get(Outcome.OK, 0) for record in records)
    return 1 - good / scheduled if scheduled else None


def loop_lag(phase: CellPhase, valid: Iterable[SliceFigures]) -> Percentile | None:
    """The p99 of a phase's event-loop lag over all ticks, with the least and the largest slice."""
    if phase.loop_lag_p99_ms is None:
        return None
    figures = [slice.phases[phase.name] for slice in valid if phase.name in slice.phases]
    lags = [one.loop_lag_p99_ms for one in figures if one.loop_lag_p99_ms is not None]
    return Percentile(phase.loop_lag_p99_ms, False, len(lags), min(lags, default=None), max(lags, default=None))


def has_pools(cells: Iterable[Cell]) -> bool:
    """Whether any of them took database connections from a pool that the probe knows."""
    return any(
        phase.pool_waiting_max or phase.pool_wait_p99_ms is not None for cell in cells for phase in cell.phases.values()
    )


def pool_wait(phase: CellPhase, valid: Iterable[SliceFigures]) -> Percentile | None:
    """The p99 of a phase's waits for a connection, with the least and the largest slice."""
    if phase.pool_wait_p99_ms is None:
        return None
    figures = [slice.phases[phase.name] for slice in valid if phase.name in slice.phases]
    waits = [one.pool_wait_p99_ms for one in figures if one.pool_wait_p99_ms is not None]
    return Percentile(phase.pool_wait_p99_ms, False, len(waits), min(waits, default=None), max(waits, default=None))


def _arrived_rps(phase: str, valid: Sequence[SliceFigures]) -> float | None:
    ran = _ran(phase, valid)
    duration_s = sum(figures.duration_s for figures in ran)
    return sum(figures.scheduled for figures in ran) / duration_s if duration_s else None


def _ran(phase: str, valid: Iterable[SliceFigures]) -> list[PhaseFigures]:
    found = (slice.phases[phase] for slice in valid if phase in slice.phases)
    return [figures for figures in found if figures.status is not PhaseStatus.SKIPPED]
