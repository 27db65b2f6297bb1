"""How trials and phases stand, in a word: what counts, what does not, and what a missing figure is called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from harness.analysis.evidence import Analysis, Cell, CellPhase
from harness.judging.figures import Percentile, PhaseFigures, TrialFigures
from harness.report import wording
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseStatus

ERRORS_ABOVE = 0.01
KEEPING_UP = 0.9  # right answers a second over arrivals a second; below it a strategy is called overloaded

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
    """The goodput of a trial's closed loop, when that phase ran."""
    for phase in trial.phases.values():
        if phase.kind is PhaseKind.CAPACITY and phase.status in (PhaseStatus.COMPLETE, PhaseStatus.CHOKED):
            return phase.goodput_rps
    return None


def cell_note(cell: Cell) -> str:
    """Why a cell has no figures; empty when it has."""
    if cell.status == "not_applicable":
        return "not applicable"
    if cell.status == "failed":
        return "failed"
    if cell.status == "missing":
        return "not measured"
    return "" if cell.valid_trials else "no valid trial"


def phase_notes(cell: Cell, phase: CellPhase | None, valid: Sequence[TrialFigures]) -> tuple[str, ...]:
    """What happened in a phase instead of, or beside, its figures, the gravest first; empty when all went well."""
    if phase is None:
        return (cell_note(cell) or "not run",)
    ran = sum(phase.statuses.values())
    said = [] if ran else [cell_note(cell) or "no valid trial"]
    for status in (PhaseStatus.CHOKED, PhaseStatus.SKIPPED, PhaseStatus.FAILED):
        many = phase.statuses.get(status, 0)
        if many:
            said.append(status.value if many == ran else f"{status.value} in {many} of {ran}")
    if is_overloaded(phase, valid):
        goodput, arrived = phase.goodput_rps, _arrived_rps(phase.name, valid)
        said.append(f"overloaded: {wording.number(goodput.value if goodput else None)} of {wording.number(arrived)}/s")
    wrong = error_share(phase, valid)
    if wrong is not None and wrong > ERRORS_ABOVE:
        said.append(f"{wording.percent(wrong)} errors")
    return tuple(said)


def is_overloaded(phase: CellPhase, valid: Sequence[TrialFigures]) -> bool:
    """Whether an open loop got clearly fewer right answers than requests arrived."""
    if phase.kind is not PhaseKind.RATE or phase.goodput_rps is None:
        return False
    arrived_rps = _arrived_rps(phase.name, valid)
    return arrived_rps is not None and phase.goodput_rps.value < KEEPING_UP * arrived_rps


def unanswered_share(phase: CellPhase) -> float | None:
    """The share of scheduled requests that did not end in a right answer, those given up among them."""
    scheduled = sum(phase.outcomes.values())
    return 1 - phase.outcomes.get(Outcome.OK, 0) / scheduled if scheduled else None


def given_up(phase: CellPhase, valid: Iterable[TrialFigures]) -> int:
    """How many requests were still open when the phase's time to drain was over (timeouts, in the outcomes)."""
    return sum(trial.phases[phase.name].censored for trial in valid if phase.name in trial.phases)


def error_share(phase: CellPhase, valid: Iterable[TrialFigures]) -> float | None:
    """The share of scheduled requests that went wrong, those given up left out."""
    share = unanswered_share(phase)
    return share and max(0.0, share - given_up(phase, valid) / sum(phase.outcomes.values()))


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
