"""A session that is held across an await

`/db_io` of `sqlalchemy_async` with one difference: the session comes from a dependency, so it lives until the response
is done, and `refresh` after the commit has made it take a connection again. While the request awaits the upstream, its
connection does nothing, and nobody else can have it: `connections` / wait is all that this can answer, although the
event loop is free and the database idle.

Never do it. End the session before you await something else, as `sqlalchemy_async` does. The trap: nothing fails, and
neither the loop's lag nor the CPU shows it; only the wait for a connection does.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from targets import _models, _work
from targets._work import Item, WaitMs

SERVICES = ["postgres"]
PARAMS = {"connections": 15}
IN_FLIGHT = "connections"  # also its calls to the upstream: each of them holds a connection
CONNECTIONS = "connections"

POOL_SIZE = int(os.environ.get("BENCH_CONNECTIONS", PARAMS["connections"]))


async def connect() -> asyncpg.Connection:
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


async def session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(app.state.engine) as opened:
        yield opened


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/db_io")
async def db_io(wait_ms: WaitMs, key: Item, session: Annotated[AsyncSession, Depends(session)]) -> dict[str, int]:
    item = await session.get_one(_models.ItemRow, key)
    session.add(_models.use(item))
    await session.commit()
    await session.refresh(item)  # a query, and so a new transaction, which nobody ends before the response is done
    return {"key": key, "value": await _work.fetch_aiohttp(app.state.client, wait_ms, item.id)}
