"""executor.submit(...).result() inside async def

It looks like a thread pool, but `.result()` is a blocking call: the event loop stands still until the thread is done,
so one request runs at a time and the pool's other threads are never used. It is as slow as `fake_async`, whatever pool
it waits for.

Never use it. Write `await loop.run_in_executor(pool, ...)` instead: see `async_thread_pool`.
"""

import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI

from targets import _work
from targets._work import Key, Rounds, WaitMs

PARAMS = {"threads": 40}  # as in `async_thread_pool`; the number changes nothing here
IN_FLIGHT = 1  # the event loop waits for each

THREADS = int(os.environ.get("BENCH_THREADS", PARAMS["threads"]))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    with _work.blocking_client() as app.state.client, ThreadPoolExecutor(THREADS) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/io")
async def io(wait_ms: WaitMs, key: Key) -> dict[str, int]:
    future = app.state.pool.submit(_work.fetch_blocking, app.state.client, wait_ms, key)
    return {"key": key, "value": future.result()}


@app.get("/cpu")
async def cpu(rounds: Rounds, key: Key) -> dict[str, int]:
    future = app.state.pool.submit(_work.crunch, key, rounds)
    return {"key": key, "result": future.result()}


@app.get("/mixed")
async def mixed(wait_ms: WaitMs, key: Key, rounds: Rounds) -> dict[str, int]:
    future = app.state.pool.submit(_work.mixed_blocking, app.state.client, wait_ms, key, rounds)
    return {"key": key, "result": future.result()}
