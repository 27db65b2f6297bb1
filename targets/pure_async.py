"""async def with httpx.AsyncClient

Every wait is awaited, so one thread holds as many waiting requests as there are, and several calls of one request run
at once (`gather`). Use it for I/O when the client library is async all the way down.

Two traps. CPU work inside a coroutine blocks the loop just as a blocking call does (`/cpu`, `/mixed`). And the client
has a price: httpx looks through its whole connection pool at every request, which at 100 in flight costs more CPU than
FastAPI itself; compare `pure_async_aiohttp`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from targets import _work
from targets._work import Key, Rounds, WaitMs


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with _work.async_client() as app.state.client:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/io")
async def io(wait_ms: WaitMs, key: Key) -> dict[str, int]:
    return {"key": key, "value": await _work.fetch_async(app.state.client, wait_ms, key)}


@app.get("/fanout")
async def fanout(wait_ms: WaitMs, key: Key) -> dict[str, int | list[int]]:
    calls = (_work.fetch_async(app.state.client, wait_ms, key + i) for i in range(_work.FANOUT_CALLS))
    return {"key": key, "values": await asyncio.gather(*calls)}


@app.get("/cpu")
async def cpu(rounds: Rounds, key: Key) -> dict[str, int]:
    return {"key": key, "result": _work.crunch(key, rounds)}


@app.get("/mixed")
async def mixed(wait_ms: WaitMs, key: Key, rounds: Rounds) -> dict[str, int]:
    value = await _work.fetch_async(app.state.client, wait_ms, key)
    return {"key": key, "result": _work.crunch(value, rounds)}
