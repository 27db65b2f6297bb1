"""HTTP clients for a strategy that awaits its calls: what the client alone changes.

Each is a context manager for the lifespan, with at most so many connections, and gives `fetch(wait_ms, key, sigma)`. A
library is imported with its client only.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from targets import _work

# Of a wait in ms, a key, and maybe the sigma of a drawn wait.
Fetch = Callable[..., Awaitable[int]]

# As many as `sync_def` has threads, so that both can have the same number of calls under way.
BOUNDED_CONNECTIONS = 40


@asynccontextmanager
async def _httpx(connections: int) -> AsyncIterator[Fetch]:
    """One client for all requests. With more requests than connections the rest waits inside the client."""
    async with _work.async_client(connections) as client:
        yield functools.partial(_work.fetch_async, client)


@asynccontextmanager
async def _httpx_bounded(connections: int) -> AsyncIterator[Fetch]:
    """One client, and a pool that is smaller than the load: further requests wait inside the client."""
    async with _work.async_client(min(BOUNDED_CONNECTIONS, connections)) as client:
        yield functools.partial(_work.fetch_async, client)


@asynccontextmanager
async def _httpx_per_request(connections: int) -> AsyncIterator[Fetch]:
    """A new client for each call, as in many examples: a TLS context and a connection each time, nothing is reused. The
    limit is of one client, so it limits nothing."""

    async def fetch(wait_ms: int, key: int, sigma: float = 0.0) -> int:
        async with _work.async_client(connections) as client:
            return await _work.fetch_async(client, wait_ms, key, sigma)

    yield fetch


@asynccontextmanager
async def _httpx2(connections: int) -> AsyncIterator[Fetch]:
    """httpx's successor, with the same API."""
    import httpx2  # noqa: PLC0415 - see the module's docstring

    limits = httpx2.Limits(
        max_connections=connections,
        max_keepalive_connections=connections,
        keepalive_expiry=_work.KEEP_ALIVE_S,
    )
    async with httpx2.AsyncClient(
        base_url=_work.upstream_url(), limits=limits, timeout=_work.TIMEOUT_S, trust_env=_work.TRUST_ENV
    ) as client:
        yield functools.partial(_work.fetch_async, client)


@asynccontextmanager
async def _aiohttp(connections: int) -> AsyncIterator[Fetch]:
    """Another library. Its connector belongs to a running event loop, so it is made in the lifespan."""
    async with _work.aiohttp_session(connections) as session:
        yield functools.partial(_work.fetch_aiohttp, session)


CLIENTS: dict[str, Callable[[int], AbstractAsyncContextManager[Fetch]]] = {
    "httpx": _httpx,
    "httpx2": _httpx2,
    "aiohttp": _aiohttp,
    "httpx_bounded": _httpx_bounded,
    "httpx_per_request": _httpx_per_request,
}
