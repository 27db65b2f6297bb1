"""What a target uses while nobody asks anything but `/health`, and what of it is no cost of the requests. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.judging.usage import TreeUsage, tree_usage
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseStatus
from harness.results.records.sample import Sample
from harness.results.records.slice_record import SliceRecord

# Nine strategies on four workloads used 0.03 to 0.04 of a core while idle, at 30 checks of /health a second: up to 0.01
# for each worker (the probe, uvicorn's timers), and a millisecond for each check; on a slow machine perhaps two.
IDLE_WORKER_CORES, HEALTH_CHECK_S, MOST_CHECK_S = 0.01, 0.001, 0.002
# A thread of the app that wants no more than this of a worker gets it under load, too: it and the event loop take turns
# at the GIL. One that wants more gets less than while idle. How much less nobody knows, so nothing can be taken off.
SAME_UNDER_LOAD_CORES = 0.5


@dataclass(frozen=True)
class IdleCost:
    """CPU use in two parts, as the checks of `/health` end with a phase and all else goes on while it is drained.

    One measurement cannot tell them apart, so the timers are taken to use what is usual, and the checks the rest. A
    check costs no more than `MOST_CHECK_S`, though: what is above that is work of the app's own, which goes on, too.
    """

    workers: int
    always_cores: float  # the timers, and what the app does on its own
    check_s: float = 0.0  # for each check that was answered
    checks_per_s: float = 0.0  # answered while this was measured

    @classmethod
    def measured(cls, cores: float, checks_per_s: float, workers: int) -> IdleCost:
        """From what was used in all, in cores, while so many checks were answered."""
        if not checks_per_s:
            return cls(workers, cores)
        rest_cores = max(0.0, cores - IDLE_WORKER_CORES * workers)
        check_s = min(MOST_CHECK_S, rest_cores / checks_per_s)
        return cls(workers, cores - check_s * checks_per_s, check_s, checks_per_s)

    @property
    def cores(self) -> float:
        """All of it."""
        return self.always_cores + self.check_s * self.checks_per_s

    @property
    def is_less_under_load(self) -> bool:
        """Whether one thread may want more than it gets beside requests. All workers are seen as one, and the work may
        be in a single one of them: more workers do not allow for more."""
        return self.cores - IDLE_WORKER_CORES * self.workers > SAME_UNDER_LOAD_CORES

    def within_s(self, elapsed_s: float, phase: PhaseRecord) -> float:
        """CPU-seconds of it in so much time from the phase's start. A blocked event loop answers fewer checks."""
        return self.always_cores * elapsed_s + self.check_s * phase.health_outcomes.get(Outcome.OK, 0)


def idle_cost_in(record: SliceRecord, samples: Sequence[Sample], workers: int = 1) -> IdleCost | None:
    """What the target used in the slice's idle phase; None when there was none, or no samples of it."""
    for phase in record.phases:
        if phase.spec.kind is PhaseKind.IDLE and phase.status is PhaseStatus.COMPLETE:
            return _idle_cost_of(phase, tree_usage(samples, "target", phase), workers)
    return None


def _idle_cost_of(phase: PhaseRecord, target: TreeUsage, workers: int) -> IdleCost | None:
    if target.cores is None:
        return None
    return IdleCost.measured(target.cores, phase.health_outcomes.get(Outcome.OK, 0) / target.elapsed_s, workers)
