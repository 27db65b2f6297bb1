"""A request as the watching thread knows it: which one a stack, task or thread belongs to, and which route it is."""

from __future__ import annotations

import contextvars
import itertools
import time
from collections.abc import Iterator, Mapping
from types import CodeType, FrameType
from typing import Any

from .movable_dependencies import movable_dependencies
from .plain_code import cannot_wait
from .stacks import UserCode, definition_of, outwards, runs_as_coroutine

SCOPE_KEY = "bench_inside.request"  # in the scope, and so in the copies that middleware makes of it
CURRENT: contextvars.ContextVar[Any] = contextvars.ContextVar("bench_inside_request")  # inherited by tasks and threads


class SeenRequest:
    """From its arrival to the end of everything that the application does in that call, background tasks included."""

    _numbers = itertools.count(1)

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self.number = next(self._numbers)
        self.method = str(scope.get("method", "GET"))  # a websocket has none, and begins as a GET
        self.path = str(scope.get("path", ""))
        self.began_s = time.monotonic()
        self.cpu_began_s = time.process_time()
        self.answered_s = 0.0
        self.status = 0
        self._scope = scope

    def template(self) -> str | None:
        """`/orders/{order}`; None before the route is known, and when there is none."""
        route = self._route()
        path = getattr(route, "path_format", None) or getattr(route, "path", None)
        if path is None:
            return None
        root = str(self._scope.get("root_path", ""))
        outer = str(self._scope.get("app_root_path", ""))  # a proxy's; mounts are what is behind it
        return (root[len(outer) :] if root.startswith(outer) else root).rstrip("/") + str(path)

    def endpoint(self) -> CodeType | None:
        return definition_of(self._scope.get("endpoint"))

    def endpoint_name(self) -> str:
        code = self.endpoint()
        return str(getattr(self._scope.get("endpoint"), "__name__", "" if code is None else code.co_name))

    def kind(self) -> str:
        endpoint = self.endpoint()
        if endpoint is None:
            return "unknown"
        return "async def" if runs_as_coroutine(endpoint) else "def"

    def cannot_wait(self) -> bool:
        """Whether its endpoint is nothing but a few steps of Python."""
        return next(self._dependencies(), None) is None and cannot_wait(self._scope.get("endpoint"))

    def movable_dependencies(self, user: UserCode) -> int:
        route = self._route()
        return len(movable_dependencies(route, getattr(route, "dependant", None), user))

    def role_of(self, code: CodeType) -> str | None:
        if code is self.endpoint():
            return "endpoint"
        return "dependency" if any(code is each for each in self._dependencies()) else None

    def sync_dependencies(self) -> int:
        return sum(not runs_as_coroutine(code) for code in self._dependencies())

    def _route(self) -> Any:
        # Where FastAPI includes routers without copying their routes, this one has the prefix.
        fastapi = self._scope.get("fastapi")
        effective = fastapi.get("effective_route_context") if isinstance(fastapi, dict) else None
        return effective or self._scope.get("route") or self._route_of_endpoint()

    def _route_of_endpoint(self) -> Any:
        """Up to FastAPI 0.73 the scope has the endpoint only."""
        endpoint, app = self._scope.get("endpoint"), self._scope.get("app")
        same = (each for each in getattr(app, "routes", ()) if getattr(each, "endpoint", None) is endpoint)
        return None if endpoint is None else next(same, None)

    def _dependencies(self) -> Iterator[CodeType]:
        left = list(getattr(getattr(self._route(), "dependant", None), "dependencies", ()))
        while left:
            dependant = left.pop()
            left += getattr(dependant, "dependencies", ())
            code = definition_of(getattr(dependant, "call", None))
            if code is not None:
                yield code


class SeenRequests:
    """Those under way in this process. Used by the event loop, read by the watching thread."""

    def __init__(self) -> None:
        self._under_way: dict[int, SeenRequest] = {}
        self._last: SeenRequest | None = None

    def begin(self, request: SeenRequest) -> None:
        self._under_way[request.number] = request

    def end(self, request: SeenRequest) -> None:
        del self._under_way[request.number]
        self._last = request

    def are_under_way(self) -> bool:
        return bool(self._under_way)

    def of(self, frame: FrameType, task: Any) -> SeenRequest | None:
        """The one that a stack belongs to: what its functions were given, or what its task or thread has inherited; or
        else the only one."""
        for each in outwards(frame):
            found = _carried_by(each)
            if isinstance(found, dict) and SCOPE_KEY in found:
                return _request(found[SCOPE_KEY])
            if isinstance(found, contextvars.Context) and CURRENT in found:
                return _request(found[CURRENT])
        get_context = getattr(task, "get_context", None)  # Python 3.12 and newer
        if get_context is not None and CURRENT in get_context():
            return _request(get_context()[CURRENT])
        under_way = list(self._under_way.values())
        if not under_way:
            return self._last
        return under_way[0] if len(under_way) == 1 else None


def _carried_by(frame: FrameType) -> Any:
    """The scope or the context among its variables. Those of other frames are not read: up to Python 3.12 that keeps
    the values alive as long as the frame."""
    code, module = frame.f_code, frame.f_globals.get("__name__", "")
    if "scope" in code.co_varnames or "scope" in code.co_freevars:
        return frame.f_locals.get("scope")
    if module == "asyncio.events" and code.co_name == "_run":
        return getattr(frame.f_locals.get("self"), "_context", None)
    if module.startswith("anyio.") and code.co_name == "run":  # a thread of its pool
        return frame.f_locals.get("context")
    return None


def _request(found: Any) -> SeenRequest | None:
    return found if isinstance(found, SeenRequest) else None
