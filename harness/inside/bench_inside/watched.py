"""The ASGI wrapper that tells the watching thread which requests there are, and begins and ends it.

It writes to `<folder>/<pid>.requests.jsonl` and `<pid>.stretches.jsonl` (the harness reads them as `RequestLine` and
`Stretch`), in the watching thread: the event loop waits for no disk.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

from .lines import Lines
from .probe import App, Message, Receive, Send, thread_limiter
from .schemas import schemas_of
from .seen_request import CURRENT, SCOPE_KEY, SeenRequest, SeenRequests
from .stacks import UserCode
from .watch import Watch

# More than the check of an app asks. To tell requests apart costs some 50 us each, which a load would feel; what blocks
# is seen without it, and then has no request.
_TOLD_APART = 2_000


class Watched:
    """Wraps an application whose event loop is watched."""

    def __init__(self, app: App, folder: Path) -> None:
        self._app = app
        self._requests = SeenRequests()
        self._user = UserCode()
        self._lines = Lines(folder)
        self._watch: Watch | None = None
        self._told_apart = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if self._watch is None:
            for schema in schemas_of(self._app):
                self._lines.add("schemas", schema)
            self._watch = Watch(self._requests, self._lines)
        if scope["type"] == "lifespan":
            await self._lifespan(self._watch, scope, receive, send)
        elif scope["type"] in ("http", "websocket") and self._told_apart < _TOLD_APART:
            self._told_apart += 1
            await self._request(self._watch, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _lifespan(self, watch: Watch, scope: Message, receive: Receive, send: Send) -> None:
        async def listening(message: Message) -> None:
            if message["type"].startswith("lifespan.startup."):
                watch.is_starting = False
            await send(message)

        CURRENT.set(None)  # the tasks that it starts are no request's
        watch.is_starting = True
        try:
            await self._app(scope, receive, listening)
        finally:
            # An application without a lifespan ends here, too, before its first request: it is watched on.
            if not watch.is_starting:
                watch.end()
            watch.is_starting = False

    async def _request(self, watch: Watch, scope: Message, receive: Receive, send: Send) -> None:
        request = SeenRequest(scope)
        if watch.limiter is None:
            watch.limiter = thread_limiter()
        threads_before_s = watch.in_threads_s

        async def answering(message: Message) -> None:
            if "status" in message:
                request.status = message["status"]
            await send(message)
            if not message.get("more_body", False):
                request.answered_s = time.monotonic()

        scope[SCOPE_KEY] = request
        before = CURRENT.set(request)
        self._requests.begin(request)
        try:
            await self._app(scope, receive, answering)
        finally:
            self._requests.end(request)
            with contextlib.suppress(ValueError):  # closed by another task, which has a context of its own
                CURRENT.reset(before)
            self._lines.add("requests", _line(request, watch, threads_before_s, self._user))


def _line(request: SeenRequest, watch: Watch, threads_before_s: float, user: UserCode) -> dict[str, Any]:
    now_s = time.monotonic()
    in_threads_s = watch.in_threads_s - threads_before_s
    threads = getattr(watch.limiter, "total_tokens", None)
    return {
        "number": request.number,
        "method": request.method,
        "path": request.path,
        "template": request.template(),
        "kind": request.kind(),
        "endpoint": request.endpoint_name(),
        "endpoint_place": request.endpoint_place(),
        "endpoint_can_be_def": request.endpoint_can_be_def(),
        "cannot_wait": request.cannot_wait(),
        "movable_dependencies": request.movable_dependencies(user),
        "sync_dependencies": request.sync_dependencies(),
        "status": request.status,
        "service_ms": round(((request.answered_s or now_s) - request.began_s) * 1e3, 3),
        "cpu_ms": round((time.process_time() - request.cpu_began_s) * 1e3, 3),
        "thread_ms": round(in_threads_s * 1e3, 3),
        "threads": threads if isinstance(threads, int) else None,  # they may be without a limit, which is a float
    }
