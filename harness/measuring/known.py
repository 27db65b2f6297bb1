"""What a run has learnt of its cells so far: how long a request takes, what the pilot saw, who works while idle."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from harness.judging.capacities import is_disturbed
from harness.judging.fullness import was_not_full
from harness.judging.validity import NEIGHBOUR_CORES
from harness.plan import Work
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseStatus
from harness.results.records.run_record import Preflight
from harness.results.records.slice_record import SliceRecord

# A blocked loop that waits for an upstream uses some hundredths of a core, one that computes all of it.
WAITING_CORES = 0.5


class Known:
    """Made from the pre-flight check and from the slices on disk, then told of each new slice."""

    def __init__(
        self, preflight: Sequence[Preflight], slices: Iterable[SliceRecord], others_most_cores: float = math.inf
    ) -> None:
        """`others_most_cores`: a slice in which other programs used more says nothing of who chokes."""
        self._others_most_cores = others_most_cores
        self.busy: set[str] = set()  # variants that used more than NEIGHBOUR_CORES while another was measured
        self._answer_s = {(check.workload, check.variant): check.answer_s for check in preflight}
        self._boot_s = {check.variant: check.boot_s for check in preflight}
        self._capacity_rps: dict[tuple[str, str], float] = {}
        self._waits: dict[tuple[str, str], bool] = {}
        self._users: dict[tuple[str, str], int] = {}
        self._choked_at_rps: dict[tuple[str, str], float] = {}
        self._idle: set[tuple[str, str]] = set()
        for record in slices:
            self.learn(record)

    def learn(self, record: SliceRecord) -> None:
        key = (record.spec.workload, record.spec.variant)
        self.busy |= {name for name, cores in record.others_cores.items() if cores > NEIGHBOUR_CORES}
        for phase in record.phases:
            choked = phase.spec.kind is PhaseKind.RATE and phase.status is PhaseStatus.CHOKED
            if choked and not is_disturbed(record, self._others_most_cores):  # else the machine may have made it choke
                self._choked(record.spec.workload, record.spec.variant, phase.spec.rate_rps or 0.0)
            if phase.spec.kind is PhaseKind.IDLE and phase.status is PhaseStatus.COMPLETE:
                self._idle.add(key)
        for phase in record.phases:
            ran = phase.status in (PhaseStatus.COMPLETE, PhaseStatus.CHOKED) and phase.end_s > phase.start_s
            # What fewer users found says nothing of how long all of them would wait.
            in_full = phase.spec.users == self._users.get(key, phase.spec.users)
            if ran and was_not_full(phase, record.phases, self._users.get(key, 0)):
                self._capacity_rps.pop(key, None)  # what the pilot saw was a hitch: all users ask again
            if phase.spec.kind is PhaseKind.CAPACITY and ran and in_full and (rps := _answered_rps(phase, record)):
                self._users[key] = phase.spec.users
                self._capacity_rps[key] = rps
                self._waits[key] = _waited(record)

    def knows_idle_use(self, workload: str, variant: str) -> bool:
        """Whether its CPU use was measured while nobody asked."""
        return (workload, variant) in self._idle

    def choked_at_rps(self, workload: str, variant: str) -> float | None:
        """The lowest arrival rate at which it choked; None: at none so far."""
        return self._choked_at_rps.get((workload, variant))

    def _choked(self, workload: str, variant: str, rate_rps: float) -> None:
        before_rps = self._choked_at_rps.get((workload, variant), rate_rps)
        self._choked_at_rps[workload, variant] = min(before_rps, rate_rps)

    def of(self, workload: str, variant: str) -> Work:
        key = (workload, variant)
        return Work(self._answer_s.get(key, 0.0), self._capacity_rps.get(key), self._waits.get(key, False))

    def boot_s(self, variant: str) -> float:
        return self._boot_s.get(variant, 0.0)


def _answered_rps(capacity: PhaseRecord, record: SliceRecord) -> float:
    """Where no answer came before the phase was over, the drain says how long the queue was: all that was asked in the
    closed loop, from its beginning until nothing was open any more. 0.0: nobody was answered at all, or not all."""
    if capacity.ok_in_window:
        return capacity.ok_in_window / (capacity.end_s - capacity.start_s)
    if capacity.status is PhaseStatus.CHOKED:
        return 0.0
    asked = (phase for phase in record.phases if phase.spec.users == capacity.spec.users)
    closed = [phase for phase in asked if phase.spec.kind in (PhaseKind.WARMUP, PhaseKind.CAPACITY)]
    answers = sum(phase.outcomes.get(Outcome.OK, 0) for phase in closed)
    return answers / (capacity.drained_s - min(phase.start_s for phase in closed))


def _waited(record: SliceRecord) -> bool:
    """Whether its CPUs were mostly idle while it was asked; its idle phase says nothing of that."""
    idle_s = sum(p.end_s - p.start_s for p in record.phases if p.spec.kind is PhaseKind.IDLE)
    asked_s = record.elapsed_s - idle_s
    return (
        record.own_cores is not None and asked_s > 0 and record.own_cores * record.elapsed_s / asked_s < WAITING_CORES
    )
