"""Reads the stack of a thread: the innermost line of the user's code, what it calls, and what kind of code that is.

Nothing here keeps a frame: it would keep the user's variables alive.
"""

from __future__ import annotations

import dis
import functools
import itertools
import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

_INSIDE = Path(__file__).parent
_COROUTINE = 0x80 | 0x100 | 0x200  # CO_COROUTINE, CO_ITERABLE_COROUTINE, CO_ASYNC_GENERATOR

_CALLING_OTHERS = frozenset(  # the app, and pools of connections
    ["__call__", "_lifespan", "_request", "run_background_task", "called", "awaited"]
)

_DEEPEST = 200  # awaits
_KINDS = ("cr", "gi", "ag")  # of coroutines, generators and asynchronous generators

# Who has called the user's code says what it is. By module and function; without a function: any of that module.
_CALLERS = {
    ("logging", ""): "other",
    ("logging.handlers", ""): "other",
    ("fastapi.routing", "run_endpoint_function"): "endpoint",
    ("fastapi.routing", "_run_sync_endpoint"): "endpoint",
    ("fastapi.routing", "serialize_response"): "endpoint",
    ("fastapi.dependencies.utils", ""): "dependency",
    ("starlette.background", ""): "background",
    ("starlette.responses", "stream_response"): "generator",
    ("starlette.concurrency", "_next"): "generator",
    ("starlette.middleware.base", ""): "middleware",
    ("starlette._exception_handler", ""): "other",
    ("starlette.middleware.exceptions", ""): "other",
    ("starlette.middleware.errors", ""): "other",
    ("starlette.endpoints", ""): "endpoint",
    ("starlette.routing", "app"): "endpoint",
}


class Place(NamedTuple):
    """A line of the user's code; without a file: none was on the stack. `columns` (Python 3.11 and newer): the part of
    the source that was being executed, as (line, end line, column, end column), columns in bytes."""

    file: str | None
    line: int
    function: str
    columns: tuple[int, ...]
    call: str | None  # the function of a library that it has called; None where that is not written in Python
    where: str | None  # None: who has called it does not tell
    coroutine: CoroutineAt | None = None  # the innermost one, in which all this stands still; None: none of the user's
    takes_turns: bool = False  # of a thread: others computed as well


class CoroutineAt(NamedTuple):
    """Where a coroutine of the user's is. `first_line`: of its function, decorators included."""

    file: str
    function: str
    first_line: int
    line: int
    columns: tuple[int, ...]  # as of a Place


class UserCode:
    """Which code is the user's: neither the standard library's nor that of an installed package, nor ours. The package
    of the app is theirs wherever it is: it may be installed as well."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._theirs = _places_of_package(environment.get("BENCH_TARGET", "").partition(".")[0].partition(":")[0])
        paths = sysconfig.get_paths()
        others = [Path(path) for path in (paths["stdlib"], paths["platstdlib"], _INSIDE)]
        self._not_theirs = tuple(f"{path}{os.sep}" for each in others for path in (each, each.resolve()))
        self._known: dict[str, bool] = {}

    def has(self, code: CodeType) -> bool:
        name = code.co_filename
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._is_theirs(name)
        return known

    def _is_theirs(self, filename: str) -> bool:
        for place in self._theirs:
            if filename.startswith(place):
                return _is_in_no_environment(filename[len(place) :])
        if filename.startswith("<") or filename.startswith(self._not_theirs):
            return False
        return _is_in_no_environment(filename)


def _is_in_no_environment(filename: str) -> bool:
    return not {"site-packages", "dist-packages"} & set(Path(filename).parts)


def _places_of_package(name: str) -> tuple[str, ...]:
    """The folders of a package that has been imported, or the file of a module."""
    module = sys.modules.get(name)
    folders = [f"{folder}{os.sep}" for folder in getattr(module, "__path__", ())]
    return tuple(folders or filter(None, [getattr(module, "__file__", None)]))


def place_of(frame: FrameType, user: UserCode, until: frozenset[CodeType] = frozenset()) -> Place:
    """Of a thread whose innermost frame this is; `until` is the code that runs its event loop, when it has one."""
    innermost = next((each for each in outwards(frame, until) if user.has(each.f_code) or _is_ours(each.f_code)), None)
    if innermost is not None and _is_ours(innermost.f_code):
        return Place(None, 0, "", (), _name(frame), "other")
    where = _where(innermost or frame, user)
    if innermost is None:
        return Place(None, 0, "", (), _name(frame), where)
    code = innermost.f_code
    coroutine = _coroutine_at(frame, user, until)
    called = _called(frame, innermost)
    line = innermost.f_lineno or code.co_firstlineno
    template = innermost.f_globals.get("__jinja_template__")
    if template is not None:  # its code is made of it, and has lines of its own
        return Place(
            code.co_filename, template.get_corresponding_lineno(line), "template", (), called, where, coroutine
        )
    if line == code.co_firstlineno and called is None:
        # The interpreter lets others run where a function begins. What computes is what follows.
        return Place(code.co_filename, _second_line(code), code.co_name, (), called, where, coroutine)
    return Place(code.co_filename, line, code.co_name, _columns(innermost), called, where, coroutine)


def definition_of(function: Any) -> CodeType | None:
    """The code of what is called when `function` is: also of a wrapped function, a partial, an object or a class."""
    for _ in range(20):  # wrappers may go round in a circle
        partial = function.func if isinstance(function, functools.partial) else None
        inner = partial or getattr(function, "__wrapped__", None)
        if inner is None:
            break
        function = inner
    code = getattr(function, "__code__", None)
    if code is None:
        method = getattr(function, "__init__" if isinstance(function, type) else "__call__", None)
        code = getattr(method, "__code__", None)
    return code if isinstance(code, CodeType) else None


def runs_as_coroutine(code: CodeType) -> bool:
    return bool(code.co_flags & _COROUTINE)


def between_callbacks(frame: FrameType) -> frozenset[CodeType]:
    """The code that runs the event loop, in whose callback `frame` is: all that is outside its outermost coroutine."""
    stack = list(outwards(frame))
    outermost = max((i for i, each in enumerate(stack) if runs_as_coroutine(each.f_code)), default=-1)
    return frozenset(each.f_code for each in stack[outermost + 1 :])


def outermost_users(frame: FrameType, user: UserCode, until: frozenset[CodeType]) -> CodeType | None:
    """Where the user's code was entered, in a callback of the event loop whose code is `until`."""
    found = None
    for each in outwards(frame, until):
        if user.has(each.f_code):
            found = each.f_code
    return found


