"""The HTTP service that the targets call: `GET /wait?ms=100&key=3` waits, then answers `{"key": 3, "value": 10}`.

A bare ASGI callable: it must never be the bottleneck, so there is no framework around it. Two ways to run it, by the
harness `uvicorn harness.services.upstream:app`, by hand `python -m harness.services.upstream --port 9000`.

`ms` is the fixed wait or, with `sigma` > 0, the median of a log-normal one, whose draws come in the order of arrival
from a seeded generator. No answer is ever sent before `shortest_wait_ms(ms, sigma)` has passed.

Environment: BENCH_UPSTREAM_SIGMA (default 0, what a request without `sigma` gets), BENCH_UPSTREAM_SEED (default 1),
BENCH_TOKEN (when set, `/health` sends it back as `x-bench-token`).
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import random
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]

MAX_WAIT_MS = 60_000.0
MAX_SIGMA = 3.0
# A log-normal has no minimum: without a floor "no answer faster than the wait" could not be checked at all. Half the
# median cuts 1 % of the draws at sigma 0.3, and 8 % at 0.5.
FLOOR_OF_MEDIAN = 0.5

_TIMER_S = 0.001
# Longer than any client keeps an idle connection: the side that closes first must not be the one that gets requests,
# or a request meets a closing connection and fails. uvicorn's default is 5 s.
_KEEP_ALIVE_S = 75


def value_of(key: int) -> int:
    """The answer to `key`."""
    return key * key + 1


def shortest_wait_ms(ms: float, sigma: float) -> float:
    """The bound below which no answer comes: the wait itself when it is fixed, half the median when it is drawn."""
    return ms * FLOOR_OF_MEDIAN if sigma else ms


async def wait_until(moment_s: float) -> None:
    """Returns at or after `moment_s` (CLOCK_MONOTONIC), never before.

    uvloop's timers count whole milliseconds of libuv's truncated clock, so a sleep may end more than 1 ms early. Then
    one more tick, rather than many rounds of the loop.
    """
    while (left_s := moment_s - monotonic()) > 0:  # noqa: ASYNC110 - what is awaited is the clock, it sets no Event
        await asyncio.sleep(max(left_s, _TIMER_S))


class BadRequestError(Exception):
    """A query that names no wait; `str()` says which parameter."""


class Question(NamedTuple):
    """A parsed query of `/wait`."""

    ms: float
    key: int
    sigma: float


def parse(query: bytes, default_sigma: float) -> Question:
    """Raises BadRequestError for anything but `ms` and `key`, and maybe `sigma`, within their bounds."""
    text = query.decode("latin-1")
    fields = dict(parse_qsl(text, keep_blank_values=True))
    try:
        ms, key = float(fields["ms"]), int(fields["key"])
        sigma = float(fields["sigma"]) if "sigma" in fields else default_sigma
    except KeyError as error:
        raise BadRequestError(f"{text!r}: no {error}; try /wait?ms=100&key=3") from error
    except ValueError as error:
        raise BadRequestError(f"{text!r}: {error}; try /wait?ms=100&key=3") from error
    if not 0 <= ms <= MAX_WAIT_MS:  # NaN is not within any bounds either
        raise BadRequestError(f"ms={ms}: not within 0..{MAX_WAIT_MS:.0f}")
    if not 0 <= sigma <= MAX_SIGMA:
        raise BadRequestError(f"sigma={sigma}: not within 0..{MAX_SIGMA:.0f}")
    return Question(ms, key, sigma)


class WaitingApp:
    """The ASGI application. `sigma`: what a request without one gets."""

    def __init__(self, sigma: float, seed: int, token: str) -> None:
        self._sigma = sigma
        self._random = random.Random(seed)
        self._token = token.encode("latin-1")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> WaitingApp:
        sigma = float(environment.get("BENCH_UPSTREAM_SIGMA", "0"))
        if not 0 <= sigma <= MAX_SIGMA:
            raise ValueError(f"BENCH_UPSTREAM_SIGMA={sigma}: not within 0..{MAX_SIGMA:.0f}")
        return cls(sigma, int(environment.get("BENCH_UPSTREAM_SEED", "1")), environment.get("BENCH_TOKEN", ""))

    def draw_ms(self, ms: float, sigma: float) -> float:
        """The next wait of the seeded sequence; a fixed wait takes nothing from it."""
        if not sigma:
            return ms
        drawn_ms = ms * math.exp(self._random.gauss(0.0, sigma))
        return min(max(drawn_ms, shortest_wait_ms(ms, sigma)), MAX_WAIT_MS)

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        arrived_s = monotonic()
        if scope["type"] != "http":  # the ASGI way to say that there is no start-up, and no WebSocket
            raise NotImplementedError(scope["type"])
        if scope["path"] == "/wait":
            try:
                question = parse(scope["query_string"], self._sigma)
            except BadRequestError as error:
                await _answer(send, 400, f"{error}\n".encode(), b"text/plain; charset=utf-8")
                return
            await wait_until(arrived_s + self.draw_ms(question.ms, question.sigma) / 1000)
            await _answer(send, 200, b'{"key":%d,"value":%d}' % (question.key, value_of(question.key)))
        elif scope["path"] == "/health":
            proof = [(b"x-bench-token", self._token)] if self._token else []
            await _answer(send, 200, b'{"status":"ok"}', headers=proof)
        else:
            await _answer(send, 404, b"try /wait?ms=100&key=3\n", b"text/plain; charset=utf-8")


async def _answer(
    send: _Send,
    status: int,
    body: bytes,
    content_type: bytes = b"application/json",
    headers: list[tuple[bytes, bytes]] | None = None,
) -> None:
    all_headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body)), *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": all_headers})
    await send({"type": "http.response.body", "body": body})


app = WaitingApp.from_environment(os.environ)


def main() -> None:
    import uvicorn  # noqa: PLC0415 - under `uvicorn harness.services.upstream:app` it is there already

    parser = argparse.ArgumentParser(prog="python -m harness.services.upstream", description="The waiting upstream.")
    parser.add_argument("--port", type=int, default=9000, help="on 127.0.0.1; 0: any free one (default 9000)")
    port = parser.parse_args().port
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, timeout_keep_alive=_KEEP_ALIVE_S)


if __name__ == "__main__":
    main()
