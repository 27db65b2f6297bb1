"""HTTP clients for a strategy that awaits its calls: what the client alone changes.

Each is a context manager for the lifespan, and gives `fetch(wait_ms, key, sigma)`. A library is imported with its
client only.
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
async def _httpx() -> AsyncIterator[Fetch]:
    """One client for all requests, with more connections than any load needs."""
    async with _work.async_client() as client:
        yield functools.partial(_work.fetch_async, client)


@asynccontextmanager
async def _httpx_bounded() -> AsyncIterator[Fetch]:
    """One client, and a pool that is smaller than the load: further requests wait inside the client."""
    async with _work.async_client(BOUNDED_CONNECTIONS) as client:
        yield functools.partial(_work.fetch_async, client)


@asynccontextmanager
async def _httpx_per_request() -> AsyncIterator[Fetch]:
    """A new client for each call, as in many examples: a TLS context and a connection each time, nothing is reused."""

    async def fetch(wait_ms: int, key: int, sigma: float = 0.0) -> int:
        async with _work.async_client() as client:
            return await _work.fetch_async(client, wait_ms, key, sigma)

    yield fetch


@asynccontextmanager
async def _httpx2() -> AsyncIterator[Fetch]:
    """httpx's successor, with the same API."""
    import httpx2  # noqa: PLC0415 - see the module's docstring

    limits = httpx2.Limits(
        max_connections=_work.MAX_CONNECTIONS,
        max_keepalive_connections=_work.MAX_CONNECTIONS,
        keepalive_expiry=_work.KEEP_ALIVE_S,
    )
    async with httpx2.AsyncClient(
        base_url=_work.upstream_url(), limits=limits, timeout=_work.TIMEOUT_S, trust_env=_work.TRUST_ENV
    ) as client:
        yield functools.partial(_work.fetch_async, client)


@asynccontextmanager
async def _aiohttp() -> AsyncIterator[Fetch]:
    """Another library. Its connector belongs to a running event loop, so it is made in the lifespan."""
    async with _work.aiohttp_session() as session:
        yield functools.partial(_work.fetch_aiohttp, session)


CLIENTS: dict[str, Callable[[], AbstractAsyncContextManager[Fetch]]] = {
    "httpx": _httpx,
    "httpx2": _httpx2,
    "aiohttp": _aiohttp,
    "httpx_bounded": _httpx_bounded,
    "httpx_per_request": _httpx_per_request,
}
