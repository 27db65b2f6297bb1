"""What trials and phases are called: what counts, what does not, and why a figure is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from harness.analysis.evidence import Analysis, Cell, CellPhase
from harness.analysis.trials import capacity_phase
from harness.judging.figures import Percentile, PhaseFigures, TrialFigures
from harness.report import wording
from harness.results.records.outcome import Outcome, error_count, too_late_count
from harness.results.records.phase_record import PhaseKind, PhaseStatus

ERRORS_ABOVE = 0.01
TOO_LATE_ABOVE = 0.01

TrialStanding = Literal["valid", "invalid", "failed"]


def standing(trial: TrialFigures) -> TrialStanding:
    if trial.record.status == "failed":
        return "failed"
    return "valid" if trial.valid else "invalid"


def measured_trials(analysis: Analysis) -> tuple[TrialFigures, ...]:
    """All attempts but the pilot's."""
    return tuple(trial for trial in analysis.trials if not trial.record.spec.is_pilot)


def valid_of(analysis: Analysis, cell: Cell) -> tuple[TrialFigures, ...]:
    """A cell's valid trials, the pilot's left out."""
    return tuple(
        trial
        for trial in measured_trials(analysis)
        if trial.valid and (trial.record.spec.variant, trial.record.spec.workload) == (cell.variant, cell.workload)
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


def capacity_of(trial: TrialFigures) -> float | None:
    """The goodput of a trial's closed loop, when that phase ran and was answered."""
    phase = capacity_phase(trial)
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
    return "" if cell.valid_trials else "no valid trial"


def no_answer_in(cell: Cell) -> str:
    """no right answer, or: no right answer in 1 of 3 trials"""
    trials = cell.valid_trials + cell.without_answer
    return "no right answer" + ("" if cell.without_answer == trials else f" in {cell.without_answer} of {trials}")


def phase_notes(cell: Cell, phase: CellPhase | None, valid: Sequence[TrialFigures]) -> tuple[str, ...]:
    """What happened in a phase instead of, or beside, its figures, the most important first; empty when all went
    well."""
    if phase is None:
        return (cell_note(cell) or "not run",)
    trials = sum(phase.statuses.values())
    if not trials:
        return (cell_note(cell) or "no valid trial",)
    said = [*_how_it_ended(phase, trials)]
    arrived_rps = _arrived_rps(phase.name, valid)
    if phase.overloaded and phase.goodput_rps is not None and arrived_rps is not None:
        said.append(f"{wording.number(phase.goodput_rps.value)} of {wording.number(arrived_rps)}/s answered")
    # In a closed loop that choked it is a share of the few that were still asked: that it choked says more.
    late = too_late_share(phase) if phase.kind is PhaseKind.RATE else None
    for share, limit, what in ((error_share(phase), ERRORS_ABOVE, "errors"), (late, TOO_LATE_ABOVE, "too late")):
        if share is not None and share > limit:
            said.append(f"{wording.percent(share)} {what}")
    return tuple(said)


def _how_it_ended(phase: CellPhase, trials: int) -> Iterator[str]:
    skipped, choked, failed = (
        phase.statuses.get(status, 0) for status in (PhaseStatus.SKIPPED, PhaseStatus.CHOKED, PhaseStatus.FAILED)
    )
    if skipped == trials:
        yield "skipped"
    elif choked == trials:
        yield "choked"
    elif phase.overloaded:
        yield "overloaded" if phase.overloaded == trials else f"overloaded in {phase.overloaded} of {trials}"
    elif choked:  # a closed loop is not called overloaded
        yield f"choked in {choked} of {trials}"
    if failed:
        yield "failed" if failed == trials else f"failed in {failed} of {trials}"


def unanswered_share(phase: CellPhase) -> float | None:
    """The share of scheduled requests that did not end in a right answer: errors and those that were too late. None
    where a trial skipped the phase: those that ran it do not speak for it."""
    if phase.statuses.get(PhaseStatus.SKIPPED):
        return None
    return _share(phase, sum(phase.outcomes.values()) - phase.outcomes.get(Outcome.OK, 0))


def error_share(phase: CellPhase) -> float | None:
    """The share of scheduled requests that ended in an error; those that were too late are none."""
    return _share(phase, error_count(phase.outcomes))


def too_late_share(phase: CellPhase) -> float | None:
    """The share of scheduled requests without an answer in time, not sent ones among them."""
    return _share(phase, too_late_count(phase.outcomes))


def _share(phase: CellPhase, many: int) -> float | None:
    scheduled = sum(phase.outcomes.values())
    return many / scheduled if scheduled else None


def given_up(phase: CellPhase, valid: Iterable[TrialFigures]) -> int:
    """How many requests were still open when the phase's time to drain was over (timeouts, in the outcomes)."""
    return sum(trial.phases[phase.name].censored for trial in valid if phase.name in trial.phases)


def failed_health_share(phase: CellPhase, valid: Iterable[TrialFigures]) -> float | None:
    """The share of a phase's `/health` checks that got no right answer."""
    records = [record for trial in valid for record in trial.record.phases if record.spec.name == phase.name]
    scheduled = sum(record.health_scheduled for record in records)
    good = sum(record.health_outcomes.get(Outcome.OK, 0) for record in records)
    return 1 - good / scheduled if scheduled else None


def loop_lag(phase: CellPhase, valid: Iterable[TrialFigures]) -> Percentile | None:
    """The p99 of a phase's event-loop lag over all ticks, with the least and the largest trial."""
    if phase.loop_lag_p99_ms is None:
        return None
    figures = [trial.phases[phase.name] for trial in valid if phase.name in trial.phases]
    lags = [one.loop_lag_p99_ms for one in figures if one.loop_lag_p99_ms is not None]
    return Percentile(phase.loop_lag_p99_ms, False, len(lags), min(lags, default=None), max(lags, default=None))


def _arrived_rps(phase: str, valid: Sequence[TrialFigures]) -> float | None:
    ran = _ran(phase, valid)
    duration_s = sum(figures.duration_s for figures in ran)
    return sum(figures.scheduled for figures in ran) / duration_s if duration_s else None


def _ran(phase: str, valid: Iterable[TrialFigures]) -> list[PhaseFigures]:
    found = (trial.phases[phase] for trial in valid if phase in trial.phases)
    return [figures for figures in found if figures.status is not PhaseStatus.SKIPPED]
