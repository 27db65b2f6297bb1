"""Plain def endpoints

FastAPI runs each `def` endpoint in one of AnyIO's worker threads, so blocking code never stalls the event loop. Use it
as the default for blocking libraries: nothing to configure and hard to get wrong.

The trap: there are 40 such threads per process, shared with sync dependencies, `UploadFile` and `FileResponse`. While
40 slow calls are in flight, every other `def` endpoint waits, even if the CPU is idle. CPU work gains nothing from
threads.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from targets import _work
from targets._work import Key, Rounds, WaitMs

IN_FLIGHT = 40  # AnyIO's default thread limiter


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    with _work.blocking_client() as app.state.client:
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


@app.get("/mixed")
def mixed(wait_ms: WaitMs, key: Key, rounds: Rounds) -> dict[str, int]:
    return {"key": key, "result": _work.mixed_blocking(app.state.client, wait_ms, key, rounds)}
