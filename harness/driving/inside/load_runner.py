"""Runs phases on the users that wait at the gate: lets them out, feeds them arrivals, drains, counts."""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

import gevent
import msgspec
from gevent.event import Event

from harness.driving.inside import arrival_log
from harness.driving.inside.alarm import Alarm
from harness.driving.inside.gate import Gate
from harness.driving.inside.health_prober import HealthProber
from harness.driving.inside.own_cpu import OwnCpu
from harness.driving.inside.phase import Phase, PhaseHealth
from harness.driving.inside.protocol import LoadBegan, Warm
from harness.driving.inside.recorder import Recorder
from harness.driving.load import Done, Ended, Load, Progress, Started
from harness.results.records.phase_record import PhaseKind, PhaseSpec
from harness.results.records.schedule import schedule

_PROGRESS_S = 0.5
# Long enough for a socket closed under a greenlet to raise in it.
_ABORT_S = 1.0
_SETTLE_POLL_S = 0.002
_WARM_POLL_S = 0.01


class LoadRunner:
    """One per process. `run()` in one greenlet; `abort()` and `end_at()` from another."""

    def __init__(
        self,
        gate: Gate,
        recorder: Recorder,
        latency_path: Path,
        tell: Callable[[LoadBegan | Started | Progress | Warm | Ended], None],
    ) -> None:
        self._gate = gate
        self._recorder = recorder
        self._latency_path = latency_path
        self._tell = tell
        self._alarm = Alarm()
        self._stop = Event()
        self._warming: Phase | None = None
        self._is_told = Event()  # of something that the warm-up's end depends on

    def abort(self) -> None:
        self._stop.set()
        self._is_told.set()

    def end_at(self, phase_name: str, at_s: float) -> None:
        """Bring the end of a warm-up forward to `at_s`, or to now where that is past: what was counted stays."""
        if (phase := self._warming) is not None and phase.spec.name == phase_name:
            phase.end_s = min(phase.end_s, max(at_s, monotonic()))
            self._is_told.set()

    def run(self, load: Load) -> Done:
        """All phases of `load`, back to back, then one drain for all of them."""
        self._stop.clear()
        folder = Path(load.folder) if load.folder else self._latency_path.parent
        self._recorder.move_to(folder / self._latency_path.name, load.slice)
        prober = HealthProber(
            load.address, load.health_path, load.health_rate_rps, load.request_timeout_s, self._recorder
        )
        phases: list[tuple[Phase, PhaseHealth]] = []
        arrivals = {spec.name: _schedule(spec) for spec in load.phases if spec.kind is PhaseKind.RATE}
        before: Phase | None = None
        began_s = start_s = monotonic()
        self._tell(LoadBegan(began_s))
        for spec in load.phases:
            phase, health = Phase(spec, self._recorder, start_s, began_s), PhaseHealth()
            phase.address, phase.timeout_s = load.address, load.request_timeout_s
            phases.append((phase, health))
            self._run_phase(phase, before, health, prober, arrivals.get(spec.name, []))
            before, start_s = phase, phase.end_s
            if self._stop.is_set():
                break
        self._gate.end_closed_loop()
        drain_began_s = monotonic()
        self._drain([phase for phase, _ in phases], prober, deadline_s=start_s + load.drain_s)
        drained_s = monotonic()
        self._gate.current = None
        prober.close()
        self._recorder.flush()
        for phase, _ in phases:
            if phase.sent_times is not None:
                sent = phase.sent_times.record(phase.spec, phase.scheduled, phase.start_s)
                arrival_log.append(folder / "arrivals.jsonl", msgspec.structs.replace(sent, slice=load.slice))
        records = tuple(phase.record(drained_s, health) for phase, health in phases)
        return Done(records=records, drain_s=drained_s - drain_began_s)

    def _run_phase(
        self, phase: Phase, before: Phase | None, health: PhaseHealth, prober: HealthProber, arrivals: Sequence[float]
    ) -> None:
        # A scenario chooses its requests by chance. With the phase's seed the n-th arrival asks the same of every
        # variant.
        random.seed(phase.spec.seed)
        self._tell(Started(phase.spec.name))
        probing = gevent.spawn(prober.probe, phase, health)
        telling = gevent.spawn(self._report_progress, phase)
        before_cpu = OwnCpu.read()
        ended_early = False
        try:
            if phase.spec.kind is PhaseKind.RATE:
                self._feed(phase, arrivals)
            elif phase.spec.kind is PhaseKind.IDLE:
                self._gate.end_closed_loop()
            else:
                self._gate.open_closed_loop(phase)
                if before is not None:
                    phase.take_over(before)
            ended_early = self._end_when_warm(phase)
            self._stop.wait(max(0.0, phase.end_s - monotonic()))
        finally:
            phase.own_cpu = OwnCpu.read().since(before_cpu)
            telling.kill(block=False)
            # Only at a phase's planned end has the prober nothing more to wait for; what it has asked goes on.
            probing.kill(block=False) if ended_early or self._stop.is_set() else probing.join()
        self._tell(Ended(phase.spec.name))

    def _end_when_warm(self, phase: Phase) -> bool:
        """Wait for the end of a warm-up; True when it was brought forward. Other phases: False at once."""
        if phase.warmth is None or phase.spec.min_s is None:
            return False
        self._warming = phase
        self._is_told.clear()
        planned_s = phase.end_s
        while not self._stop.is_set() and (now_s := monotonic()) < phase.end_s:
            if not phase.has_settled and now_s >= phase.start_s + phase.spec.min_s and phase.warmth.is_settled:
                phase.has_settled = True
                self._tell(Warm(phase.spec.name))
            self._is_told.wait(min(_WARM_POLL_S, phase.end_s - now_s))
            self._is_told.clear()
        self._warming = None
        return phase.end_s < planned_s

    def _feed(self, phase: Phase, arrivals: Sequence[float]) -> None:
        self._gate.end_closed_loop()
        self._gate.current = phase
        for offset_s in arrivals:
            intended_s = phase.start_s + offset_s
            self._alarm.wait_until(intended_s)
            if self._stop.is_set():
                return
            phase.scheduled += 1
            self._gate.fall_due(phase, intended_s)

    def _drain(self, phases: list[Phase], prober: HealthProber, deadline_s: float) -> None:
        def is_settled() -> bool:
            return prober.is_settled and all(phase.is_settled for phase in phases)

        while not is_settled() and monotonic() < deadline_s and not self._stop.is_set():
            gevent.sleep(_SETTLE_POLL_S)
        now_s = monotonic()
        for ticket in self._gate.withdraw():
            ticket.phase.not_sent(ticket.intended_s, now_s)
        give_up_s = now_s + _ABORT_S
        while not is_settled() and monotonic() < give_up_s:
            prober.abort()
            for phase in phases:
                for connection in list(phase.open):
                    connection.abort()
            gevent.sleep(_SETTLE_POLL_S)
        if not is_settled():
            raise RuntimeError("requests are still open after they were given up: the scenario catches and retries?")

    def _report_progress(self, phase: Phase) -> None:
        seen = phase.ok_in_window
        while True:
            gevent.sleep(_PROGRESS_S)
            goodput_rps = (phase.ok_in_window - seen) / _PROGRESS_S
            seen = phase.ok_in_window
            self._tell(Progress(phase.spec.name, goodput_rps, phase.recent_p99_ms()))


def _schedule(spec: PhaseSpec) -> array[float]:
    if spec.rate_rps is None:
        raise ValueError(f"phase {spec.name}: an open loop needs rate_rps")
    return schedule(spec.arrivals, spec.rate_rps, spec.duration_s, spec.seed)
