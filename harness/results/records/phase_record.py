"""A phase: what was asked for, and what the generator counted.

Times named `*_s` without "epoch" are seconds since the boot's `origin_monotonic_s`, a reading of CLOCK_MONOTONIC."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from harness.results.records.outcome import Outcome
from harness.results.records.values import PositiveFloat, PositiveInt


class PhaseKind(StrEnum):
    WARMUP = "warmup"
    CAPACITY = "capacity"
    RATE = "rate"
    IDLE = "idle"

    @property
    def is_load(self) -> bool:
        """Whether its figures are about the load. A warm-up is not measured, and in an idle phase only `/health` is
        asked."""
        return self in (PhaseKind.CAPACITY, PhaseKind.RATE)


class PhaseSpec(Struct, frozen=True):
    """A stretch of load. Closed loop (`warmup`, `capacity`): `users` ask as fast as answers come.
    Open loop (`rate`): `rate_rps` arrivals from a seeded schedule, at most `max_in_flight` at once.
    No load (`idle`): nobody asks anything but `/health`, at the same rate as in every other phase.

    With `min_s` a closed loop ends as soon as its answers have settled, between `min_s` and `duration_s`."""

    name: str
    kind: PhaseKind
    duration_s: PositiveFloat
    users: PositiveInt
    rate_rps: float | None = None
    arrivals: Literal["poisson", "constant"] = "poisson"
    seed: int = 0
    min_s: PositiveFloat | None = None


class PhaseStatus(StrEnum):
    COMPLETE = "complete"
    CHOKED = "choked"  # requests were still open when the drain ended; the server was replaced
    SKIPPED = "skipped"  # not run: the strategy had choked at this rate, or a lower one
    FAILED = "failed"  # the server or the generator died


class PhaseRecord(Struct, frozen=True, kw_only=True):
    """What the generator counted. `scheduled` == sum of `outcomes`, always (asserted when it is built).

    `ok_in_window` counts right answers that *arrived* between `start_s` and `end_s`; over the window's length it is
    the goodput. An open loop begins empty, so its window for answers ends `min_service_ms` later than its window for
    arrivals: otherwise a server that keeps up would seem to lose the requests of the last moments.

    `outcomes` counts requests that were *scheduled* in the window. `censored` of the timeouts were still open at the
    end of the drain: their time is a lower bound.
    """

    spec: PhaseSpec
    status: PhaseStatus
    start_s: float = 0.0
    end_s: float = 0.0
    drained_s: float = 0.0  # when the last request ended, or was given up
    scheduled: int = 0
    outcomes: dict[Outcome, int] = {}
    censored: int = 0
    ok_in_window: int = 0
    ok_per_tenth: tuple[int, ...] = ()  # right answers by tenth of a second of arrival, the window's share
    # Of an open loop by tenth of the intended start: right answers and timeouts, and their times added up.
    arrivals_per_tenth: tuple[int, ...] = ()
    response_s_per_tenth: tuple[float, ...] = ()
    health_scheduled: int = 0
    health_outcomes: dict[Outcome, int] = {}
    health_censored: int = 0
    min_service_ms: float | None = None  # the fastest right answer, unrounded
    # Arrivals of an open loop that found no free user: at `max_in_flight`, they wait for the server. None: not counted.
    queued: int | None = None
    own_lag_p99_ms: float | None = None  # the generator's own part of the send lag, see `SentTimes`
    # CPU time of the generator itself in the window, and how long it was ready and had none; of several, each the most.
    own_cpu_s: float | None = None
    own_cpu_wait_s: float | None = None
    raised: int = 0  # of the requests not sent: the scenario failed before it asked
    settled: bool | None = None  # whether the answers have settled (of several generators: each); None: not asked
    reason: str = ""

    def __post_init__(self) -> None:
        if sum(self.outcomes.values()) != self.scheduled:
            raise ValueError(f"phase {self.spec.name}: outcomes {self.outcomes} do not add up to {self.scheduled}")
