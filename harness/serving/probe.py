"""The ASGI wrapper that watches one worker of the target from inside.

What it costs a request: two additions, a comparison and one more coroutine. Ten times a second one line is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import msgspec

from harness.model import ProbeLine

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

HEALTH = "/health"
TOKEN_HEADER = "x-bench-token"
PID_HEADER = "x-bench-pid"
IN_FLIGHT_HEADER = "x-bench-in-flight"
TICK_S = 0.02
LINE_S = 0.1


class Probe:
    """Counts requests, measures how late the event loop runs, and signs `/health` with the trial's token.

    Lines (`model.ProbeLine`) are appended to `<folder>/<pid>.jsonl`: the first when the application has started, which
    is how the harness knows that the worker is there. `on_failure` gets the exception that ended the startup.
    """

    def __init__(self, app: App, *, token: str, folder: Path, on_failure: Callable[[BaseException], None]) -> None:
        self._app = app
        self._folder = folder
        self._on_failure = on_failure
        self._requests = 0
        self._in_flight = 0
        self._signature = [(TOKEN_HEADER.encode(), token.encode()), (PID_HEADER.encode(), str(os.getpid()).encode())]
        self._encoder = msgspec.json.Encoder()
        self._fd = -1
        self._timer: asyncio.TimerHandle | None = None
        self._lags_us: list[int] = []
        self._borrowed = 0
        self._waiting = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != HEALTH:
            self._requests += 1
            self._in_flight += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._in_flight -= 1
        elif scope["type"] == "http":
            await self._app(scope, receive, self._signed(send))
        elif scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _signed(self, send: Send) -> Send:
        async def signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                in_flight = (IN_FLIGHT_HEADER.encode(), str(self._in_flight).encode())
                message["headers"] = [*message.get("headers", ()), *self._signature, in_flight]
            await send(message)

        return signed

    async def _lifespan(self, scope: Message, receive: Receive, send: Send) -> None:
        said = ""

        async def listening(message: Message) -> None:
            nonlocal said
            said = message["type"]
            if said == "lifespan.startup.complete":
                self._start()
            await send(message)

        try:
            await self._app(scope, receive, listening)
        except BaseException as error:
            if said == "lifespan.startup.failed":
                self._on_failure(error)
            raise
        finally:
            if self._timer is not None:
                self._write(time.monotonic())
                self._timer.cancel()
            elif not said:  # the application has no lifespan; uvicorn serves it all the same
                self._start()

    def _start(self) -> None:
        from anyio.to_thread import current_default_thread_limiter  # noqa: PLC0415 - the target has imported it by now

        # Asked for here, in a task, because AnyIO finds no event loop in a plain callback such as a tick. It stays the
        # same object for as long as the loop runs.
        self._limiter = current_default_thread_limiter()
        self._loop = asyncio.get_running_loop()
        path = self._folder / f"{os.getpid()}.jsonl"
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        now_s = time.monotonic()
        self._write(now_s)
        self._due_s = now_s + TICK_S
        self._timer = self._loop.call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        # Not `loop.time()`: uvloop's counts whole milliseconds and stands still during an iteration of the loop.
        now_s = time.monotonic()
        late_us = max(0, round((now_s - self._due_s) * 1e6))
        self._lags_us += lags_us(late_us, round(TICK_S * 1e6))
        limiter = self._limiter.statistics()
        self._borrowed = max(self._borrowed, limiter.borrowed_tokens)
        self._waiting = max(self._waiting, limiter.tasks_waiting)
        if now_s >= self._line_due_s:
            self._write(now_s)
        self._due_s += (late_us // round(TICK_S * 1e6) + 1) * TICK_S
        self._timer = self._loop.call_later(self._due_s - now_s, self._tick)

    def _write(self, now_s: float) -> None:
        line = ProbeLine(
            t_s=now_s,
            requests=self._requests,
            in_flight=self._in_flight,
            lags_us=tuple(self._lags_us),
            limiter_borrowed=self._borrowed,
            limiter_waiting=self._waiting,
        )
        with contextlib.suppress(OSError):  # a full disk is the harness's to report, and nothing the target should do
            os.write(self._fd, self._encoder.encode(line) + b"\n")
        self._lags_us.clear()
        self._borrowed = self._waiting = 0
        self._line_due_s = now_s + LINE_S - TICK_S / 2


def lags_us(late_us: int, interval_us: int) -> list[int]:
    """The lags that one tick which came `late_us` after its time stands for.

    A loop that is blocked for 100 ms runs one tick, 100 ms late, and none of those that fell due meanwhile; counting
    the one alone would make a stall a rare event, however long it is ("coordinated omission"). What the others would
    have seen is added as HdrHistogram does in `recordValueWithExpectedInterval`: 100, 80, 60, 40 and 20 ms.
    """
    return [late_us, *range(late_us - interval_us, interval_us - 1, -interval_us)]
