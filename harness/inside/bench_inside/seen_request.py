"""A request as the watching thread knows it: which one a stack, task or thread belongs to, and which route it is."""

from __future__ import annotations

import contextvars
import itertools
import time
from collections.abc import Iterator, Mapping
from types import CodeType, FrameType
from typing import Any, ClassVar

from .movable_functions import can_be_def, movable_dependencies, place_of_function
from .plain_code import cannot_wait
from .stacks import UserCode, definition_of, outwards, runs_as_coroutine

SCOPE_KEY = "bench_inside.request"  # in the scope, and so in the copies that middleware makes of it
CURRENT: contextvars.ContextVar[Any] = contextvars.ContextVar("bench_inside_request")  # inherited by tasks and threads


class SeenRequest:
    """From its arrival to the end of everything that the application does in that call, background tasks included."""

    _numbers = itertools.count(1)
    _known_facts: ClassVar[dict[Any, tuple[Any, Any, dict[str, Any]]]] = {}

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self.number = next(self._numbers)
        self.method = str(scope.get("method", "GET"))  # a websocket has none, and begins as a GET
        self.path = str(scope.get("path", ""))
        self.began_s = time.monotonic()
        self.cpu_began_s = time.process_time()
        self.answered_s = 0.0
        self.status = 0
        self.background_in_threads = 0  # its background tasks that are `def`
        self.is_news = True  # no line of it has been written
        self.task: Any = None
        self._scope = scope

    def line(
        self, user: UserCode, *, ended: bool = False, in_threads_s: float = 0.0, threads: int | None = None
    ) -> dict[str, Any]:
        """What the harness reads as `RequestLine`. The last one of a request counts."""
        self.is_news = False
        return {
            "number": self.number,
            "method": self.method,
            "path": self.path,
            **self._facts(user),
            "background_in_threads": self.background_in_threads,
            "status": self.status,
            "service_ms": round(((self.answered_s or time.monotonic()) - self.began_s) * 1e3, 3),
            "cpu_ms": round((time.process_time() - self.cpu_began_s) * 1e3, 3),
            "thread_ms": round(in_threads_s * 1e3, 3),
            "threads": threads,
            "ended": ended,
        }

    def _facts(self, user: UserCode) -> dict[str, Any]:
        """What is the same for each request to its route."""
        route, called, root = self._route(), self._called(), self._scope.get("root_path")
        key = id(route), id(called), root
        if key not in self._known_facts:
            facts = {
                "template": self.template(),
                "kind": self.kind(),
                "endpoint": self.endpoint_name(),
                "endpoint_place": self.endpoint_place(),
                "endpoint_can_be_def": self.endpoint_can_be_def(),
                "cannot_wait": self.cannot_wait(),
                "movable_dependencies": self.movable_dependencies(user),
                "sync_dependencies": self.sync_dependencies(),
            }
            self._known_facts[key] = route, called, facts  # they are kept: another one cannot get their identity
        return self._known_facts[key][2]

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
        return definition_of(self._called())

    def endpoint_name(self) -> str:
        code = self.endpoint()
        return str(getattr(self._called(), "__name__", "" if code is None else code.co_name))

    def kind(self) -> str:
        endpoint = self.endpoint()
        if endpoint is None:
            return "unknown"
        return "async def" if runs_as_coroutine(endpoint) else "def"

    def cannot_wait(self) -> bool:
        """Whether its endpoint is nothing but a few steps of Python."""
        return next(self._dependencies(), None) is None and cannot_wait(self._called())

    def endpoint_place(self) -> tuple[str, int]:
        """File and first line of its function."""
        return place_of_function(self._called())

    def endpoint_can_be_def(self) -> bool:
        return can_be_def(self._called())

    def movable_dependencies(self, user: UserCode) -> list[tuple[str, int]]:
        """File and first line of each."""
        route = self._route()
        found = movable_dependencies(route, getattr(route, "dependant", None), user)
        return [place_of_function(each.call) for each in found]

    def role_of(self, code: CodeType) -> str | None:
        if code is self.endpoint():
            return "endpoint"
        return "dependency" if any(code is each for each in self._dependencies()) else None

    def sync_dependencies(self) -> int:
        return sum(not runs_as_coroutine(code) for code in self._dependencies())

    def _called(self) -> Any:
        endpoint = self._scope.get("endpoint")
        if not isinstance(endpoint, type):
            return endpoint
        # A class of Starlette's kind: it has a method for each of HTTP's.
        asked_for = "get" if self.method == "HEAD" and not hasattr(endpoint, "head") else self.method.lower()
        return getattr(endpoint, asked_for, endpoint)

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
        self._changed_s: tuple[float, float] | None = None
        self._under_way: dict[int, SeenRequest] = {}
        self._last: SeenRequest | None = None

    def begin(self, request: SeenRequest) -> None:
        self._under_way[request.number] = request
        self._loop_ran(request.began_s)

    def end(self, request: SeenRequest) -> None:
        del self._under_way[request.number]
        self._last = request
        self._loop_ran(time.monotonic())

    def changed_s(self) -> tuple[float, float] | None:
        """When one of them first and last began or ended since it was last asked: the loop went from task to task
        then."""
        changed_s, self._changed_s = self._changed_s, None
        return changed_s

    def has_ended(self, request: SeenRequest) -> bool:
        return request.number not in self._under_way

    def are_many(self) -> bool:
        return len(self._under_way) > 1

    def of(self, frame: FrameType, task: Any) -> SeenRequest | None:
        """The one that a stack belongs to: what its functions were given, or what its task or thread has inherited.
        Where that cannot be seen, the only one."""
        for each in outwards(frame):
            found = _carried_by(each)
            if isinstance(found, dict) and SCOPE_KEY in found:
                return _request(found[SCOPE_KEY])
            if isinstance(found, contextvars.Context):
                return _request(found.get(CURRENT))
        get_context = getattr(task, "get_context", None)  # Python 3.12 and newer
        if get_context is not None:
            return _request(get_context().get(CURRENT))
        return self.only_one() if self._under_way else self._last

    def only_one(self) -> SeenRequest | None:
        under_way = list(self._under_way.values())
        return under_way[0] if len(under_way) == 1 else None

    def _loop_ran(self, at_s: float) -> None:
        first_s, _ = self._changed_s or (at_s, at_s)
        self._changed_s = first_s, at_s


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
    if module == "concurrent.futures.thread" and code.co_name == "run":  # what `asyncio.to_thread` gives it
        return getattr(getattr(getattr(frame.f_locals.get("self"), "fn", None), "func", None), "__self__", None)
    return None


def _request(found: Any) -> SeenRequest | None:
    return found if isinstance(found, SeenRequest) else None
