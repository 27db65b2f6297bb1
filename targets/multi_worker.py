"""One uvicorn worker per core, plain def endpoints

`uvicorn --workers N` starts N processes that share the listening socket: N event loops, N times 40 threads, and N cores
for pure-Python code. Use it to use more than one core without changing any code.

The traps: every worker has its own memory, connection pools and caches. The worker that accepts first gets the
connection, so the load can be uneven. More workers than cores only cost memory.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from targets import _orders, _work
from targets._orders import Items, Orders
from targets._work import Key, Kib, Rounds, Sigma, WaitMs

SERVER = {"workers": "cores"}
IN_FLIGHT = 40  # per worker: AnyIO's default thread limiter


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


@app.get("/cpu")
def cpu(rounds: Rounds, key: Key) -> dict[str, int]:
    return {"key": key, "result": _work.crunch(key, rounds)}


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
