"""What the rules of `validity` and `remarks` look at, and how they say what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from harness.judging.arrival_figures import ArrivalFigures
from harness.judging.figures import PhaseFigures
from harness.judging.idle_cost import IdleCost
from harness.judging.memory import MemoryGrowth
from harness.results.records.boot_record import BootRecord
from harness.results.records.finding import Finding
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.records.profile import Profile
from harness.results.records.slice_record import SliceRecord
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload


@dataclass(frozen=True)
class Context:
    """A slice, its figures, and what they are compared with."""

    record: SliceRecord
    boot: BootRecord
    phases: Mapping[str, PhaseFigures]
    variant: Variant
    workload: Workload
    profile: Profile
    target_cores: int
    median_canary_ms: float | None  # of the run's slices
    arrivals: Mapping[str, tuple[ArrivalFigures, ...]] = field(default_factory=dict)  # by open-loop phase
    reserved_cpus: int = 0  # for generator and services alone; 0: they share all CPUs with the target
    idle_cost: IdleCost | None = None  # what the variant's tree uses while nobody asks anything but /health
    memory: MemoryGrowth | None = None  # over the boot's load so far, in its last slice
    workers_seen: int = 0  # processes of the boot that had answered by the end of the slice
    gil_came_back: bool = False  # in one of them, by then
    memory_bytes: int = 0  # of the machine
    service_cores: Mapping[str, float] = field(default_factory=dict)  # how many each can use at once; else one
    own_services: tuple[str, ...] = ()  # somebody's own: not sampled

    def users(self, phase_name: str) -> int:
        """How many requests of a phase may be in flight at once."""
        return next(phase.spec.users for phase in self.record.phases if phase.spec.name == phase_name)

    @property
    def measured(self) -> Iterator[PhaseFigures]:
        """The phases that ran and are about the load: warm-ups and idle phases left out."""
        for phase in self.phases.values():
            if phase.kind.is_load and phase.status is not PhaseStatus.SKIPPED and phase.duration_s > 0:
                yield phase


def was_free_to_send(phase: PhaseFigures) -> bool:
    """Whether every arrival of an open loop found a free user. Then what was late was the generator's fault; otherwise
    arrivals waited for the server, at `max_in_flight`."""
    return phase.offered_rps is not None and phase.queued == 0


def was_silent(phase: PhaseFigures) -> bool:
    """Whether a phase ran to its end and not one right answer came in it."""
    ran = phase.status in (PhaseStatus.COMPLETE, PhaseStatus.CHOKED) and phase.duration_s > 0
    nobody_came = phase.kind is PhaseKind.RATE and not phase.scheduled  # at a very low rate that may be
    return ran and not nobody_came and phase.goodput_rps == 0


Rule = Callable[[Context], Finding | None]


def invalid(code: str, message: str, advice: str) -> Finding:
    """Keeps the slice out of the comparisons."""
    return Finding(code, "invalid", message, advice)


def info(code: str, message: str, advice: str) -> Finding:
    """Something a reader should know."""
    return Finding(code, "info", message, advice)
