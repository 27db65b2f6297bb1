"""async def with httpx.AsyncClient

Every wait is awaited, so one thread holds as many waiting requests as there are, and several calls of one request run
at once (`gather`). Use it for I/O when the client library is async all the way down.

Two traps. CPU work inside a coroutine blocks the loop just as a blocking call does (`/cpu`, `/mixed`). And the client
has a price: httpx looks through its whole connection pool at every request, which at 100 in flight costs more CPU than
FastAPI itself; compare `pure_async_aiohttp`, or this strategy with its other clients (`bench run --client`) or with
fewer connections (`bench sweep pure_async client_connections=10,20,40`).
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from targets import _clients, _orders, _work
from targets._orders import Items, Orders
from targets._work import Key, Kib, Rounds, Sigma, WaitMs

# More connections than any load needs: as `_work.MAX_CONNECTIONS`.
PARAMS = {"client": "httpx", "client_connections": 1024}
CHOICES = {"client": ["httpx", "httpx2", "aiohttp", "httpx_bounded", "httpx_per_request"]}
IN_FLIGHT = "client_connections"

CLIENT = os.environ.get("BENCH_CLIENT", PARAMS["client"])
CLIENT_CONNECTIONS = int(os.environ.get("BENCH_CLIENT_CONNECTIONS", PARAMS["client_connections"]))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with _clients.CLIENTS[CLIENT](CLIENT_CONNECTIONS) as app.state.fetch:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/io")
async def io(wait_ms: WaitMs, key: Key) -> dict[str, int]:
    return {"key": key, "value": await app.state.fetch(wait_ms, key)}


@app.get("/fanout")
async def fanout(wait_ms: WaitMs, key: Key) -> dict[str, int | list[int]]:
    calls = (app.state.fetch(wait_ms, key + i) for i in range(_work.FANOUT_CALLS))
    return {"key": key, "values": await asyncio.gather(*calls)}


@app.get("/cpu")
async def cpu(rounds: Rounds, key: Key) -> dict[str, int]:
    return {"key": key, "result": _work.crunch(key, rounds)}


@app.get("/mixed")
async def mixed(wait_ms: WaitMs, key: Key, rounds: Rounds) -> dict[str, int]:
    value = await app.state.fetch(wait_ms, key)
    return {"key": key, "result": _work.crunch(value, rounds)}


@app.get("/tail")
async def tail(wait_ms: WaitMs, sigma: Sigma, key: Key) -> dict[str, int]:
    return {"key": key, "value": await app.state.fetch(wait_ms, key, sigma)}


@app.get("/cpu_native")
async def cpu_native(kib: Kib, key: Key) -> dict[str, int | str]:
    return {"key": key, "result": _work.native(key, kib)}


@app.get("/json", response_model=Orders)
async def json(items: Items, key: Key) -> dict[str, object]:
    return _orders.rows(key, items)
