"""A thread pool with a bounded queue: 503 with Retry-After when it is full

`async_thread_pool`, but at most `queue` requests wait for one of its `threads`. Who comes when the queue is full gets
503 at once. Use it where more may come than can be served: without a bound everybody waits longer and longer, until all
answers are too late and the work for them is wasted; with it, those who are let in are answered in time.

The traps: the queue must be short enough for the deadline of its users: the last one in it waits for about
queue / threads jobs. A refusal costs CPU time, too, and clients that try again at once make it worse: hence
Retry-After. Work that holds the GIL (`/cpu`) keeps the event loop from running: then requests wait before it counts
them, and hardly any is refused. And each worker has a queue of its own, so it sees only its share of the load.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from fastapi import FastAPI, HTTPException

from targets import _work
from targets._work import Key, Kib, Rounds, Sigma, WaitMs

# As many threads as in `async_thread_pool`. As many again may wait: then nobody waits for more than about one job.
PARAMS = {"threads": 40, "queue": 40}
IN_FLIGHT = "threads"

THREADS = int(os.environ.get("BENCH_THREADS", PARAMS["threads"]))
QUEUE = int(os.environ.get("BENCH_QUEUE", PARAMS["queue"]))
RETRY_AFTER_S = 1

T = TypeVar("T")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.inside = 0  # running and waiting; only the event loop counts, so it needs no lock
    with _work.blocking_client() as app.state.client, ThreadPoolExecutor(THREADS) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


async def in_thread(job: Callable[..., T], *args: object) -> T:
    if app.state.inside >= THREADS + QUEUE:
        raise HTTPException(503, "busy: try again later", headers={"Retry-After": str(RETRY_AFTER_S)})
    app.state.inside += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(app.state.pool, job, *args)
    finally:
        app.state.inside -= 1


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/io")
async def io(wait_ms: WaitMs, key: Key) -> dict[str, int]:
    return {"key": key, "value": await in_thread(_work.fetch_blocking, app.state.client, wait_ms, key)}


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
