"""async def with aiohttp

The same code as `pure_async` with another HTTP client, to show what the client library alone changes. Use it when an
async service makes many outgoing calls at once.

The traps are those of `pure_async`: CPU work blocks the loop. And aiohttp allows 100 connections unless told otherwise,
which would be the bottleneck long before the event loop.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from fastapi import FastAPI

from targets import _work
from targets._work import Key, Rounds, Sigma, WaitMs


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # The connector belongs to a running event loop, so it cannot be made at module level.
    async with aiohttp.ClientSession(
        base_url=_work.upstream_url(),
        connector=aiohttp.TCPConnector(limit=_work.MAX_CONNECTIONS, keepalive_timeout=_work.KEEP_ALIVE_S),
        timeout=aiohttp.ClientTimeout(total=_work.TIMEOUT_S),
        trust_env=_work.TRUST_ENV,
    ) as app.state.session:
        yield


app = FastAPI(lifespan=lifespan)


async def fetch(wait_ms: int, key: int, sigma: float = 0.0) -> int:
    session: aiohttp.ClientSession = app.state.session
    async with session.get("/wait", params=_work.question(wait_ms, key, sigma), raise_for_status=True) as response:
        value: int = (await response.json())["value"]
        return value


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/io")
async def io(wait_ms: WaitMs, key: Key) -> dict[str, int]:
    return {"key": key, "value": await fetch(wait_ms, key)}


@app.get("/fanout")
async def fanout(wait_ms: WaitMs, key: Key) -> dict[str, int | list[int]]:
    calls = (fetch(wait_ms, key + i) for i in range(_work.FANOUT_CALLS))
    return {"key": key, "values": await asyncio.gather(*calls)}


@app.get("/cpu")
async def cpu(rounds: Rounds, key: Key) -> dict[str, int]:
    return {"key": key, "result": _work.crunch(key, rounds)}


@app.get("/mixed")
async def mixed(wait_ms: WaitMs, key: Key, rounds: Rounds) -> dict[str, int]:
    return {"key": key, "result": _work.crunch(await fetch(wait_ms, key), rounds)}


@app.get("/tail")
async def tail(wait_ms: WaitMs, sigma: Sigma, key: Key) -> dict[str, int]:
    return {"key": key, "value": await fetch(wait_ms, key, sigma)}
