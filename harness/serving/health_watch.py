"""Asks a server for its health at a steady rate while others load it: a blocked event loop answers late.

Each question is asked at its own moment, whether the one before was answered or not, and its time counts from then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from time import monotonic
from types import TracebackType
from typing import Self

from harness.results.records.asked_health import AskedHealth
from harness.serving.health import Health

_OK = 200


class HealthWatch:
    """Asks from its `with` on, in threads, until it is left. `ask` is given a time limit in seconds."""

    def __init__(self, ask: Callable[[float], Health | str], *, rate_hz: float = 10.0, timeout_s: float = 5.0) -> None:
        self._ask = ask
        self._interval_s = 1 / rate_hz
        self._timeout_s = timeout_s
        self._asked: list[AskedHealth] = []
        self._leave = threading.Event()
        self._clock = threading.Thread(target=self._run, name="health watch", daemon=True)
        # As many as can be open at once when nothing is answered.
        self._askers = ThreadPoolExecutor(ceil(rate_hz * timeout_s) + 1, "health")

    @property
    def asked(self) -> tuple[AskedHealth, ...]:
        """Those that have ended, in the order of their moments."""
        return tuple(sorted(self._asked, key=lambda each: each.due_s))

    def __enter__(self) -> Self:
        self._clock.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave.set()
        self._clock.join()
        self._askers.shutdown(cancel_futures=True)

    def _run(self) -> None:
        due_s = monotonic()
        while not self._leave.wait(max(0.0, due_s - monotonic())):
            self._askers.submit(self._ask_once, due_s)
            due_s += self._interval_s

    def _ask_once(self, due_s: float) -> None:
        health = self._ask(self._timeout_s)
        ms = (monotonic() - due_s) * 1000
        is_answered = isinstance(health, Health) and health.status == _OK
        self._asked.append(AskedHealth(due_s, ms if is_answered else None, ms))
