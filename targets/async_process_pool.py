"""async def with a process pool

The whole blocking job goes to a `ProcessPoolExecutor` and is awaited: each child has its own GIL, so pure-Python CPU
work uses all cores while the event loop stays free. Use it for CPU work that takes longer than the 0.2 to 0.4 ms that
sending a job to another process costs.

The traps: a child that waits for I/O is a whole process doing nothing, so `processes` / wait is the ceiling of `/io`.
Arguments and results are pickled. And how the children are started matters: see the lifespan.
"""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from fastapi import FastAPI, Response

from targets import _orders, _work
from targets._orders import Items
from targets._work import Key, Kib, Rounds, WaitMs

PARAMS = {"processes": "cores"}
IN_FLIGHT = "processes"

PROCESSES = int(os.environ.get("BENCH_PROCESSES", _work.cores()))

T = TypeVar("T")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # Not "fork" (the default on Linux up to Python 3.13): a fork of the server inherits its listening socket and its
    # signal handlers, so it survives SIGTERM and keeps the port; and forking a process that has threads may deadlock.
    # "forkserver" forks from a small clean process that has imported what the children need, once for all of them;
    # with "spawn" every child imports it again.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["targets._work", "httpx"])
    with ProcessPoolExecutor(PROCESSES, context, _work.start_child_with_client) as app.state.pool:
        # Children start when jobs come. Ready means that each of them has done one, so that no request pays for it.
        warm: set[int] = set()
        while len(warm) < PROCESSES:
            warm.update(await asyncio.gather(*(in_process(_work.warm_up) for _ in range(PROCESSES))))
        yield


app = FastAPI(lifespan=lifespan)


async def in_process(job: Callable[..., T], *args: object) -> T:
    return await asyncio.get_running_loop().run_in_executor(app.state.pool, job, *args)


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/io")
async def io(wait_ms: WaitMs, key: Key) -> dict[str, int]:
    return {"key": key, "value": await in_process(_work.fetch_in_child, wait_ms, key)}


@app.get("/cpu")
async def cpu(rounds: Rounds, key: Key) -> dict[str, int]:
    return {"key": key, "result": await in_process(_work.crunch, key, rounds)}


@app.get("/mixed")
async def mixed(wait_ms: WaitMs, key: Key, rounds: Rounds) -> dict[str, int]:
    return {"key": key, "result": await in_process(_work.mixed_in_child, wait_ms, key, rounds)}


@app.get("/cpu_native")
async def cpu_native(kib: Kib, key: Key) -> dict[str, int | str]:
    return {"key": key, "result": await in_process(_work.native, key, kib)}


@app.get("/json")
async def json(items: Items, key: Key) -> Response:
    # Sent back as bytes: pickling the objects would cost more than writing them here.
    return Response(await in_process(_orders.orders_json, key, items), media_type="application/json")
