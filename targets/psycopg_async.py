"""async def with psycopg's async pool

psycopg 3 speaks to PostgreSQL in blocking and in async code with the same words; this is `/db` of `sync_def` with
`await`. Use it when the rest of the service is async too, or may become so.

The trap: the event loop can hold any number of waiting requests, the pool cannot. What is above `connections` waits in
the pool's queue, and the loop looks free. Measure how long (`wait for a connection` in the report) before you give more
threads, workers or loops to it.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool

from targets import _work
from targets._work import Item, WaitMs

SERVICES = ["postgres"]
PARAMS = {"connections": 15}
CONNECTIONS = "connections"

POOL_SIZE = int(os.environ.get("BENCH_CONNECTIONS", PARAMS["connections"]))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with AsyncConnectionPool(
        _work.database_url(),
        min_size=POOL_SIZE,
        max_size=POOL_SIZE,
        kwargs={"autocommit": True},
        timeout=_work.TIMEOUT_S,
        open=False,  # the `with` opens it, in the running event loop
    ) as app.state.pool:
        await app.state.pool.wait(_work.POOL_READY_S)
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/db")
async def db(wait_ms: WaitMs, key: Item) -> dict[str, int]:
    async with app.state.pool.connection() as connection:
        async with connection.transaction():
            (value,) = await (await connection.execute(_work.SELECT_ITEM, (key,))).fetchone()
            await connection.execute(_work.INSERT_EVENT, (key, value))
            await connection.execute(_work.UPDATE_ITEM, (key,))
        (value,) = await (await connection.execute(_work.SLOW_QUERY, (wait_ms / 1000, key))).fetchone()
    return {"key": key, "value": value}
