"""def endpoints with SQLAlchemy

The usual ORM in the usual endpoints: a `Session` in one of AnyIO's 40 threads. Use it as the default for blocking code
with a database. The session is given back before anything else is waited for (`/db_io`).

The traps: SQLAlchemy's pool has 5 connections, and 10 more that are closed when they come back, unless told otherwise
(`pool_size`, `max_overflow`): 40 threads share 15. A session takes its connection with its first query and keeps it
until `commit`, `rollback` or `close`: see `session_dependency`.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import create_engine, make_url
from sqlalchemy.orm import Session

from targets import _models, _work
from targets._work import Item, WaitMs

SERVICES = ["postgres"]
PARAMS = {"connections": 15}
IN_FLIGHT = 40  # AnyIO's default thread limiter
CONNECTIONS = "connections"

POOL_SIZE = int(os.environ.get("BENCH_CONNECTIONS", PARAMS["connections"]))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    url = make_url(_work.database_url()).set(drivername="postgresql+psycopg")
    app.state.engine = create_engine(url, pool_size=POOL_SIZE, max_overflow=0)
    with _work.blocking_client() as app.state.client:
        yield
    app.state.engine.dispose()


app = FastAPI(lifespan=lifespan)


def use_item(session: Session, key: int) -> int:
    """One transaction."""
    with session.begin():
        item = session.get_one(_models.ItemRow, key)
        value = item.value
        session.add(_models.use(item))
    return value


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/db")
def db(wait_ms: WaitMs, key: Item) -> dict[str, int]:
    with Session(app.state.engine) as session:
        use_item(session, key)
        value = session.scalar(_models.SLOW_QUERY, {"wait_s": wait_ms / 1000, "key": key})
    return {"key": key, "value": value}


@app.get("/db_io")
def db_io(wait_ms: WaitMs, key: Item) -> dict[str, int]:
    with Session(app.state.engine) as session:
        use_item(session, key)
    # The connection is back in the pool: others use it while this request waits.
    return {"key": key, "value": _work.fetch_blocking(app.state.client, wait_ms, key)}
