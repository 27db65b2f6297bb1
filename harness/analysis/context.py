"""What the rules of `validity` and `remarks` look at, and how they say what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from harness.analysis.arrivals import ArrivalFigures
from harness.analysis.evidence import PhaseFigures
from harness.model import Finding, PhaseKind, PhaseStatus, Profile, Strategy, TrialRecord, Workload


@dataclass(frozen=True)
class Context:
    """A trial, its figures, and what they are held against."""

    record: TrialRecord
    phases: Mapping[str, PhaseFigures]
    strategy: Strategy
    workload: Workload
    profile: Profile
    target_cores: int
    median_canary_ms: float | None  # of the run's trials
    arrivals: Mapping[str, tuple[ArrivalFigures, ...]] = field(default_factory=dict)  # by open-loop phase

    @property
    def workers(self) -> int:
        workers = self.strategy.server.workers
        return self.target_cores if workers == "cores" else workers

    def users(self, phase_name: str) -> int:
        """How many requests of a phase may be in flight at once."""
        return next(phase.spec.users for phase in self.record.phases if phase.spec.name == phase_name)

    @property
    def measured(self) -> Iterator[PhaseFigures]:
        """The phases that ran, the warm-ups left out."""
        for phase in self.phases.values():
            if phase.kind is not PhaseKind.WARMUP and phase.status is not PhaseStatus.SKIPPED and phase.duration_s > 0:
                yield phase


# Of the arrivals. Below it requests wait for one of `max_in_flight` to come free: the server's doing.
KEEPING_UP = 0.9


def kept_up(phase: PhaseFigures) -> bool:
    """Whether the server took what an open loop offered; what was late then was the generator's doing."""
    return (
        phase.offered_rps is not None
        and phase.status is not PhaseStatus.CHOKED
        and phase.goodput_rps * phase.duration_s >= KEEPING_UP * phase.scheduled
    )


Rule = Callable[[Context], Finding | None]


def invalid(code: str, message: str, advice: str) -> Finding:
    """Keeps the trial out of the comparisons."""
    return Finding(code, "invalid", message, advice)


def info(code: str, message: str, advice: str) -> Finding:
    """Something a reader should know."""
    return Finding(code, "info", message, advice)
