"""Blocking calls inside async def

The most common mistake: the endpoint is a coroutine, what it calls is not. While one request waits for the upstream,
the event loop stands still, and with it every other request and `/health`. Throughput is 1 / wait, whatever the load.

Never use it. The trap: nothing fails. It answers correctly, passes every test, and only collapses under load.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from targets import _orders, _work
from targets._orders import Items, Orders
from targets._work import Item, Key, Kib, Rounds, Sigma, WaitMs

PARAMS = {"connections": 15}  # as in `sync_def`; all but one are idle here
IN_FLIGHT = 1  # the event loop itself makes the call
CONNECTIONS = "connections"

POOL_SIZE = int(os.environ.get("BENCH_CONNECTIONS", PARAMS["connections"]))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    with _work.blocking_client() as app.state.client, _work.blocking_pool(POOL_SIZE) as app.state.database:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/io")
async def io(wait_ms: WaitMs, key: Key) -> dict[str, int]:
    return {"key": key, "value": _work.fetch_blocking(app.state.client, wait_ms, key)}


@app.get("/fanout")
async def fanout(wait_ms: WaitMs, key: Key) -> dict[str, int | list[int]]:
    values = [_work.fetch_blocking(app.state.client, wait_ms, key + i) for i in range(_work.FANOUT_CALLS)]
    return {"key": key, "values": values}


@app.get("/cpu")
async def cpu(rounds: Rounds, key: Key) -> dict[str, int]:
    return {"key": key, "result": _work.crunch(key, rounds)}


@app.get("/db")
async def db(wait_ms: WaitMs, key: Item) -> dict[str, int]:
    return {"key": key, "value": _work.query_blocking(app.state.database, wait_ms, key)}


@app.get("/mixed")
async def mixed(wait_ms: WaitMs, key: Key, rounds: Rounds) -> dict[str, int]:
    return {"key": key, "result": _work.mixed_blocking(app.state.client, wait_ms, key, rounds)}


@app.get("/tail")
async def tail(wait_ms: WaitMs, sigma: Sigma, key: Key) -> dict[str, int]:
    return {"key": key, "value": _work.fetch_blocking(app.state.client, wait_ms, key, sigma)}


@app.get("/cpu_native")
async def cpu_native(kib: Kib, key: Key) -> dict[str, int | str]:
    return {"key": key, "result": _work.native(key, kib)}


@app.get("/json", response_model=Orders)
async def json(items: Items, key: Key) -> dict[str, object]:
    return _orders.rows(key, items)
