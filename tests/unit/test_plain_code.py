from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import Depends, FastAPI

from harness.inside.bench_inside.plain_code import cannot_wait
from harness.inside.bench_inside.seen_request import SeenRequest

VERSION = "1.0"
CONNECTION = object()
LIMITS = {"a": 1}


def with_builtins(n: int) -> Any:
    return {"version": VERSION, "limit": LIMITS["a"], "size": len(VERSION), "text": f"{n}!"}


def with_sum(n: int) -> Any:
    return sum(range(n))


def with_loop(n: int) -> Any:
    while n:
        n -= 1
    return n


def constant() -> Any:
    return {"status": "ok"}


def with_method(text: str) -> Any:
    return text.upper()


def with_object() -> Any:
    return CONNECTION


def with_module() -> Any:
    return time.time()


def with_call() -> Any:
    return constant()


def with_open() -> Any:
    return open("/etc/hostname")  # noqa: PTH123


def with_import() -> Any:
    import json  # noqa: PLC0415

    return json


def in_a_comprehension() -> Any:
    return [time for _ in range(2)]


def made_by_another() -> Callable[[], Any]:
    kept = CONNECTION

    def closure() -> Any:
        return kept

    return closure


@pytest.mark.parametrize("function", [constant, with_builtins])
def test_a_few_steps_of_python_cannot_wait(function: Any) -> None:
    assert cannot_wait(function)


@pytest.mark.parametrize(
    "function",
    [
        *(
            with_sum,
            with_loop,
            with_method,
            with_object,
            with_module,
            with_call,
            with_open,
            with_import,
            in_a_comprehension,
        ),
        *(made_by_another(), time.sleep, CONNECTION, None),
    ],
)
def test_what_leads_to_other_code_may_wait(function: Any) -> None:
    assert not cannot_wait(function)


async def current_user() -> str:
    return "a"


def request_of(endpoint: Any, *dependencies: Any) -> SeenRequest:
    app = FastAPI()
    app.get("/a", dependencies=[Depends(each) for each in dependencies])(endpoint)
    route: Any = app.routes[-1]
    return SeenRequest({"endpoint": route.endpoint, "route": route})


def test_an_endpoint_with_dependencies_may_be_given_what_waits() -> None:
    assert request_of(constant).cannot_wait()
    assert not request_of(constant, current_user).cannot_wait()
    assert not request_of(with_call).cannot_wait()
    assert request_of(with_call).endpoint_name() == "with_call"
