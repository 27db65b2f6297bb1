"""Async fetch, then compute in a process pool

Each kind of work has the model that suits it: waiting is awaited on the event loop (many at once, and no process is
held), computing goes to a process pool (all cores, and the loop stays free). Use it when a request waits and then
computes on what it got.

The trap: what was fetched is pickled and sent to the child, so a large body can cost more than the pool saves. And the
event loop pays for the HTTP client's CPU time, see `pure_async`.
"""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI

from targets import _work
from targets._work import Key, Rounds, WaitMs

PARAMS = {"processes": "cores"}

PROCESSES = int(os.environ.get("BENCH_PROCESSES", _work.cores()))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # "forkserver", and every child is warm before the first request: see `async_process_pool`. These only compute.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["targets._work"])
    with ProcessPoolExecutor(PROCESSES, context, _work.start_child) as app.state.pool:
        warm: set[int] = set()
        loop = asyncio.get_running_loop()
        while len(warm) < PROCESSES:
            jobs = (loop.run_in_executor(app.state.pool, _work.warm_up) for _ in range(PROCESSES))
            warm.update(await asyncio.gather(*jobs))
        async with _work.async_client() as app.state.client:
            yield


app = FastAPI(lifespan=lifespan)


async def compute(seed_value: int, rounds: int) -> int:
    return await asyncio.get_running_loop().run_in_executor(app.state.pool, _work.crunch, seed_value, rounds)


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/io")
async def io(wait_ms: WaitMs, key: Key) -> dict[str, int]:
    return {"key": key, "value": await _work.fetch_async(app.state.client, wait_ms, key)}


@app.get("/cpu")
async def cpu(rounds: Rounds, key: Key) -> dict[str, int]:
    return {"key": key, "result": await compute(key, rounds)}


@app.get("/mixed")
async def mixed(wait_ms: WaitMs, key: Key, rounds: Rounds) -> dict[str, int]:
    value = await _work.fetch_async(app.state.client, wait_ms, key)
    return {"key": key, "result": await compute(value, rounds)}
