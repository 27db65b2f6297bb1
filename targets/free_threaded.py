"""async def with a thread pool, on a Python without the GIL

The same as `async_thread_pool`, on a free-threaded build: there threads run Python code at the same time, so CPU work
uses all cores without processes, pickling and a copy of the memory for each core. Use it when every extension module
that you import is made for such a build.

The traps: one that is not made for it brings the GIL back when it is imported, for good, and nothing fails. So this app
does not start then. A single thread is slower than with the GIL. And code that only the GIL kept safe is not safe.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from fastapi import FastAPI, Response

from targets import _orders, _work
from targets._orders import Items
from targets._work import Key, Kib, Rounds, Sigma, WaitMs

# As many as in `async_thread_pool`: then the two differ in the GIL only, not in the size.
PARAMS = {"threads": 40}
IN_FLIGHT = "threads"
REQUIRES = ">=3.14t"  # t: without the GIL

THREADS = int(os.environ.get("BENCH_THREADS", PARAMS["threads"]))

T = TypeVar("T")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    with _work.blocking_client() as app.state.client, ThreadPoolExecutor(THREADS) as app.state.pool:
        # Asked when everything is imported.
        if sys._is_gil_enabled():
            raise RuntimeError("the GIL is on: an extension module has brought it back, or PYTHON_GIL=1")
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
