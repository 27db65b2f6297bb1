"""Which functions of the user's can be `def` in place of `async def`: nothing in them needs the event loop."""

from __future__ import annotations

import dis
import functools
from collections.abc import Iterator
from types import CodeType
from typing import Any

from .stacks import UserCode, definition_of

_COROUTINE = 0x80  # CO_COROUTINE, which a coroutine function with `yield` does not have
_AWAITS = frozenset(["GET_AWAITABLE", "GET_ANEXT"])  # `await` and `async with`, `async for`
# Names of what only the loop's own thread may use: from another, nobody who waits on the loop is woken. `set` and
# `release` may as well be a context variable's, which nobody else would see set, or an `asyncio.Event`'s or `.Lock`'s.
_OF_THE_LOOP = frozenset(
    [
        *("create_task", "current_task", "all_tasks", "ensure_future", "gather", "shield", "start_soon"),
        *("get_event_loop", "get_running_loop", "run_coroutine_threadsafe", "run_in_executor"),
        *("call_soon", "call_later", "call_at", "create_future", "set_result", "set_exception", "cancel"),
        *("add_done_callback", "remove_done_callback"),
        *("put_nowait", "get_nowait", "send_nowait", "receive_nowait", "task_done", "notify", "notify_all"),
        *("release", "set"),
    ]
)


def can_be_def(call: Any) -> bool:
    """A decorator would have to be changed with it, and so would whoever awaits a class's methods: those cannot."""
    function = call.func if isinstance(call, functools.partial) else call
    code = definition_of(function)
    if code is None or isinstance(function, type) or hasattr(function, "__wrapped__"):
        return False
    return _needs_no_loop(code)


def movable_dependencies(route: Any, dependant: Any, user: UserCode) -> list[Any]:
    """As FastAPI has them, for its route and what that depends on."""
    provider = getattr(route, "dependency_overrides_provider", None)
    if getattr(provider, "dependency_overrides", None):  # then it reads them anew for each request
        return []
    return [each for each in _dependencies(dependant) if can_be_def(each.call) and _is_users(each.call, user)]


def place_of_function(call: Any) -> tuple[str, int]:
    """The file and the first line of its definition, decorators included."""
    code = definition_of(call)
    return ("", 0) if code is None else (code.co_filename, code.co_firstlineno)


@functools.lru_cache(maxsize=1024)
def _needs_no_loop(code: CodeType) -> bool:
    if not code.co_flags & _COROUTINE or not _OF_THE_LOOP.isdisjoint(_names(code)):
        return False
    return not any(each.opname in _AWAITS for each in dis.get_instructions(code))


def _names(code: CodeType) -> Iterator[str]:
    """With those of the functions in it, such as a comprehension before Python 3.12."""
    yield from code.co_names
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _names(each)


def _is_users(call: Any, user: UserCode) -> bool:
    code = definition_of(call)
    return code is not None and user.has(code)


def _dependencies(dependant: Any) -> Iterator[Any]:
    for each in getattr(dependant, "dependencies", ()):
        yield each
        yield from _dependencies(each)
