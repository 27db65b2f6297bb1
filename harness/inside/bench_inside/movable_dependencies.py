"""Which dependencies of a route can run in a thread: plain `async def` functions of the app's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .stacks import UserCode, definition_of

_COROUTINE = 0x80  # CO_COROUTINE, which a coroutine function with `yield` does not have


def movable_dependencies(route: Any, dependant: Any, user: UserCode) -> list[Any]:
    """As FastAPI has them, for its route and what that depends on."""
    provider = getattr(route, "dependency_overrides_provider", None)
    if getattr(provider, "dependency_overrides", None):  # then it reads them anew for each request
        return []
    return [each for each in _dependencies(dependant) if _is_movable(each.call, user)]


def _is_movable(call: Any, user: UserCode) -> bool:
    code = definition_of(call)
    if code is None or isinstance(call, type):
        return False
    return bool(code.co_flags & _COROUTINE) and user.has(code)


def _dependencies(dependant: Any) -> Iterator[Any]:
    for each in getattr(dependant, "dependencies", ()):
        yield each
        yield from _dependencies(each)