def outwards(frame: FrameType | None, until: frozenset[CodeType] = frozenset()) -> Iterator[FrameType]:
    """The frame, its caller, and so on, to the one before the first that runs any code of `until`."""
    while frame is not None and frame.f_code not in until:
        yield frame
        frame = frame.f_back


def awaiting_frame(task: Any, user: UserCode) -> FrameType | None:
    """Where the innermost function of the user's stands still, in a task that awaits something."""
    found = None
    step = task.get_coro() if hasattr(task, "get_coro") else None
    for _ in range(_DEEPEST):
        frame = next((getattr(step, f"{kind}_frame") for kind in _KINDS if hasattr(step, f"{kind}_frame")), None)
        if frame is None:
            break
        if user.has(frame.f_code):
            found = frame
        waits_for = (getattr(step, name, None) for name in ("cr_await", "gi_yieldfrom", "ag_await"))
        step = next((each for each in waits_for if each is not None), None)
    return found


def _second_line(code: CodeType) -> int:
    """The first one that has a line of its own in the body."""
    lines = (line for _, line in dis.findlinestarts(code) if line is not None)
    return next((line for line in lines if line > code.co_firstlineno), code.co_firstlineno)


def _coroutine_at(frame: FrameType, user: UserCode, until: frozenset[CodeType]) -> CoroutineAt | None:
    found = next((each for each in outwards(frame, until) if runs_as_coroutine(each.f_code)), None)
    if found is None or not user.has(found.f_code):
        return None
    code = found.f_code
    line = found.f_lineno or code.co_firstlineno
    return CoroutineAt(code.co_filename, code.co_name, code.co_firstlineno, line, _columns(found))


def _name(frame: FrameType) -> str:
    code = frame.f_code
    return f"{frame.f_globals.get('__name__', '?')}.{getattr(code, 'co_qualname', code.co_name)}"


def _called(frame: FrameType, caller: FrameType) -> str | None:
    below = None
    for each in outwards(frame):
        if each is caller:
            break
        if not _is_in_ours(each.f_code):
            below = each
    return None if below is None else _name(below)


def _columns(frame: FrameType) -> tuple[int, ...]:
    positions = getattr(frame.f_code, "co_positions", None)
    if positions is None:
        return ()
    found = next(itertools.islice(positions(), frame.f_lasti // 2, None), ())
    return () if None in found else tuple(found)


def _is_ours(code: CodeType) -> bool:
    """What we do when the user's code sends an answer. What only calls their code, or a library, is none of that."""
    return _is_in_ours(code) and code.co_name not in _CALLING_OTHERS


def _is_in_ours(code: CodeType) -> bool:
    return code.co_filename.startswith(f"{_INSIDE}{os.sep}")


def _where(frame: FrameType, user: UserCode) -> str | None:
    through_contextlib = asgi = False
    for each in outwards(frame):
        code = each.f_code
        if user.has(code):
            if _wraps_asgi(each):
                return "middleware"
            asgi = {"scope", "receive", "send"} <= set(_arguments(code))
            continue
        module = each.f_globals.get("__name__", "")
        if asgi:  # an application of the user's: what a route leads to, or what stands before all routes
            frameworks = module.startswith(("fastapi.", "starlette.")) and module != "starlette.routing"
            return "middleware" if frameworks else "endpoint"
        kind = _CALLERS.get((module, code.co_name)) or _CALLERS.get((module, ""))
        if kind is not None:
            return kind
        if module == "contextlib":
            through_contextlib = True
        elif module.startswith("fastapi.middleware") and through_contextlib:
            return "dependency"
        elif module == "fastapi.routing" and code.co_name == "app":
            return "dependency" if through_contextlib else "endpoint"
    return None


def _wraps_asgi(frame: FrameType) -> bool:
    """Whether this function of the user's wraps an application, or what one sends and receives."""
    arguments, free = _arguments(frame.f_code), frame.f_code.co_freevars
    sends = arguments == ("message",) and "send" in free
    receives = not arguments and "receive" in free
    if "call_next" in arguments or sends or receives:
        return True
    if not {"scope", "receive", "send"} <= set(arguments):
        return False
    itself = frame.f_locals.get("self")
    # The second is an application itself, such as a subclass of FastAPI.
    return "app" in free or hasattr(itself, "app") or hasattr(itself, "build_middleware_stack")


def _arguments(code: CodeType) -> tuple[str, ...]:
    return code.co_varnames[: code.co_argcount]
