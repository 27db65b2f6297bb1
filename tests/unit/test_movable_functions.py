"""Which functions can be `def`: this file is the user's code."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.security import OAuth2PasswordBearer

from harness.inside.bench_inside.movable_functions import can_be_def
from harness.inside.bench_inside.seen_request import SeenRequest
from harness.inside.bench_inside.stacks import UserCode

QUEUE: asyncio.Queue[int] = asyncio.Queue()
LOCK = asyncio.Lock()
LOOP: Any = None
TENANT: contextvars.ContextVar[str] = contextvars.ContextVar("tenant")


async def blocks() -> str:
    len([])
    return "a"


class Checker:
    async def __call__(self) -> None:
        len([])

    async def check(self) -> None:
        len([])


async def awaits() -> None:
    await asyncio.sleep(0)


async def enters() -> None:
    async with asyncio.Lock():
        pass


async def asks_for_the_loop() -> float:
    return asyncio.get_running_loop().time()


async def starts_a_task() -> None:
    asyncio.create_task(awaits())  # noqa: RUF006


async def sets_a_context_variable() -> None:
    TENANT.set("acme")


async def pushes() -> None:
    QUEUE.put_nowait(1)


async def answers_a_future(future: asyncio.Future[int]) -> None:
    future.set_result(1)


async def calls_later() -> None:
    later = LOOP.call_later
    later(1.0, print)


async def pushes_all() -> None:
    _ = {QUEUE.get_nowait() for _ in range(2)}


async def lets_others_in() -> None:
    LOCK.release()


async def generates() -> AsyncIterator[int]:
    yield 1


def timed(function: Any) -> Any:
    @functools.wraps(function)
    async def wrapper() -> Any:
        return await function()

    return wrapper


@pytest.mark.parametrize("function", [blocks, Checker(), Checker().check, functools.partial(blocks)])
def test_what_does_nothing_with_the_loop_can_be_def(function: Any) -> None:
    assert can_be_def(function)


@pytest.mark.parametrize(
    "function",
    [
        *(awaits, enters, asks_for_the_loop, starts_a_task, sets_a_context_variable, generates),
        *(pushes, pushes_all, answers_a_future, calls_later, lets_others_in),
        *(timed(blocks), functools.partial(timed(blocks))),  # the decorator awaits it
        *(Checker, time.sleep, None),
    ],
)
def test_what_needs_the_loop_or_is_called_by_what_does_stays_as_it_is(function: Any) -> None:
    assert not can_be_def(function)


def request_of(endpoint: Any, *dependencies: Any) -> SeenRequest:
    app = FastAPI()
    app.get("/a", dependencies=[Depends(each) for each in dependencies])(endpoint)
    route: Any = app.routes[-1]
    return SeenRequest({"endpoint": route.endpoint, "route": route})


def test_of_a_requests_dependencies_those_of_the_app_are_named_by_their_place() -> None:
    request = request_of(awaits, blocks, generates, awaits, Checker(), OAuth2PasswordBearer("token"))
    lines = [blocks.__code__.co_firstlineno, Checker.__call__.__code__.co_firstlineno]
    assert request.movable_dependencies(UserCode()) == [(__file__, line) for line in lines]
    assert SeenRequest({"type": "http"}).movable_dependencies(UserCode()) == []


def test_of_an_endpoint_the_place_is_known_and_whether_it_can_be_def() -> None:
    request = request_of(blocks)
    assert request.endpoint_place() == (__file__, blocks.__code__.co_firstlineno)
    assert request.endpoint_can_be_def()
    assert not request_of(awaits).endpoint_can_be_def()
    nothing = SeenRequest({"type": "http"})
    assert (nothing.endpoint_place(), nothing.endpoint_can_be_def()) == (("", 0), False)
