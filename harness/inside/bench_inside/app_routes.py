"""The routes of whatever was loaded: those of the app, of what is mounted in it and of the routers that it includes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator
from types import CellType
from typing import Any, NamedTuple

_MOST = 1000


class FoundRoute(NamedTuple):
    """`path` is its whole template, as OpenAPI has it: `/orders/{order}`, mounts included. `methods` None: any; a
    websocket has none.

    `holder` has the `endpoint`, and the `app` that is called for a request. That is the route; where FastAPI includes
    routers without copying their routes, it is what stands for the route in that place.
    """

    path: str
    methods: Collection[str] | None
    holder: Any
    root_path: str = ""

    @property
    def is_websocket(self) -> bool:
        return self.methods is not None and not self.methods

    def is_named(self, name: str) -> bool:
        """`name` is as `GET /orders/{order}`, with the `root_path` of the app or without it."""
        method, _, path = name.partition(" ")
        return path in (self.path, self.root_path + self.path) and (self.methods is None or method in self.methods)


def routes_in(app: Any, prefix: str = "", within: tuple[Any, ...] = ()) -> Iterator[FoundRoute]:
    """In the order in which a request is compared with them. `app` may be wrapped in middleware. `within` are the apps
    that it is mounted in: it may lead back to one of them."""
    with_routes = ends_of(app, lambda each: isinstance(getattr(each, "routes", None), list))
    if with_routes and not any(with_routes[0] is each for each in within):
        root_path = str(getattr(with_routes[0], "root_path", "")).rstrip("/")
        for route in with_routes[0].routes:
            for found in _routes_at(route, prefix, (*within, with_routes[0])):
                yield found if within else found._replace(root_path=root_path)


def ends_of(caller: Any, is_end: Callable[[Any], bool]) -> list[Any]:
    """What `caller` may call, directly or through others, up to where `is_end`: the nearest first."""
    found: list[Any] = []
    seen: dict[int, Any] = {}
    left = deque([caller])
    while left and len(seen) < _MOST:
        each = left.popleft()
        if id(each) in seen:
            continue
        seen[id(each)] = each
        if is_end(each):
            found.append(each)
        else:
            left.extend(_called_by(each))
    return found


def _called_by(caller: Any) -> Iterator[Any]:
    """Its `app`, as middleware names it, or else whatever it can reach."""
    app = getattr(caller, "app", None)
    if app is not None:
        yield app
        return
    reached = [getattr(caller, "func", None), *getattr(caller, "args", ())]  # of a partial
    reached += map(_content, getattr(caller, "__closure__", None) or ())
    reached += getattr(caller, "__dict__", {}).values()
    yield from (each for each in reached if callable(each) and not isinstance(each, type))


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it has no value yet
        return None


def _routes_at(route: Any, prefix: str, within: tuple[Any, ...]) -> Iterator[FoundRoute]:
    included = getattr(route, "effective_route_contexts", None)  # of a router that FastAPI keeps as one route
    if callable(included):
        for each in included():
            yield from _routes_at(getattr(each, "starlette_route", None) or each, prefix, within)
    elif hasattr(route, "endpoint"):
        path = getattr(route, "path_format", "") or getattr(route, "path", "")
        yield FoundRoute(f"{prefix}{path}", getattr(route, "methods", ()), route)
    elif hasattr(route, "app"):  # a mount, or a host
        yield from routes_in(route.app, prefix + getattr(route, "path", ""), within)
