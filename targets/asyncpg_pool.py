"""async def with asyncpg's pool

asyncpg speaks PostgreSQL's protocol itself, in compiled code, and only in async code: the least CPU time of the event
loop for each query. Use it when the queries are many and short.

The traps: it takes `$1`, not `%s`, and its own types. A pool has 10 connections unless told otherwise. When one is
given back the pool resets it, which is one more round trip. And as with every pool: what is above `connections` waits
in a queue that the event loop does not show.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI

from targets import _work
from targets._work import Item, WaitMs

SERVICES = ["postgres"]
PARAMS = {"connections": 15}
CONNECTIONS = "connections"

POOL_SIZE = int(os.environ.get("BENCH_CONNECTIONS", PARAMS["connections"]))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(_work.database_url(), min_size=POOL_SIZE, max_size=POOL_SIZE) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/db")
async def db(wait_ms: WaitMs, key: Item) -> dict[str, int]:
    async with app.state.pool.acquire(timeout=_work.TIMEOUT_S) as connection:
        async with connection.transaction():
            value = await connection.fetchval("SELECT value FROM fastapi_bench.items WHERE id = $1", key)
            await connection.execute("INSERT INTO fastapi_bench.events (item, value) VALUES ($1, $2)", key, value)
            await connection.execute("UPDATE fastapi_bench.items SET uses = uses + 1 WHERE id = $1", key)
        value = await connection.fetchval(
            "SELECT value FROM fastapi_bench.items, pg_sleep($1) WHERE id = $2", wait_ms / 1000, key
        )
    return {"key": key, "value": value}
