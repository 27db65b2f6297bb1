"""Which attempts count, and what they say: one attempt for each trial of the plan. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from harness.judging.context import was_silent
from harness.judging.figures import PhaseFigures, TrialFigures
from harness.judging.validity import DISTURBANCES
from harness.results.records.phase_record import PhaseKind, PhaseStatus


def counting(trials: Iterable[TrialFigures]) -> tuple[TrialFigures, ...]:
    """The last valid attempt at each trial, or its last; the pilot's, which only sets the rates, left out.

    `trials` are in the order of the plan, a trial's attempts oldest first.
    """
    chosen: dict[str, TrialFigures] = {}
    for trial in trials:
        spec = trial.record.spec
        if not spec.is_pilot and (trial.valid or not (spec.id in chosen and chosen[spec.id].valid)):
            chosen[spec.id] = trial
    return tuple(chosen.values())


def valid_by_block(trials: Iterable[TrialFigures], variant: str, workload: str) -> dict[int, TrialFigures]:
    """A cell's valid trials by their block; none where any attempt of the cell had no right answer."""
    own = [
        trial
        for trial in trials
        if (trial.record.spec.variant, trial.record.spec.workload) == (variant, workload)
        and not trial.record.spec.is_pilot
    ]
    if any(had_no_answer(trial) for trial in own):
        return {}
    return {trial.record.spec.block: trial for trial in counting(own) if trial.valid}


def had_no_answer(trial: TrialFigures) -> bool:
    """Whether the closed loop ran and not one right answer came, though others left the machine alone.

    To be asked of every attempt: one that answered later does not undo it.
    """
    if invalid_codes(trial) & DISTURBANCES:
        return False
    return any(phase.kind is PhaseKind.CAPACITY and was_silent(phase) for phase in trial.phases.values())


def invalid_codes(trial: TrialFigures) -> set[str]:
    """What keeps it out of the comparisons."""
    return {finding.code for finding in trial.findings if finding.level == "invalid"}


def has_run(phase: PhaseFigures) -> bool:
    """Whether the phase's goodput is a measurement; a choked phase's is, only its latencies are lower bounds. Nothing
    follows from a phase without a right answer: it may only have been too short."""
    return phase.status in (PhaseStatus.COMPLETE, PhaseStatus.CHOKED) and phase.duration_s > 0 and not was_silent(phase)


def capacity_phase(trial: TrialFigures) -> PhaseFigures | None:
    """The closed loop of a trial, when it ran."""
    return next((phase for phase in trial.phases.values() if phase.kind is PhaseKind.CAPACITY and has_run(phase)), None)
