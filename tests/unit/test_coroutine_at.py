"""The innermost coroutine on a stack: this file is the user's code, the standard library's is not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from harness.inside.bench_inside.stacks import Place, UserCode, place_of


def seen() -> Place:
    return place_of(sys._getframe(), UserCode())


async def looks() -> Place:
    return seen()


async def awaits_another() -> Place:
    return await looks()


async def generates() -> AsyncIterator[Place]:
    yield seen()


async def takes_the_first() -> Place:
    return await generates().__anext__()


async def of_a_library() -> Place:
    class Calls(asyncio.Queue[Place]):
        def _get(self) -> Place:
            return seen()

    queue = Calls()
    queue.put_nowait(seen())
    return await queue.get()


@pytest.mark.parametrize(
    ("function", "name"), [(looks, "looks"), (awaits_another, "looks"), (takes_the_first, "generates")]
)
def test_it_is_the_one_that_stands_still_and_not_who_awaits_it(
    function: Callable[[], Awaitable[Place]], name: str
) -> None:
    async def run() -> Place:
        return await function()

    place = asyncio.run(run())
    assert (place.function, place.coroutine and place.coroutine.function) == ("seen", name)
    held: Any = place.coroutine
    code = globals()[name].__code__
    assert (held.file, held.first_line, held.line) == (__file__, code.co_firstlineno, code.co_firstlineno + 1)


def test_one_of_a_library_in_between_is_none_of_the_users() -> None:
    place = asyncio.run(of_a_library())
    assert (place.function, place.coroutine) == ("seen", None)


def test_without_a_coroutine_there_is_none() -> None:
    assert seen().coroutine is None
