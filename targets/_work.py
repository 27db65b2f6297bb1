"""The work that all strategies do, in blocking and in async form. Only *how* it is executed differs between them.

Light to import, because the children of a process pool import it and a strategy's boot time is theirs: httpx comes
with the first client, aiohttp only with the strategy that uses it, and the bounds are `annotated_types` (what pydantic
reads) because FastAPI's `Query` would bring FastAPI into every child.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import threading
from typing import TYPE_CHECKING, Annotated

from annotated_types import Interval

if TYPE_CHECKING:
    import httpx

# Query parameters. Outside the bounds FastAPI answers 422.
WaitMs = Annotated[int, Interval(ge=0, le=10_000)]
Key = Annotated[int, Interval(ge=0, le=1_000_000)]
Rounds = Annotated[int, Interval(ge=1, le=1_000_000)]

FANOUT_CALLS = 3

# 256 requests in flight make up to 768 calls in `fanout`. Clients stop at 100 connections by default (httpx keeps
# only 20 of them, aiohttp all); then one would measure the client's queue instead of the strategy.
MAX_CONNECTIONS = 1024
# Below uvicorn's 5 s: the client must be the one that closes an idle connection. httpx's default is 5 s as well, and
# when both close at once a request meets the closing and fails.
KEEP_ALIVE_S = 4.0
TIMEOUT_S = 30.0
# A proxy that the environment names (HTTP_PROXY) has no business between us and a server on this machine.
TRUST_ENV = False


def upstream_url() -> str:
    return os.environ.get("BENCH_UPSTREAM", "http://127.0.0.1:9000")


def cores() -> int:
    """The cores this process may use (`os.cpu_count()` also counts those it may not)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# ------------------------------------------------------------------------------------------------------ compute


def crunch(seed_value: int, rounds: int) -> int:
    """Pure Python that never lets go of the GIL: the linear congruential generator that the C standard
    gives as an example of `rand`.

    Integers only, so that the answer is the same on every machine. About 0.1 us a round at 3 GHz: 20,000 are 2 ms.
    """
    state = seed_value
    for _ in range(rounds):
        state = (state * 1103515245 + 12345) % 2147483648
    return state


# --------------------------------------------------------------------------------------------------------- wait


def blocking_client() -> httpx.Client:
    """One client for the whole process, safe to share between threads. A client per request would make a TLS context
    and a connection each time."""
    import httpx  # noqa: PLC0415 - see the module's docstring

    return httpx.Client(base_url=upstream_url(), limits=_limits(), timeout=TIMEOUT_S, trust_env=TRUST_ENV)


def async_client() -> httpx.AsyncClient:
    """One client for the whole event loop."""
    import httpx  # noqa: PLC0415 - see the module's docstring

    return httpx.AsyncClient(base_url=upstream_url(), limits=_limits(), timeout=TIMEOUT_S, trust_env=TRUST_ENV)


def _limits() -> httpx.Limits:
    import httpx  # noqa: PLC0415 - see the module's docstring

    return httpx.Limits(
        max_connections=MAX_CONNECTIONS,
        max_keepalive_connections=MAX_CONNECTIONS,  # fewer would open a connection for most requests under load
        keepalive_expiry=KEEP_ALIVE_S,
    )


def fetch_blocking(client: httpx.Client, wait_ms: int, key: int) -> int:
    response = client.get("/wait", params={"ms": wait_ms, "key": key})
    response.raise_for_status()
    value: int = response.json()["value"]
    return value


async def fetch_async(client: httpx.AsyncClient, wait_ms: int, key: int) -> int:
    response = await client.get("/wait", params={"ms": wait_ms, "key": key})
    response.raise_for_status()
    value: int = response.json()["value"]
    return value


def mixed_blocking(client: httpx.Client, wait_ms: int, key: int, rounds: int) -> int:
    return crunch(fetch_blocking(client, wait_ms, key), rounds)


# ---------------------------------------------------------------------------------- the children of a process pool


@functools.cache
def process_client() -> httpx.Client:
    """This process's own client: a client cannot be sent to another process, so every child keeps one."""
    return blocking_client()


def fetch_in_child(wait_ms: int, key: int) -> int:
    return fetch_blocking(process_client(), wait_ms, key)


def mixed_in_child(wait_ms: int, key: int, rounds: int) -> int:
    return mixed_blocking(process_client(), wait_ms, key, rounds)


def start_child() -> None:
    """A pool's `initializer`."""
    # Ctrl-C in a terminal goes to the children too; the server is the one to end them, in its lifespan.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A pool's child waits on a queue whose writing end it holds itself, so it would never notice that the server was
    # killed, and live on for ever.
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
    """A first real job; says which child did it."""
    crunch(1, 10_000)
    return os.getpid()
