"""Asks `/health` at a fixed low rate while the load runs: what a load balancer would see.

Open loop as well: each question is sent at its own moment, whether the one before was answered or not, and its time
counts from that moment.
"""

from __future__ import annotations

import math
from time import monotonic

import gevent

from harness.driving.inside.alarm import Alarm
from harness.driving.inside.connection import (
    Connection,
    ExchangeAbortedError,
    ExchangeError,
    ExchangeTimeoutError,
)
from harness.driving.inside.phase import Phase, PhaseHealth
from harness.driving.inside.recorder import Recorder
from harness.results.records.metric import Metric
from harness.results.records.outcome import Outcome


class HealthProber:
    """For one server; `rate_rps` 0: none. `probe()` runs in its own greenlet until the phase ends; then `settle()`."""

    def __init__(
        self, address: tuple[str, int], path: str, rate_rps: float, timeout_s: float, recorder: Recorder
    ) -> None:
        self._address = address
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode("ascii")
        self._interval_s = 1.0 / rate_rps if rate_rps else math.inf
        self._timeout_s = timeout_s
        self._recorder = recorder
        self._alarm = Alarm()
        self._idle: list[Connection] = []
        self._open: dict[Connection, gevent.Greenlet] = {}

    def probe(self, phase: Phase, health: PhaseHealth) -> None:
        intended_s = phase.start_s if math.isfinite(self._interval_s) else math.inf
        while intended_s < phase.end_s:
            self._alarm.wait_until(intended_s)
            connection = self._idle.pop() if self._idle else Connection(self._address, by_kernel=True)
            health.scheduled += 1
            self._open[connection] = gevent.spawn(self._ask, connection, phase, health, intended_s)
            intended_s += self._interval_s

    @property
    def is_settled(self) -> bool:
        return not self._open

    def abort(self) -> None:
        for connection in list(self._open):
            connection.abort()

    def close(self) -> None:
        self.abort()
        for connection in self._idle:
            connection.close()
        self._idle.clear()
        self._alarm.close()

    def _ask(self, connection: Connection, phase: Phase, health: PhaseHealth, intended_s: float) -> None:
        censored = False
        arrived_s = None
        try:
            status, _ = connection.exchange(self._request, self._timeout_s)
            arrived_s = connection.arrived_s
            outcome = Outcome.OK if status == 200 else Outcome.HTTP_ERROR
        except ExchangeTimeoutError:
            outcome = Outcome.TIMEOUT
        except ExchangeAbortedError:
            outcome, censored = Outcome.TIMEOUT, True
        except ExchangeError:
            outcome = Outcome.CONNECTION_ERROR
        now_s = monotonic() if arrived_s is None else arrived_s
        del self._open[connection]
        self._idle.append(connection)
        health.outcomes[outcome] += 1
        health.censored += censored
        self._recorder.record(phase.spec.name, outcome, Metric.HEALTH, now_s - intended_s, now_s)
