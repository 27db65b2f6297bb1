"""Remedies, applied to an app that is loaded: nothing of its files is changed.

An `async def` endpoint that blocks is called in one of AnyIO's threads, as FastAPI calls a `def`; a trivial `def` is
called on the event loop. What FastAPI decides when it makes a route, it keeps in two variables of the function that it
has made of the endpoint: which function is called (`dependant.call`) and whether that is a coroutine function
(`is_coroutine`). These are set. So a route keeps what its own class, a router or the app has put around that function.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .app_routes import ends_of, routes_in
from .movable_functions import movable_dependencies, place_of_function
from .moved_calls import MovedCalls
from .moved_function import in_thread, on_loop
from .probe import thread_limiter
from .reason import NOTE_PREFIX
from .stacks import UserCode, definition_of

_COROUTINE = 0x80  # CO_COROUTINE
_GENERATOR = 0x20 | 0x200  # CO_GENERATOR, CO_ASYNC_GENERATOR


class RemedyError(Exception):
    """A remedy that cannot be applied to this app; one line."""


class RemedyOrder(NamedTuple):
    """Routes are named as `GET /orders/{order}`. `in_thread` is for their endpoints, `dependencies_in_thread` for what
    they depend on: the file and the first line of each function. `calls_in_thread` are parts of the source: file, line,
    end line, column, end column. `threads` 0: as many as AnyIO has."""

    in_thread: Sequence[str] = ()
    dependencies_in_thread: Mapping[str, Sequence[tuple[str, int]]] = {}
    calls_in_thread: Sequence[tuple[str, int, int, int, int]] = ()
    on_loop: Sequence[str] = ()
    threads: int = 0

    @classmethod
    def read(cls, text: str) -> RemedyOrder:
        given = json.loads(text)
        for name in sorted(set(given) - set(cls._fields)):
            raise RemedyError(f"BENCH_REMEDIES: {name!r} is no remedy; there are {', '.join(cls._fields)}")
        return cls(**given)


def apply(app: Any, order: RemedyOrder, calls: MovedCalls | None = None) -> None:
    """Call it in a task of the event loop that serves `app`. Raises RemedyError where nothing of what is to be moved
    can be, or the threads cannot be set. Else what cannot be moved stays as it is, and the log gets a note of it.
    `calls` are those of the order, which must be moved by now."""
    tried = [_refusal(move) for move in _moves(app, order)]
    refused = [*_unmoved(calls), *(each for each in tried if each is not None)]
    some_moved = None in tried or (calls is not None and calls.has_moved())
    if refused and not some_moved:
        raise refused[0]
    for one in refused:
        print(f"{NOTE_PREFIX}{one}", file=sys.stderr, flush=True)  # noqa: T201 - it is a log
    if order.threads:
        limiter = thread_limiter()
        if limiter is None:
            raise RemedyError(f"threads {order.threads}: the app does not use AnyIO, whose threads these are")
        limiter.total_tokens = order.threads


def _moves(app: Any, order: RemedyOrder) -> Iterator[Callable[[], None]]:
    """But for the calls, which are moved already."""
    for name in order.in_thread:
        yield functools.partial(_move_endpoint, app, name, to_thread=True)
    for name, places in order.dependencies_in_thread.items():
        yield functools.partial(_move_dependencies, app, name, {tuple(each) for each in places})
    for name in order.on_loop:
        yield functools.partial(_move_endpoint, app, name, to_thread=False)


def _refusal(move: Callable[[], None]) -> RemedyError | None:
    try:
        move()
    except RemedyError as error:
        return error
    return None


def _unmoved(calls: MovedCalls | None) -> Iterator[RemedyError]:
    for call in () if calls is None else calls.unmoved():
        yield RemedyError(f"{call}: the app has not read this file in its startup, so the call in it stays where it is")


def _named(app: Any, name: str) -> Any:
    for route in routes_in(app):
        if route.is_named(name):
            return route.holder
    raise RemedyError(f"{name}: the app has no such route")


class _Handler:
    """The function that FastAPI has made of an endpoint; `cells` are its variables. Some versions make it anew for each
    request, and then there are none."""

    def __init__(self, dependant: Any, cells: dict[str, Any]) -> None:
        self.dependant = dependant
        self._cells = cells

    @classmethod
    def all_of(cls, route: Any) -> list[_Handler]:
        """What the `app` of a route ends in, whatever stands before it: a route class of the user's may have made two,
        a route of plain Starlette has none."""
        if hasattr(route, "dependant") and not hasattr(route, "app"):
            return [cls(route.dependant, {})]
        made = []
        for function in ends_of(route.app, cls._is_one):
            cells = dict(zip(function.__code__.co_freevars, function.__closure__))
            made.append(cls(cells["dependant"].cell_contents, cells))
        return made

    @staticmethod
    def _is_one(function: Any) -> bool:
        return {"dependant", "is_coroutine"} <= set(getattr(getattr(function, "__code__", None), "co_freevars", ()))

    def call_instead(self, call: Callable[..., Any], *, is_coroutine: bool) -> None:
        _set_call(self.dependant, call)
        if self._cells:
            self._cells["is_coroutine"].cell_contents = is_coroutine


def _move_endpoint(app: Any, name: str, *, to_thread: bool) -> None:
    route = _named(app, name)
    handlers = _Handler.all_of(route)
    if hasattr(route, "dependant") and not handlers:
        version = getattr(sys.modules.get("fastapi"), "__version__", "of an unknown version")
        raise RemedyError(f"{name}: FastAPI {version} makes its routes in a way that is not known here")
    endpoint = handlers[0].dependant.call if handlers else route.endpoint
    code = definition_of(endpoint)
    if isinstance(endpoint, type) or code is None:
        raise RemedyError(f"{name}: its endpoint is a class; change it there")
    if code.co_flags & _GENERATOR:
        raise RemedyError(f"{name}: its endpoint is a generator, which is asked for each part of the answer")
    runs_on_loop = bool(code.co_flags & _COROUTINE)
    if runs_on_loop is not to_thread:
        raise RemedyError(f"{name}: its endpoint is `{'async def' if runs_on_loop else 'def'}` already")
    moved = in_thread(endpoint, f"{name}: the endpoint") if to_thread else on_loop(endpoint)
    for handler in handlers:
        handler.call_instead(moved, is_coroutine=not to_thread)
    if not handlers:
        _call_instead(route, moved, name)
    route.endpoint = moved


def _call_instead(route: Any, call: Callable[..., Any], name: str) -> None:
    """For a route of plain Starlette: what it calls is made anew, and what the route has put around that stays."""
    holder = route
    while not getattr(holder.app, "__qualname__", "").startswith("request_response.<locals>"):
        holder = holder.app
        if not hasattr(holder, "app"):
            raise RemedyError(f"{name}: its endpoint is called by {type(holder).__name__}; change it there")
    holder.app = sys.modules["starlette.routing"].request_response(call)


def _move_dependencies(app: Any, name: str, wanted: Collection[tuple[Any, ...]]) -> None:
    route = _named(app, name)
    user = UserCode()
    dependants = [handler.dependant for handler in _Handler.all_of(route)]
    found = {id(each): each for dependant in dependants for each in movable_dependencies(route, dependant, user)}
    left = [each for each in found.values() if place_of_function(each.call) in wanted]
    if not left:
        raise RemedyError(f"{name}: has no such `async def` dependency that can run in a thread; change it there")
    moved: dict[Any, Callable[..., Any]] = {}  # one for all who share it, as they share its result
    for dependant in left:
        call = dependant.call
        label = getattr(call, "__name__", type(call).__name__)
        if call not in moved:
            moved[call] = in_thread(call, f"{name}: the dependency `{label}`")
        _set_call(dependant, moved[call])


def _set_call(dependant: Any, call: Callable[..., Any]) -> None:
    dependant.call = call
    known = getattr(dependant, "__dict__", {})
    for name in [each for each in known if isinstance(getattr(type(dependant), each, None), functools.cached_property)]:
        del known[name]  # what it has concluded of the function that it had
