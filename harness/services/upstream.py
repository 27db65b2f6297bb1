"""The HTTP service that the targets call: `GET /wait?ms=100&key=3` waits, then answers `{"key": 3, "value": 10}`.

A bare ASGI callable: it must never be the bottleneck, so there is no framework around it. The harness runs it under
uvicorn (`Upstream.command`); by hand it is `python -m harness.services.upstream --port 9000`.

`ms` is the fixed wait or, with `sigma` > 0, the median of a log-normal one. A wait is drawn from the seed, the key and
how often this key was asked before, and from nothing else: two strategies that ask for the same keys, in whatever
order, meet the same waits. `GET /begin?seed=...` sets the seed and counts from the beginning again. No answer is ever
sent before `shortest_wait_ms(ms, sigma)` has passed.

Environment: BENCH_UPSTREAM_SIGMA (default 0, what a request without `sigma` gets), BENCH_UPSTREAM_SEED (default 1),
BENCH_TOKEN (when set, `/health` sends it back as `x-bench-token`).
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from hashlib import blake2b
from statistics import NormalDist
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, quote

from harness.processes.ask import ask
from harness.services.service import Service

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]

MAX_WAIT_MS = 60_000.0
MAX_SIGMA = 3.0
# A log-normal has no minimum: without a floor "no answer faster than the wait" could not be checked at all. Half the
# median cuts 1 % of the draws at sigma 0.3, and 8 % at 0.5.
FLOOR_OF_MEDIAN = 0.5

_TOKEN_HEADER = "x-bench-token"
_TIMER_S = 0.001
_BEGIN_S = 5.0
_NORMAL = NormalDist()
# Longer than any client keeps an idle connection: the side that closes first must not be the one that gets requests,
# or a request meets a closing connection and fails. uvicorn's default is 5 s.
_KEEP_ALIVE_S = 75


class Upstream(Service):
    """Found by the harness."""

    def command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "uvicorn", "--factory", "harness.services.upstream:app_from_environment"),
            *("--host", self.order.host, "--port", str(self.order.port), "--loop", "uvloop", "--http", "httptools"),
            *("--log-level", "warning", "--no-access-log", "--lifespan", "off", "--backlog", "4096"),
            *("--timeout-keep-alive", str(_KEEP_ALIVE_S)),
        ]

    def environment(self) -> dict[str, str]:
        return {
            "BENCH_TOKEN": self.order.token,
            "BENCH_UPSTREAM_SIGMA": str(self.order.wait_sigma),
            "BENCH_UPSTREAM_SEED": str(self.order.seed),
        }

    @property
    def address(self) -> str:
        return f"http://{self.order.host}:{self.order.port}"

    def is_ready(self, timeout_s: float) -> bool:
        answer = ask(self.order.host, self.order.port, "/health", timeout_s=timeout_s)
        return answer.headers.get(_TOKEN_HEADER) == self.order.token

    def begin(self, seed: str) -> None:
        ask(self.order.host, self.order.port, f"/begin?seed={quote(seed)}", timeout_s=_BEGIN_S)


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

    def __init__(self, sigma: float, seed: str, token: str) -> None:
        self._sigma = sigma
        self._token = token.encode("latin-1")
        self.begin(seed)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> WaitingApp:
        sigma = float(environment.get("BENCH_UPSTREAM_SIGMA", "0"))
        if not 0 <= sigma <= MAX_SIGMA:
            raise ValueError(f"BENCH_UPSTREAM_SIGMA={sigma}: not within 0..{MAX_SIGMA:.0f}")
        return cls(sigma, environment.get("BENCH_UPSTREAM_SEED", "1"), environment.get("BENCH_TOKEN", ""))

    def begin(self, seed: str) -> None:
        """From now on the waits of `seed`, each key's from its first one on."""
        self._seed = blake2b(seed.encode()).digest()  # as a key of the next ones: at most 64 bytes
        self._asked: Counter[int] = Counter()

    def draw_ms(self, question: Question) -> float:
        """The next wait for this key; a fixed wait takes nothing from its sequence."""
        ms, key, sigma = question
        if not sigma:
            return ms
        count = self._asked[key]
        self._asked[key] = count + 1
        drawn_ms = ms * math.exp(sigma * _standard_normal(b"%d/%d" % (key, count), self._seed))
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
            await wait_until(arrived_s + self.draw_ms(question) / 1000)
            await _answer(send, 200, b'{"key":%d,"value":%d}' % (question.key, value_of(question.key)))
        elif scope["path"] == "/health":
            proof = [(_TOKEN_HEADER.encode(), self._token)] if self._token else []
            await _answer(send, 200, b'{"status":"ok"}', headers=proof)
        elif scope["path"] == "/begin":
            self.begin("".join(parse_qs(scope["query_string"].decode("latin-1")).get("seed", [])))
            await _answer(send, 200, b'{"status":"ok"}')
        else:
            await _answer(send, 404, b"try /wait?ms=100&key=3\n", b"text/plain; charset=utf-8")


def _standard_normal(what: bytes, seed: bytes) -> float:
    """A draw that depends on `what` and `seed` alone, in 1 us; a seeded `Random` for each one would take 6."""
    bits = int.from_bytes(blake2b(what, digest_size=8, key=seed).digest()) >> 11
    return _NORMAL.inv_cdf((bits + 0.5) / (1 << 53))


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


def app_from_environment() -> WaitingApp:
    return WaitingApp.from_environment(os.environ)


def main() -> None:
    import uvicorn  # noqa: PLC0415 - the harness imports this module too, and needs no uvicorn

    parser = argparse.ArgumentParser(prog="python -m harness.services.upstream", description="The waiting upstream.")
    parser.add_argument("--port", type=int, default=9000, help="on 127.0.0.1; 0: any free one (default 9000)")
    port = parser.parse_args().port
    uvicorn.run(app_from_environment(), host="127.0.0.1", port=port, access_log=False, timeout_keep_alive=_KEEP_ALIVE_S)


if __name__ == "__main__":
    main()
