"""The ASGI wrapper that tells the watching thread which requests there are, and begins and ends it.

It writes to `<folder>/<pid>.requests.jsonl`, `<pid>.stretches.jsonl` and the like (the harness reads them as
`RequestLine` and `Stretch`), in the watching thread: the event loop waits for no disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

from .app_routes import routes_in
from .background_tasks import count_background_tasks
from .lines import Lines
from .probe import App, Message, Receive, Send, thread_limiter
from .schemas import schemas_of
from .seen_request import CURRENT, SCOPE_KEY, SeenRequest, SeenRequests
from .stacks import UserCode
from .watch import Watch

# More than the check of an app asks. To tell requests apart costs some 50 us each, and looks cost the GIL, which a long
# load would feel. After them what blocks for long is still seen, and has no request.
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
        count_background_tasks()
        self._say_routes()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if self._watch is None:
            self._watch = Watch(self._requests, self._lines)
        if scope["type"] == "lifespan":
            await self._lifespan(self._watch, scope, receive, send)
        elif scope["type"] in ("http", "websocket") and self._told_apart < _TOLD_APART:
            self._told_apart += 1
            if self._told_apart == _TOLD_APART:
                self._watch.look_less_often()
            await self._request(self._watch, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _say_routes(self) -> None:
        """Before anything is asked: a server without a lifespan calls the app only then."""
        with contextlib.suppress(Exception):  # the app may consist of what nobody can look into
            schemas = list(schemas_of(self._app))
            for schema in schemas:
                self._lines.add("schemas", schema)
            for route in routes_in(self._app):
                if route.is_websocket:
                    self._lines.add("websockets", {"path": route.path})
                methods = ["GET"] if route.methods is None else sorted(route.methods)
                for method in () if schemas else methods:
                    self._lines.add("routes", {"method": method, "path": route.path})
        self._lines.write()

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
        request.task = asyncio.current_task()
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
            threads = getattr(watch.limiter, "total_tokens", None)
            line = request.line(
                self._user,
                ended=True,
                in_threads_s=watch.in_threads_s - threads_before_s,
                threads=threads if isinstance(threads, int) else None,  # there may be no limit, which is a float
            )
            self._lines.add("requests", line)
