"""async def with a pool of interpreters in one process

The whole blocking job goes to an `InterpreterPoolExecutor` and is awaited: each of its threads has an interpreter with
a GIL of its own, so pure-Python CPU work uses all cores, as with a process pool, in one process. Use it where a process
for each core takes too much memory or too long to start.

The traps: a job imports what it needs once more in each interpreter, and many extension modules refuse that (pydantic's
core, Pillow, numpy): so jobs live in a module that imports little, and here is neither `/json` nor `/cpu_native`.
Arguments and results are pickled. An interpreter that waits for I/O does nothing else, so `interpreters` / wait is the
ceiling of `/io` and `/tail`.
"""

import asyncio
import os
import site
from collections.abc import AsyncIterator, Callable
from concurrent.futures import InterpreterPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from fastapi import FastAPI

from targets import _work
from targets._work import Key, Rounds, Sigma, WaitMs

PARAMS = {"interpreters": "cores"}
IN_FLIGHT = "interpreters"
REQUIRES = ">=3.14"

INTERPRETERS = int(os.environ.get("BENCH_INTERPRETERS", _work.cores()))

T = TypeVar("T")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # A new interpreter does not look for modules where the server was started, so it would not find `targets`. What
    # runs first in it is pickled by its name, so it must come from a module that is found: `site` is one of Python's.
    folder = str(Path(__file__).parents[1])
    with InterpreterPoolExecutor(INTERPRETERS, initializer=site.addsitedir, initargs=(folder,)) as app.state.pool:
        # They start when jobs come. Ready means that each has done one, so that no request pays for its imports.
        warm: set[int] = set()
        while len(warm) < INTERPRETERS:
            warm.update(await asyncio.gather(*(in_interpreter(_work.warm_up_with_client) for _ in range(INTERPRETERS))))
        yield


app = FastAPI(lifespan=lifespan)


async def in_interpreter(job: Callable[..., T], *args: object) -> T:
    return await asyncio.get_running_loop().run_in_executor(app.state.pool, job, *args)


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/io")
async def io(wait_ms: WaitMs, key: Key) -> dict[str, int]:
    return {"key": key, "value": await in_interpreter(_work.fetch_in_child, wait_ms, key)}


@app.get("/cpu")
async def cpu(rounds: Rounds, key: Key) -> dict[str, int]:
    return {"key": key, "result": await in_interpreter(_work.crunch, key, rounds)}


@app.get("/mixed")
async def mixed(wait_ms: WaitMs, key: Key, rounds: Rounds) -> dict[str, int]:
    return {"key": key, "result": await in_interpreter(_work.mixed_in_child, wait_ms, key, rounds)}


@app.get("/tail")
async def tail(wait_ms: WaitMs, sigma: Sigma, key: Key) -> dict[str, int]:
    return {"key": key, "value": await in_interpreter(_work.fetch_in_child, wait_ms, key, sigma)}
