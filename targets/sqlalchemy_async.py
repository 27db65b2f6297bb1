"""async def with SQLAlchemy and asyncpg

The ORM in async code: `AsyncSession` runs SQLAlchemy's own blocking code in greenlets, so every query awaits. Use it
when the service is async and you want models rather than SQL. The session is given back before anything else is awaited
(`/db_io`).

The traps: the ORM's Python code runs on the event loop, where it costs several times what the driver costs. 15
connections by default, as in `sqlalchemy_sync`. A session that lives on while something else is awaited keeps its
connection: see `session_across_await`.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from targets import _models, _work
from targets._work import Item, WaitMs

SERVICES = ["postgres"]
PARAMS = {"connections": 15}
CONNECTIONS = "connections"

POOL_SIZE = int(os.environ.get("BENCH_CONNECTIONS", PARAMS["connections"]))


async def connect() -> asyncpg.Connection:
    # The driver reads the URL itself: what may stand in one (`?sslmode=`) differs between drivers.
    return await asyncpg.connect(_work.database_url())


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=connect, pool_size=POOL_SIZE, max_overflow=0
    )
    async with _work.aiohttp_session() as app.state.client:
        yield
    await app.state.engine.dispose()


app = FastAPI(lifespan=lifespan)


async def use_item(session: AsyncSession, key: int) -> int:
    """One transaction."""
    async with session.begin():
        item = await session.get_one(_models.ItemRow, key)
        value = item.value
        session.add(_models.use(item))
    return value


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/db")
async def db(wait_ms: WaitMs, key: Item) -> dict[str, int]:
    async with AsyncSession(app.state.engine) as session:
        await use_item(session, key)
        value = await session.scalar(_models.SLOW_QUERY, {"wait_s": wait_ms / 1000, "key": key})
    return {"key": key, "value": value}


@app.get("/db_io")
async def db_io(wait_ms: WaitMs, key: Item) -> dict[str, int]:
    async with AsyncSession(app.state.engine) as session:
        await use_item(session, key)
    # The connection is back in the pool: others use it while this request waits.
    return {"key": key, "value": await _work.fetch_aiohttp(app.state.client, wait_ms, key)}
