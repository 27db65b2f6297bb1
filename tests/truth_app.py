"""A bare ASGI server whose behaviour is known: what the instrument says about it can be checked."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

_requests = 0
_first_s = 0.0


async def app(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """`/delay?MS`, `/freeze` (0.5 s of every 2 s), `/wrong?N`, `/error?N` and `/full?N` (one in N), `/die?N`, `/never`,
    `/waking?MS` (from ten times MS down to it over the first 1.5 s of requests)."""
    global _requests, _first_s  # noqa: PLW0603 - a counter of one single-threaded process
    if scope["type"] != "http":
        return
    query = scope["query_string"].decode()
    status, body = 200, b'{"right": true}'
    if scope["path"] != "/health":
        _requests += 1
        _first_s = _first_s or monotonic()
        nth = int(query or 0)
        match scope["path"]:
            case "/delay":
                until_s = monotonic() + nth / 1e3
                while (left_s := until_s - monotonic()) > 0:  # noqa: ASYNC110 - what is awaited is the clock
                    await asyncio.sleep(max(left_s, 0.001))
            case "/waking":
                left = max(0.0, 1 - (monotonic() - _first_s) / 1.5)
                await asyncio.sleep(nth / 1e3 * 10**left)
            case "/freeze":
                phase_s = monotonic() % 2.0
                if phase_s < 0.5:
                    await asyncio.sleep(0.5 - phase_s)
            case "/wrong" if _requests % nth == 0:
                body = b'{"right": false}'
            case "/error" if _requests % nth == 0:
                status = 500
            case "/full" if _requests % nth == 0:
                status = 503
            case "/die" if _requests == nth:
                os._exit(3)
            case "/never":
                await asyncio.sleep(3600)
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
