"""The ASGI wrapper that watches one worker of the target from inside.

Its cost per request: two additions, two comparisons and one more coroutine. A thread of its own writes a line ten times
a second, also while the event loop is blocked: then its figures matter most.

A loop that has been asked nothing for a second is asleep: it ticks twice a second in place of fifty times, so that a
server which only lives beside the measured one leaves it the cores. Whatever it is asked, also `/health`, wakes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from .gil import gil_came_back
from .lag import ASLEEP_TICK_S, TICK_S, lags_us
from .pool_waits import PoolWaits

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

HEALTH = "/health"
OWN_HEALTH = "/.bench-inside/health"  # answered by the probe itself, for applications without one
_HEALTHS = frozenset([HEALTH, OWN_HEALTH])
TOKEN_HEADER = "x-bench-token"
PID_HEADER = "x-bench-pid"
IN_FLIGHT_HEADER = "x-bench-in-flight"
GIL_HEADER = "x-bench-gil"  # only where the GIL came back
LINE_S = 0.1
QUIET_TICKS = round(1 / TICK_S)  # in a row, and the loop is asleep


class Probe:
    """Counts requests, measures how late the event loop runs, and signs `/health` with the server's token.

    Lines (the harness reads them as `ProbeLine`) are appended to `<folder>/<pid>.jsonl`: the first when the application
    has started, which is how the harness knows that the worker is there. `on_failure` gets the exception that ended the
    startup.
    """

    def __init__(self, app: App, *, token: str, folder: Path, on_failure: Callable[[BaseException], None]) -> None:
        self._app = app
        self._folder = folder
        self._on_failure = on_failure
        self._requests = 0
        self._in_flight = 0
        self._signature = [(TOKEN_HEADER.encode(), token.encode()), (PID_HEADER.encode(), str(os.getpid()).encode())]
        self._fd = -1
        self._timer: asyncio.TimerHandle | None = None
        self._due_s = 0.0
        self._quiet_ticks = 0
        self._lock = threading.Lock()  # for the figures below: the loop adds to them, the thread takes them
        self._lags_us: list[int] = []
        self._borrowed = 0
        self._waiting = 0
        self._pool_waits = PoolWaits()
        self._ended = threading.Event()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in _HEALTHS:
            self._requests += 1
            self._in_flight += 1
            if self._quiet_ticks:
                self._stir()
            try:
                await self._app(scope, receive, send)
            finally:
                self._in_flight -= 1
        elif scope["type"] == "http":
            if self._fd < 0:  # this server has no lifespan
                self._start()
            if self._quiet_ticks:
                self._stir()
            answer = self._app if scope["path"] == HEALTH else _say_ok
            await answer(scope, receive, self._signed(send))
        elif scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _signed(self, send: Send) -> Send:
        async def signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = [*self._signature, (IN_FLIGHT_HEADER.encode(), str(self._in_flight).encode())]
                if gil_came_back():
                    said.append((GIL_HEADER.encode(), b"on"))
                message["headers"] = [*message.get("headers", ()), *said]
            await send(message)

        return signed

    async def _lifespan(self, scope: Message, receive: Receive, send: Send) -> None:
        said = ""
        refused: BaseException | None = None

        async def listening(message: Message) -> None:
            nonlocal said, refused
            said = message["type"]
            if said == "lifespan.startup.complete":
                self._start()
            try:
                await send(message)
            except BaseException as error:
                refused = error
                raise

        try:
            await self._app(scope, receive, listening)
        except BaseException as error:
            if said == "lifespan.startup.failed":
                # hypercorn raises in `send`, while the application handles the exception that is the reason.
                self._on_failure((error is refused and error.__context__) or error)
            raise
        finally:
            if self._timer is not None:
                self._timer.cancel()
                self._ended.set()
                self._writer.join()
            elif not said:  # the application has no lifespan; servers accept that
                self._start()

    def _start(self) -> None:
        self._limiter = thread_limiter()
        self._loop = asyncio.get_running_loop()
        path = self._folder / f"{os.getpid()}.jsonl"
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._due_s = time.monotonic() + TICK_S
        self._write()
        self._timer = self._loop.call_later(TICK_S, self._tick)
        self._writer = threading.Thread(target=self._keep_writing, name="bench-probe", daemon=True)
        self._writer.start()

    def _stir(self) -> None:
        """Something happens: no longer quiet, and awake if it was asleep."""
        was_asleep = self._quiet_ticks >= QUIET_TICKS
        self._quiet_ticks = 0
        if was_asleep and self._timer is not None:
            self._timer.cancel()
            now_s = time.monotonic()
            if now_s > self._due_s:  # the loop was blocked when this came
                self._tick()
            else:
                with self._lock:
                    self._due_s = now_s + TICK_S
                self._timer = self._loop.call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        # Not `loop.time()`: uvloop's counts whole milliseconds and stands still during an iteration of the loop.
        now_s = time.monotonic()
        late_us = max(0, round((now_s - self._due_s) * 1e6))
        lags = lags_us(late_us)
        # A loop can also be blocked by what no request has started: then it is looked at closely, too.
        self._quiet_ticks = 0 if self._in_flight or len(lags) > 1 else self._quiet_ticks + 1
        with self._lock:
            self._lags_us += lags
            if self._limiter is not None:
                limiter = self._limiter.statistics()
                self._borrowed = max(self._borrowed, limiter.borrowed_tokens)
                self._waiting = max(self._waiting, limiter.tasks_waiting)
            if self._quiet_ticks < QUIET_TICKS:
                self._due_s += len(lags) * TICK_S
            else:
                self._due_s = now_s + ASLEEP_TICK_S
        self._timer = self._loop.call_later(self._due_s - now_s, self._tick)

    def _keep_writing(self) -> None:
        while not self._ended.wait(LINE_S):
            self._write()
        self._write()

    def _write(self) -> None:
        self._pool_waits.look()
        pool_waits_us, pool_waiting = self._pool_waits.taken()
        with self._lock:
            lags, self._lags_us = self._lags_us, []
            borrowed, waiting = self._borrowed, self._waiting
            self._borrowed = self._waiting = 0
            now_s = time.monotonic()
            overdue_us = round((now_s - self._due_s) * 1e6)
        line: dict[str, Any] = {"t_s": now_s, "requests": self._requests, "in_flight": self._in_flight}
        if lags:
            line["lags_us"] = lags
        if overdue_us > TICK_S * 1e6:
            line["overdue_us"] = overdue_us
        if borrowed:
            line["limiter_borrowed"] = borrowed
        if waiting:
            line["limiter_waiting"] = waiting
        if pool_waits_us:
            line["pool_waits_us"] = pool_waits_us
        if pool_waiting:
            line["pool_waiting"] = pool_waiting
        if gil_came_back():
            line["gil_came_back"] = True
        with contextlib.suppress(OSError):  # the harness reports a full disk; the target goes on
            os.write(self._fd, json.dumps(line, separators=(",", ":")).encode() + b"\n")


async def _say_ok(scope: Message, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def thread_limiter() -> Any:
    """AnyIO's default limiter; None where the application does not use AnyIO.

    Call it in a task: in a plain callback such as a tick AnyIO finds no event loop. The object stays the same as long
    as the loop runs.
    """
    to_thread = sys.modules.get("anyio.to_thread")
    return None if to_thread is None else to_thread.current_default_thread_limiter()
