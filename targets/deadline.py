"""A deadline for each request: 504 when it is over

`pure_async_aiohttp` with `asyncio.timeout` around the work. What is not done after `deadline_ms` is given up: the
upstream call is cancelled, the client gets 504 instead of an answer that nobody waits for any more, and the log says
which operation it was. What is done, but took longer than `slow_ms`, is logged too. Use it wherever a late answer is
worth nothing: a slow upstream then costs its connections for `deadline_ms` at most.

The traps: a deadline acts only where something is awaited, so it stops neither a computation nor a blocking call. It
does not cancel a thread either: behind `run_in_executor` the job goes on and holds its thread. And it counts from the
moment when the endpoint begins: a request that waits in the socket of a busy event loop is late before that.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from time import monotonic
from typing import TypeVar

from fastapi import FastAPI, HTTPException

from targets import _work
from targets._work import Key, Sigma, WaitMs

PARAMS = {"deadline_ms": 250, "slow_ms": 200}

DEADLINE_S = int(os.environ.get("BENCH_DEADLINE_MS", PARAMS["deadline_ms"])) / 1000
SLOW_S = int(os.environ.get("BENCH_SLOW_MS", PARAMS["slow_ms"])) / 1000

slow_operations = logging.getLogger("slow_operations")

T = TypeVar("T")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with _work.aiohttp_session() as app.state.session:
        yield


app = FastAPI(lifespan=lifespan)


async def in_time(operation: str, work: Awaitable[T]) -> T:
    """The result of `work`, or 504."""
    began_s = monotonic()
    try:
        async with asyncio.timeout(DEADLINE_S) as deadline:
            return await work
    except TimeoutError:
        if not deadline.expired():  # another timeout, such as the client's own
            raise
        raise HTTPException(504, f"{operation}: not done within {DEADLINE_S:g} s") from None
    finally:
        took_s = monotonic() - began_s
        if took_s > SLOW_S:
            ended = ", given up" if deadline.expired() else ""
            slow_operations.warning("%s took %.0f ms%s", operation, 1000 * took_s, ended)


def fetch(wait_ms: int, key: int, sigma: float = 0.0) -> Awaitable[int]:
    return _work.fetch_aiohttp(app.state.session, wait_ms, key, sigma)


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/io")
async def io(wait_ms: WaitMs, key: Key) -> dict[str, int]:
    return {"key": key, "value": await in_time(f"/io key={key}", fetch(wait_ms, key))}


@app.get("/fanout")
async def fanout(wait_ms: WaitMs, key: Key) -> dict[str, int | list[int]]:
    calls = (fetch(wait_ms, key + i) for i in range(_work.FANOUT_CALLS))
    return {"key": key, "values": await in_time(f"/fanout key={key}", asyncio.gather(*calls))}


@app.get("/tail")
async def tail(wait_ms: WaitMs, sigma: Sigma, key: Key) -> dict[str, int]:
    return {"key": key, "value": await in_time(f"/tail key={key}", fetch(wait_ms, key, sigma))}
