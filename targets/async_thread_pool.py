"""async def with its own thread pool

Blocking code is handed to a `ThreadPoolExecutor` with `run_in_executor` and awaited. Use it to give one slow, blocking
dependency threads of its own, so that it cannot eat the 40 that all `def` endpoints share.

The traps: the size is a ceiling on calls in flight (threads / wait), and `run_in_executor(None, ...)` uses a default
pool of only min(32, cores + 4) threads. Threads do not make pure-Python CPU work faster.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from fastapi import FastAPI, Response

from targets import _orders, _work
from targets._orders import Items
from targets._work import Key, Kib, Rounds, Sigma, WaitMs

# As many as AnyIO gives to `sync_def`: then the two differ in the mechanism only, not in the size.
PARAMS = {"threads": 40}
IN_FLIGHT = "threads"

THREADS = int(os.environ.get("BENCH_THREADS", PARAMS["threads"]))

T = TypeVar("T")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    with _work.blocking_client() as app.state.client, ThreadPoolExecutor(THREADS) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


async def in_thread(job: Callable[..., T], *args: object) -> T:
    return await asyncio.get_running_loop().run_in_executor(app.state.pool, job, *args)


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/io")
async def io(wait_ms: WaitMs, key: Key) -> dict[str, int]:
    return {"key": key, "value": await in_thread(_work.fetch_blocking, app.state.client, wait_ms, key)}


@app.get("/fanout")
async def fanout(wait_ms: WaitMs, key: Key) -> dict[str, int | list[int]]:
    calls = (in_thread(_work.fetch_blocking, app.state.client, wait_ms, key + i) for i in range(_work.FANOUT_CALLS))
    return {"key": key, "values": await asyncio.gather(*calls)}


@app.get("/cpu")
async def cpu(rounds: Rounds, key: Key) -> dict[str, int]:
    return {"key": key, "result": await in_thread(_work.crunch, key, rounds)}


@app.get("/mixed")
async def mixed(wait_ms: WaitMs, key: Key, rounds: Rounds) -> dict[str, int]:
    return {"key": key, "result": await in_thread(_work.mixed_blocking, app.state.client, wait_ms, key, rounds)}


@app.get("/tail")
async def tail(wait_ms: WaitMs, sigma: Sigma, key: Key) -> dict[str, int]:
    return {"key": key, "value": await in_thread(_work.fetch_blocking, app.state.client, wait_ms, key, sigma)}


@app.get("/cpu_native")
async def cpu_native(kib: Kib, key: Key) -> dict[str, int | str]:
    return {"key": key, "result": await in_thread(_work.native, key, kib)}


@app.get("/json")
async def json(items: Items, key: Key) -> Response:
    return Response(await in_thread(_orders.orders_json, key, items), media_type="application/json")
