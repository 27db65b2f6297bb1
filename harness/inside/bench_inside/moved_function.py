"""A function of the user's that runs elsewhere: an `async def` in a worker thread, a `def` on the event loop."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

from .reason import NOTE_PREFIX

_NO_LOOP = frozenset(["AsyncLibraryNotFound", "NoEventLoopError"])  # AnyIO's


class AwaitsError(Exception):
    """A coroutine that a thread was to run to its end waits for the event loop."""


def in_thread(call: Callable[..., Any], what: str) -> Callable[..., Any]:
    """A plain function that runs the coroutine of `call` to its end: FastAPI calls it in one of AnyIO's threads, as it
    would call a `def`. When the coroutine waits for the event loop, it raises AwaitsError. `what` names the function,
    as in "GET /orders: the endpoint"; the log gets a line for the harness with it, once."""
    said = False

    def run(args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        nonlocal said
        try:
            return _result_of(call(*args, **options))
        except AwaitsError:
            error = f"{what} awaits, so it cannot be `def`; await a thread for the call that blocks alone"
            if not said:
                said = True
                print(NOTE_PREFIX + error, file=sys.stderr, flush=True)  # noqa: T201 - it is a log
            raise AwaitsError(error) from None

    def moved(*args: Any, **options: Any) -> Any:
        return run(args, options)

    return _like(call, moved)


def on_loop(call: Callable[..., Any]) -> Callable[..., Any]:
    async def moved(*args: Any, **options: Any) -> Any:
        return call(*args, **options)

    return _like(call, moved)


def _result_of(made: Any) -> Any:
    """Of a coroutine, without an event loop."""
    if not hasattr(made, "__await__"):
        return made  # what a function around the coroutine function has answered by itself
    steps = made.__await__()
    try:
        next(steps)
    except StopIteration as done:
        return done.value
    except RuntimeError as error:
        if "event loop" in str(error) or "inside a task" in str(error) or type(error).__name__ in _NO_LOOP:
            raise AwaitsError from error
        raise
    with contextlib.suppress(RuntimeError):  # it may await again while it ends
        steps.close()
    raise AwaitsError


def _like(call: Callable[..., Any], moved: Callable[..., Any]) -> Callable[..., Any]:
    """`moved`, for whoever inspects it, is `call`. But FastAPI, which would look through it, must see what it is."""
    functools.update_wrapper(moved, call)
    for name in ("__wrapped__", "_is_coroutine", "_is_coroutine_mark"):
        moved.__dict__.pop(name, None)
    with contextlib.suppress(TypeError, ValueError, NameError):  # annotations that cannot be looked up
        moved.__signature__ = inspect.signature(call)  # type: ignore[attr-defined]
    return moved
