"""What one phase has counted so far; every ticket that was handed out ends in exactly one outcome."""

from __future__ import annotations

import math
from collections import Counter, deque
from typing import NamedTuple

from harness.driving.inside.arrival_log import SentTimes
from harness.driving.inside.connection import Connection
from harness.driving.inside.own_cpu import OwnCpu
from harness.driving.inside.recorder import Recorder
from harness.driving.inside.warmth import Warmth
from harness.results.records.metric import Metric
from harness.results.records.outcome import Outcome, too_late_count
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus

_RECENT = 400
_TIMED = (Outcome.OK, Outcome.TIMEOUT)  # requests that fail at once are in no percentile either
_OK = Outcome.OK  # to look it up in the enumeration takes as long as to compare it


class Ticket(NamedTuple):
    """Permission to send one request: for which phase, when it was meant to start (CLOCK_MONOTONIC), and, where no user
    was free, when the generator found that out."""

    phase: Phase
    intended_s: float
    queued_s: float | None = None


class Phase:
    """Mutable while it runs; `record()` makes the frozen PhaseRecord. Times: seconds of CLOCK_MONOTONIC; those of the
    record count from `load_began_s`."""

    def __init__(self, spec: PhaseSpec, recorder: Recorder, start_s: float, load_began_s: float) -> None:
        self.spec = spec
        self.users = spec.users
        self._name = spec.name
        self.start_s = start_s
        self.end_s = start_s + spec.duration_s
        self.warmth = None if spec.min_s is None else Warmth(spec.users, start_s)
        self.has_settled = False  # once, and the harness was told so
        self.own_cpu: OwnCpu | None = None
        self.address: tuple[str, int] = ("127.0.0.1", 0)
        self.timeout_s = 0.0
        self.scheduled = 0
        self.queued = 0
        self.open: set[Connection] = set()
        self.ok_in_window = 0
        self.is_open_loop = spec.kind is PhaseKind.RATE
        self.sent_times = SentTimes() if self.is_open_loop else None
        self._ok_tenths: list[int] = []
        self._ok_after_s: list[float] = []
        self._arrivals_per_tenth: list[int] = []
        self._response_s_per_tenth: list[float] = []
        self._outcomes: Counter[Outcome] = Counter()
        self._censored = 0
        self._raised = 0
        self._min_service_s = math.inf
        self._recent_s: deque[float] = deque(maxlen=_RECENT)
        self._recorder = recorder
        self._load_began_s = load_began_s

    @property
    def is_settled(self) -> bool:
        """Nothing that was scheduled is still without an outcome."""
        return sum(self._outcomes.values()) == self.scheduled

    def answered(self, now_s: float) -> None:
        """A right answer came while this phase was the current one, whichever phase had scheduled it."""
        if now_s < self.end_s:
            self._count(now_s)
        else:
            self._ok_after_s.append(now_s)

    def take_over(self, before: Phase) -> None:
        """Count the answers that came after the end of `before`, and before this phase was known to have begun."""
        for now_s in before._ok_after_s:
            self.answered(now_s)
        before._ok_after_s.clear()

    def _count(self, now_s: float) -> None:
        self.ok_in_window += 1
        # What the kernel had just before the phase began, and we look at only now, is the first thing in it.
        tenth = int((now_s - self.start_s) * 10) if now_s > self.start_s else 0
        tenths = self._ok_tenths
        while len(tenths) <= tenth:
            tenths.append(0)
        tenths[tenth] += 1

    def ended(
        self,
        outcome: Outcome,
        intended_s: float,
        sent_s: float,
        now_s: float,
        *,
        censored: bool,
        queued_s: float | None = None,
    ) -> None:
        self._outcomes[outcome] += 1
        self._recorder.exchange(self._name, outcome, intended_s, sent_s, now_s)
        self._recent_s.append(now_s - intended_s)
        if censored:
            self._censored += 1
        if self.sent_times is not None:
            self.sent_times.add(intended_s, sent_s, queued_s)
            if outcome in _TIMED:
                self._responded(intended_s, now_s)
        if outcome is _OK:
            service_s = now_s - sent_s
            self._min_service_s = min(self._min_service_s, service_s)
            if self.warmth is not None and now_s < self.end_s:
                self.warmth.answered(service_s, now_s)

    def _responded(self, intended_s: float, now_s: float) -> None:
        tenth = int((intended_s - self.start_s) * 10)
        while len(self._arrivals_per_tenth) <= tenth:
            self._arrivals_per_tenth.append(0)
            self._response_s_per_tenth.append(0.0)
        self._arrivals_per_tenth[tenth] += 1
        self._response_s_per_tenth[tenth] += now_s - intended_s

    def raised(self, intended_s: float, now_s: float) -> None:
        """The scenario failed before it asked."""
        self._raised += 1
        self.not_sent(intended_s, now_s)

    def not_sent(self, intended_s: float, now_s: float) -> None:
        """It waited for a free user until the end of the drain: its response time is at least that long."""
        self._outcomes[Outcome.NOT_SENT] += 1
        self._recorder.record(self.spec.name, Outcome.NOT_SENT, Metric.RESPONSE, now_s - intended_s, now_s)

    def recent_p99_ms(self) -> float | None:
        """Of the last responses, for the live display only; a histogram would take a millisecond to ask."""
        if len(self._recent_s) < 100:
            return None
        return sorted(self._recent_s)[int(len(self._recent_s) * 0.99)] * 1e3

    def record(self, drained_s: float, health: PhaseHealth) -> PhaseRecord:
        # An open loop begins empty: what arrives in its last moments cannot be answered before the fastest service time
        # has passed, however good the server, so its answers are counted for that much longer than it lasts.
        fastest_s = self._min_service_s if self._min_service_s < math.inf else 0.0
        if self.is_open_loop:
            for now_s in self._ok_after_s:
                if now_s <= self.end_s + fastest_s:
                    self._count(now_s)
        self._ok_after_s.clear()
        choked = too_late_count(self._outcomes) - self._raised
        return PhaseRecord(
            spec=self.spec,
            status=PhaseStatus.CHOKED if choked else PhaseStatus.COMPLETE,
            reason=f"{choked} of {self.scheduled} requests were without an answer when the drain ended"
            if choked
            else "",
            start_s=self.start_s - self._load_began_s,
            end_s=self.end_s - self._load_began_s,
            drained_s=drained_s - self._load_began_s,
            scheduled=self.scheduled,
            outcomes=dict(sorted(self._outcomes.items())),
            censored=self._censored,
            ok_in_window=self.ok_in_window,
            ok_per_tenth=tuple(self._ok_tenths),
            arrivals_per_tenth=tuple(self._arrivals_per_tenth),
            response_s_per_tenth=tuple(self._response_s_per_tenth),
            health_scheduled=health.scheduled,
            health_outcomes=dict(sorted(health.outcomes.items())),
            health_censored=health.censored,
            min_service_ms=self._min_service_s * 1e3 if self._min_service_s < math.inf else None,
            queued=self.queued,
            raised=self._raised,
            own_lag_p99_ms=None if self.sent_times is None else self.sent_times.own_lag_p99_ms,
            own_cpu_s=None if self.own_cpu is None else self.own_cpu.used_s,
            own_cpu_wait_s=None if self.own_cpu is None else self.own_cpu.waited_s,
            settled=None if self.warmth is None else self.has_settled or self.warmth.is_settled,
        )


class PhaseHealth:
    """The `/health` prober's count for one phase."""

    def __init__(self) -> None:
        self.scheduled = 0
        self.outcomes: Counter[Outcome] = Counter()
        self.censored = 0
