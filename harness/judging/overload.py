"""Whether an open loop asked for more than the server could answer: one definition for all that show it. Pure."""

from __future__ import annotations

from harness.results.records.phase_record import PhaseKind, PhaseStatus

KEEPING_UP = 0.9  # right answers over arrivals; with less the server was overloaded
UNDER_WAY = 4  # ... but so many may be on their way when a short phase ends: of 50 arrivals they are 8 %


def is_overloaded(kind: PhaseKind, status: PhaseStatus, right_answers: float, arrivals: int) -> bool:
    """`right_answers` are those that came in the phase. A phase that was skipped counts: the server had choked at a
    lower rate. A closed loop asks only when it is answered, so it overloads nobody."""
    if kind is not PhaseKind.RATE or status is PhaseStatus.FAILED:
        return False
    return status in (PhaseStatus.CHOKED, PhaseStatus.SKIPPED) or right_answers + UNDER_WAY < KEEPING_UP * arrivals
