"""A connection from a dependency, for 40 threads

`/db_io` of `sqlalchemy_sync` with one difference: a dependency takes the connection, and gives it back when the
response is done. FastAPI runs a `def` dependency in one of the same 40 threads as the endpoints. When many requests
come at once, 15 of them have a connection and wait for a thread to run their endpoint in; all 40 threads are taken by
dependencies that wait for a connection. Nobody can go on until they give up, with status 500: after 30 s where nobody
sets a `pool_timeout`, after half a second here.

Never do it. Take the connection in the endpoint and give it back there, as `sqlalchemy_sync` does, or have at least as
many connections as threads. The trap: under little load it works.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.orm import Session

from targets import _models, _work
from targets._work import Item, WaitMs

SERVICES = ["postgres"]
IN_FLIGHT = 15  # its calls to the upstream, too: each of them holds a connection
CONNECTIONS = 15


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    url = make_url(_work.database_url()).set(drivername="postgresql+psycopg")
    # 5 connections and 10 more: what SQLAlchemy gives if nobody says how many.
    app.state.engine = create_engine(url, pool_timeout=0.5)
    with _work.blocking_client() as app.state.client:
        yield
    app.state.engine.dispose()


app = FastAPI(lifespan=lifespan)


def connection() -> Iterator[Connection]:
    with app.state.engine.connect() as taken:
        yield taken


@app.get("/health")
async def health() -> dict[str, str]:
    # `async def` in every strategy: it says whether the event loop is free, not whether a thread is.
    return {"status": "ok"}


@app.get("/db_io")
def db_io(wait_ms: WaitMs, key: Item, connection: Annotated[Connection, Depends(connection)]) -> dict[str, int]:
    with Session(connection) as session, session.begin():
        session.add(_models.use(session.get_one(_models.ItemRow, key)))
    return {"key": key, "value": _work.fetch_blocking(app.state.client, wait_ms, key)}
