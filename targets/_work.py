"""The work that all strategies do, in blocking and in async form. Only *how* it is executed differs between them.

It imports little, because the children of a process pool import it and the strategy is ready only when they are. So
clients and pools are imported with the first one that is made, and Pillow with the first picture. The bounds are
`annotated_types` (which pydantic reads), because FastAPI's `Query` would import FastAPI in every child. What needs
pydantic itself is in `_orders`.
"""

from __future__ import annotations

import functools
import hashlib
import multiprocessing
import os
import signal
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from annotated_types import Interval

if TYPE_CHECKING:
    import aiohttp
    import httpx
    from PIL.Image import Image
    from psycopg import Connection
    from psycopg_pool import ConnectionPool

# Query parameters. Outside the bounds FastAPI answers 422.
WaitMs = Annotated[int, Interval(ge=0, le=10_000)]
Key = Annotated[int, Interval(ge=0, le=1_000_000)]
Item = Annotated[int, Interval(ge=1, le=1_000)]  # the key of a row
Rounds = Annotated[int, Interval(ge=1, le=1_000_000)]
Sigma = Annotated[float, Interval(ge=0, le=3)]
Kib = Annotated[int, Interval(ge=1, le=4096)]

FANOUT_CALLS = 3
PICTURE_PIXELS, THUMBNAIL_PIXELS = 512, 128  # to a side

# 256 requests in flight make up to 768 calls in `fanout`. By default clients open at most 100 connections (httpx keeps
# only 20 of them, aiohttp all). Then the client's queue would be measured, and not the strategy.
MAX_CONNECTIONS = 1024
# Below uvicorn's 5 s, so that the client closes an idle connection first. httpx's default is also 5 s: when both close
# at the same time, a request may be sent on a connection that is being closed, and fails.
KEEP_ALIVE_S = 4.0
TIMEOUT_S = 30.0
# A server on this machine is reached directly, not through a proxy that the environment names (HTTP_PROXY).
TRUST_ENV = False


def upstream_url() -> str:
    return os.environ.get("BENCH_UPSTREAM", "http://127.0.0.1:9000")


