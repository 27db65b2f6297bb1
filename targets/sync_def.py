"""Plain def endpoints

FastAPI runs each `def` endpoint in one of AnyIO's worker threads, so blocking code never stalls the event loop. Use it
as the default for blocking libraries: nothing to configure and hard to get wrong.

The trap: there are 40 such threads per process, shared with sync dependencies, `UploadFile` and `FileResponse`. While
40 slow calls are in flight, every other `def` endpoint waits, even if the CPU is idle. CPU work gains nothing from
threads. And what the threads share may be less than they are: 40 threads that need one of 15 database connections
(`/db`) are 15 that work and 25 that wait.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI

from targets import _orders, _work
from targets._orders import Items, Orders
from targets._work import Item, Key, Kib, Rounds, Sigma, WaitMs

# AnyIO's default, and what SQLAlchemy gives if nobody says how many.
PARAMS = {"tokens": 40, "connections": 15}
IN_FLIGHT = "tokens"
CONNECTIONS = "connections"

TOKENS = int(os.environ.get("BENCH_TOKENS", PARAMS["tokens"]))
POOL_SIZE = int(os.environ.get("BENCH_CONNECTIONS", PARAMS["connections"]))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    to_thread.current_default_thread_limiter().total_tokens = TOKENS
    with _work.blocking_client() as app.state.client, _work.blocking_pool(POOL_SIZE) as app.state.database:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/io")
def io(wait_ms: WaitMs, key: Key) -> dict[str, int]:
    return {"key": key, "value": _work.fetch_blocking(app.state.client, wait_ms, key)}


@app.get("/fanout")
def fanout(wait_ms: WaitMs, key: Key) -> dict[str, int | list[int]]:
    values = [_work.fetch_blocking(app.state.client, wait_ms, key + i) for i in range(_work.FANOUT_CALLS)]
    return {"key": key, "values": values}


@app.get("/cpu")
def cpu(rounds: Rounds, key: Key) -> dict[str, int]:
    return {"key": key, "result": _work.crunch(key, rounds)}


@app.get("/db")
def db(wait_ms: WaitMs, key: Item) -> dict[str, int]:
    return {"key": key, "value": _work.query_blocking(app.state.database, wait_ms, key)}


@app.get("/db_io")
def db_io(wait_ms: WaitMs, key: Item) -> dict[str, int]:
    with app.state.database.connection() as connection:
        _work.use_item(connection, key)
    # The connection is back in the pool: others use it while this request waits.
    return {"key": key, "value": _work.fetch_blocking(app.state.client, wait_ms, key)}


@app.get("/mixed")
def mixed(wait_ms: WaitMs, key: Key, rounds: Rounds) -> dict[str, int]:
    return {"key": key, "result": _work.mixed_blocking(app.state.client, wait_ms, key, rounds)}


@app.get("/tail")
def tail(wait_ms: WaitMs, sigma: Sigma, key: Key) -> dict[str, int]:
    return {"key": key, "value": _work.fetch_blocking(app.state.client, wait_ms, key, sigma)}


@app.get("/cpu_native")
def cpu_native(kib: Kib, key: Key) -> dict[str, int | str]:
    return {"key": key, "result": _work.native(key, kib)}


@app.get("/json", response_model=Orders)
def json(items: Items, key: Key) -> dict[str, object]:
    return _orders.rows(key, items)