def cores() -> int:
    """The cores that this process may use (`os.cpu_count()` counts all cores of the machine)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# ------------------------------------------------------------------------------------------------------ compute


def crunch(seed_value: int, rounds: int) -> int:
    """Pure Python that holds the GIL: the linear congruential generator that the C standard gives as an example of
    `rand`.

    Integers only, so that the answer is the same on every machine. About 0.1 us a round at 3 GHz: 20,000 are 2 ms.
    """
    state = seed_value
    for _ in range(rounds):
        state = (state * 1103515245 + 12345) % 2147483648
    return state


def native(key: int, kib: int) -> str:
    """What services do to a body of `kib` KiB and to a picture, in C code that releases the GIL: compress, expand,
    hash, make a thumbnail.

    The answer depends on the contents only. What zlib makes of them differs between its versions, so it is expanded
    again; and every length in the picture is a power of two, so that no rounding depends on the machine.
    """
    body = b"%d\n" % key + _body(kib)
    digest = hashlib.sha256(zlib.decompress(zlib.compress(body)))
    digest.update(_thumbnail(key).tobytes())
    return digest.hexdigest()


@functools.lru_cache(maxsize=4)
def _body(kib: int) -> bytes:
    """Lines of a log; zlib makes them about six times smaller."""
    lines = []
    state = size = 0
    while size < kib * 1024:
        state = crunch(state, 1)
        fields = (size, state % 99_991, state % 9_973)
        line = b'{"order": %d, "customer": "c%05d", "cents": %d, "paid": true}\n' % fields
        lines.append(line)
        size += len(line)
    return b"".join(lines)[: kib * 1024]


def _thumbnail(key: int) -> Image:
    from PIL import Image  # noqa: PLC0415 - see the module's docstring

    left = key % 8 * 4  # another part of the picture for each key
    box = (left, 0, left + PICTURE_PIXELS, PICTURE_PIXELS)
    size = (THUMBNAIL_PIXELS, THUMBNAIL_PIXELS)
    return _picture().resize(size, Image.Resampling.BILINEAR, box)


@functools.cache
def _picture() -> Image:
    from PIL import Image  # noqa: PLC0415 - see the module's docstring

    red, green = Image.linear_gradient("L"), Image.radial_gradient("L")  # 256 pixels to a side
    colours = Image.merge("RGB", (red, green, red.rotate(90)))
    return colours.resize((2 * PICTURE_PIXELS, PICTURE_PIXELS), Image.Resampling.NEAREST)


# --------------------------------------------------------------------------------------------------------- wait


def blocking_client() -> httpx.Client:
    """One client for the whole process, safe to share between threads. A client per request would make a TLS context
    and a connection each time."""
    import httpx  # noqa: PLC0415 - see the module's docstring

    return httpx.Client(base_url=upstream_url(), limits=_limits(), timeout=TIMEOUT_S, trust_env=TRUST_ENV)


def async_client(connections: int = MAX_CONNECTIONS) -> httpx.AsyncClient:
    """One client for the whole event loop."""
    import httpx  # noqa: PLC0415 - see the module's docstring

    return httpx.AsyncClient(
        base_url=upstream_url(), limits=_limits(connections), timeout=TIMEOUT_S, trust_env=TRUST_ENV
    )


def _limits(connections: int = MAX_CONNECTIONS) -> httpx.Limits:
    import httpx  # noqa: PLC0415 - see the module's docstring

    return httpx.Limits(
        max_connections=connections,
        max_keepalive_connections=connections,  # fewer would open a connection for most requests under load
        keepalive_expiry=KEEP_ALIVE_S,
    )


def question(wait_ms: int, key: int, sigma: float) -> dict[str, int | float]:
    """The query of an upstream call. With `sigma` the wait is drawn: log-normal, with `wait_ms` as its median."""
    return {"ms": wait_ms, "key": key, "sigma": sigma} if sigma else {"ms": wait_ms, "key": key}


def fetch_blocking(client: httpx.Client, wait_ms: int, key: int, sigma: float = 0.0) -> int:
    response = client.get("/wait", params=question(wait_ms, key, sigma))
    response.raise_for_status()
    value: int = response.json()["value"]
    return value


async def fetch_async(client: httpx.AsyncClient, wait_ms: int, key: int, sigma: float = 0.0) -> int:
    response = await client.get("/wait", params=question(wait_ms, key, sigma))
    response.raise_for_status()
    value: int = response.json()["value"]
    return value


def aiohttp_session(connections: int = MAX_CONNECTIONS) -> aiohttp.ClientSession:
    """One for the whole event loop; call it where that runs. httpx, with as many requests in flight as a database pool
    does not hold back, would cost more than the database."""
    import aiohttp  # noqa: PLC0415 - see the module's docstring

    return aiohttp.ClientSession(
        base_url=upstream_url(),
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=KEEP_ALIVE_S),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        trust_env=TRUST_ENV,
    )


async def fetch_aiohttp(session: aiohttp.ClientSession, wait_ms: int, key: int, sigma: float = 0.0) -> int:
    async with session.get("/wait", params=question(wait_ms, key, sigma), raise_for_status=True) as response:
        value: int = (await response.json())["value"]
        return value


def mixed_blocking(client: httpx.Client, wait_ms: int, key: int, rounds: int) -> int:
    return crunch(fetch_blocking(client, wait_ms, key), rounds)


# ----------------------------------------------------------------------------------------------------- database

# One transaction, then a query that PostgreSQL answers after a wait. The row is updated last, so that other requests
# for the same row wait for as short a time as they can. psycopg's placeholders; `asyncpg_pool` has its own.
SELECT_ITEM = "SELECT value FROM fastapi_bench.items WHERE id = %s"
INSERT_EVENT = "INSERT INTO fastapi_bench.events (item, value) VALUES (%s, %s)"
UPDATE_ITEM = "UPDATE fastapi_bench.items SET uses = uses + 1 WHERE id = %s"
SLOW_QUERY = "SELECT value FROM fastapi_bench.items, pg_sleep(%s) WHERE id = %s"

POOL_READY_S = 10.0


def has_database() -> bool:
    return bool(os.environ.get("BENCH_POSTGRES"))


def database_url() -> str:
    """Such as `postgresql://user:password@host/name`."""
    if not has_database():
        raise RuntimeError("BENCH_POSTGRES is not set; give it the URL of a database with the schema fastapi_bench")
    return os.environ["BENCH_POSTGRES"]


@contextmanager
def blocking_pool(connections: int) -> Iterator[ConnectionPool | None]:
    """Connections for the whole process, safe to share between threads, all of them made at once: then no request pays
    for that. None where there is no database, so that the other workloads do not pay for it either."""
    if not has_database():
        yield None
        return
    from psycopg_pool import ConnectionPool  # noqa: PLC0415 - see the module's docstring

    # Without autocommit a query alone would be a transaction too, with two more round trips.
    options = {"autocommit": True}
    with ConnectionPool(
        database_url(), min_size=connections, max_size=connections, kwargs=options, timeout=TIMEOUT_S, open=False
    ) as pool:
        pool.wait(POOL_READY_S)
        yield pool


def use_item(connection: Connection, key: int) -> None:
    """One transaction."""
    with connection.transaction():
        (value,) = connection.execute(SELECT_ITEM, (key,)).fetchone()
        connection.execute(INSERT_EVENT, (key, value))
        connection.execute(UPDATE_ITEM, (key,))


def query_blocking(pool: ConnectionPool, wait_ms: int, key: int) -> int:
    with pool.connection() as connection:
        use_item(connection, key)
        (value,) = connection.execute(SLOW_QUERY, (wait_ms / 1000, key)).fetchone()
    return value


# ---------------------------------------------------------------------------------- the children of a process pool


@functools.cache
def process_client() -> httpx.Client:
    """This process's own client, or this interpreter's: a client cannot be sent to another one, so each keeps one."""
    return blocking_client()


def fetch_in_child(wait_ms: int, key: int, sigma: float = 0.0) -> int:
    return fetch_blocking(process_client(), wait_ms, key, sigma)


def mixed_in_child(wait_ms: int, key: int, rounds: int) -> int:
    return mixed_blocking(process_client(), wait_ms, key, rounds)


def start_child() -> None:
    """A pool's `initializer`."""
    # Ctrl-C in a terminal reaches the children too, but the server ends them, in its lifespan.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A pool's child waits for its queue, and holds the writing end of that queue itself. So it would not notice that
    # the server was killed, and would never end.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def start_child_with_client() -> None:
    start_child()
    process_client()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def warm_up() -> int:
    """A first real job; returns which thread did it: no other on this machine has that number, in whatever process."""
    crunch(1, 10_000)
    return threading.get_native_id()


def warm_up_with_client() -> int:
    process_client()
    return warm_up()
