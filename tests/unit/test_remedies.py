"""Remedies inside an app, in this process and without a server: what runs where, and that the answers stay the same."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

import pytest

from harness.inside.bench_inside.app_routes import routes_in
from harness.inside.bench_inside.movable_functions import place_of_function
from harness.inside.bench_inside.remedied import Remedied
from harness.inside.bench_inside.remedies import RemedyError, RemedyOrder
from tests.remedied_shop import (
    MOVED,
    Answer,
    Checker,
    Tenant,
    answered,
    current_user,
    make_app,
    on_the_loop,
    session,
    used_twice,
)


def asked(app: Any, *paths: str) -> dict[str, Answer]:
    return asyncio.run(answered(app, *paths))


def with_order(path: str, app: Any = None, **order: Any) -> Answer:
    return asked(Remedied(app or make_app(), RemedyOrder(**order)), path)[path]


def test_async_endpoints_run_in_threads_and_answer_the_same() -> None:
    before = asked(make_app(), *MOVED)
    after = asked(Remedied(make_app(), RemedyOrder(in_thread=tuple(MOVED.values()))), *MOVED)
    for path in MOVED:
        assert (before[path].status, before[path].body.pop("ran")) == (200, "loop")
        assert (after[path].status, after[path].body.pop("ran")) == (200, "thread")
        for answer in (before, after):
            answer[path].body.pop("thread", None)
            answer[path].headers.pop("content-length")
        assert after[path] == before[path]


def test_a_route_that_is_not_named_stays_where_it_is() -> None:
    order = RemedyOrder(in_thread=("GET /v1/items/{item}",))
    answers = asked(Remedied(make_app(), order), "/v1/items/3", "/v2/items/3", "/orders/7")
    assert [each.body["ran"] for each in answers.values()] == ["thread", "loop", "loop"]


def test_context_variables_are_there_in_the_thread_too() -> None:
    answer = with_order("/orders/7", in_thread=("GET /orders/{order}",))
    assert answer.body == {"order": 7, "ran": "thread", "tenant": "acme", "thread": "AnyIO worker thread"}


def test_what_the_class_of_a_route_does_to_it_stays() -> None:
    assert with_order("/v1/items/3", in_thread=("GET /v1/items/{item}",)).headers["x-counted"] == "1"


def test_what_an_endpoint_raises_is_still_an_answer() -> None:
    answer = with_order("/gone", in_thread=("GET /gone",))
    assert (answer.status, answer.body) == (404, {"detail": {"ran": "thread"}})


def test_a_streaming_response_is_still_iterated_on_the_loop() -> None:
    assert with_order("/stream", in_thread=("GET /stream",)).body == {"made": "thread", "ran": "loop"}


@pytest.mark.parametrize("path", ["/awaits", "/yields"])
def test_an_endpoint_that_awaits_says_so(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    answers = asked(Remedied(make_app(), RemedyOrder(in_thread=(f"GET {path}",))), path)
    words = f"GET {path}: the endpoint awaits, so it cannot be `def`; await a thread for the call that blocks alone"
    assert (answers[path].status, str(answers[path].body)) == (500, words)
    assert capsys.readouterr().err.splitlines() == [f"BENCH-NOTE: {words}"]


def dependencies(route: str, *functions: Any) -> Any:
    return {route: [place_of_function(each) for each in functions]}


def test_a_dependency_runs_in_a_thread_once_and_the_others_stay() -> None:
    answer = with_order("/me", dependencies_in_thread=dependencies("GET /me", current_user))
    assert answer.body == {"ran": "loop", "user": "thread", "again": "thread", "session": "loop"}
    answer = with_order("/token", dependencies_in_thread=dependencies("GET /token", Checker.__call__))
    assert answer.body == {"ran": "loop", "checked": "thread"}
    answer = with_order("/me", dependencies_in_thread=dependencies("GET /me", used_twice))
    assert answer.body == {"ran": "loop", "user": "loop", "again": "loop", "session": "loop"}


def test_one_that_needs_the_loop_stays_on_it() -> None:
    answer = with_order("/both", dependencies_in_thread=dependencies("GET /both", current_user, on_the_loop))
    assert answer.body == {"ran": "loop", "user": "thread", "placed": "loop"}


def test_a_dependency_that_awaits_stays_where_it_is() -> None:
    with pytest.raises(RemedyError, match=r"^GET /session: has no such `async def` dependency that can run"):
        with_order("/session", dependencies_in_thread=dependencies("GET /session", session))


def test_the_dependencies_of_an_app_that_overrides_some_are_left_alone() -> None:
    app = make_app()
    app.dependency_overrides[session] = lambda: "somebody"
    with pytest.raises(RemedyError, match=r"^GET /me: has no such `async def` dependency that can run"):
        with_order("/me", app, dependencies_in_thread=dependencies("GET /me", current_user))
    answer = with_order("/me", app, in_thread=("GET /me",))
    assert answer.body == {"ran": "thread", "user": "loop", "again": "loop", "session": "somebody"}


def test_a_def_endpoint_runs_on_the_loop() -> None:
    assert asked(make_app(), "/ping")["/ping"].body == {"ran": "thread"}
    assert with_order("/ping", on_loop=("GET /ping",)).body == {"ran": "loop"}


def test_the_threads_are_set_after_the_apps_own_startup() -> None:
    assert asked(make_app(), "/threads")["/threads"].body == {"threads": 7}
    assert with_order("/threads", threads=200).body == {"threads": 200}


def test_an_app_is_found_in_whatever_is_around_it() -> None:
    app = make_app()

    async def around(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)

    class Around:
        def __init__(self, other: Any) -> None:
            self.other_app = other

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await self.other_app(scope, receive, send)

    inner = Tenant(Around(app))
    answer = with_order("/orders/7", around, in_thread=("GET /orders/{order}",))
    assert answer.body["ran"] == "thread"


def test_a_root_path_may_be_part_of_the_name() -> None:
    app = make_app()
    app.root_path = "/api"
    named = {name for name in MOVED.values() for route in routes_in(app) if route.is_named(name.replace(" ", " /api"))}
    assert {"GET /orders/{order}", "GET /v1/items/{item}"} <= named
    assert "GET /admin/users/{user}" in {f"GET {route.path}" for route in routes_in(app)}


def test_an_app_that_is_mounted_twice_has_both_names() -> None:
    assert {"/admin/users/{user}", "/wrapped/users/{user}"} <= {route.path for route in routes_in(make_app())}


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"in_thread": ["GET /nowhere"]}, "GET /nowhere: the app has no such route"),
        ({"in_thread": ["POST /ping"]}, "POST /ping: the app has no such route"),
        ({"in_thread": ["GET /ping"]}, "GET /ping: its endpoint is `def` already"),
        ({"on_loop": ["GET /model"]}, "GET /model: its endpoint is `async def` already"),
        ({"in_thread": ["GET /page"]}, "GET /page: its endpoint is a class; change it there"),
        (
            {"in_thread": ["GET /generator"]},
            "GET /generator: its endpoint is a generator, which is asked for each part of the answer",
        ),
        (
            {"dependencies_in_thread": {"GET /ping": [["shop.py", 1]]}},
            "GET /ping: has no such `async def` dependency that can run in a thread; change it there",
        ),
    ],
)
def test_what_cannot_be_applied_ends_the_startup(order: dict[str, Any], words: str) -> None:
    with pytest.raises(RemedyError) as raised:
        with_order("/ping", **order)
    assert str(raised.value) == words
    # It has gone through the app's middleware, but the line for the log shall not say that this has raised it.
    assert "__call__" not in [frame.name for frame in traceback.extract_tb(raised.tb)]


def test_what_of_several_cannot_be_applied_is_noted_and_the_rest_is_applied(
    capsys: pytest.CaptureFixture[str],
) -> None:
    order: Any = {"in_thread": ["GET /nowhere"], "dependencies_in_thread": {"GET /ping": [["shop.py", 1]]}}
    assert with_order("/ping", **order, on_loop=["GET /ping"]).body == {"ran": "loop"}
    notes = capsys.readouterr().err.splitlines()
    assert notes == [
        "BENCH-NOTE: GET /nowhere: the app has no such route",
        "BENCH-NOTE: GET /ping: has no such `async def` dependency that can run in a thread; change it there",
    ]
    with pytest.raises(RemedyError, match=r"^GET /nowhere: the app has no such route$"):
        with_order("/ping", **order, threads=200)  # more threads alone are another remedy


def test_also_of_an_app_without_a_lifespan() -> None:
    app = make_app()

    async def without(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        await app(scope, receive, send)

    with pytest.raises(RemedyError, match="no such route"):
        with_order("/ping", without, in_thread=("GET /nowhere",))


def test_a_remedy_that_there_is_not_is_named() -> None:
    words = (
        r"^BENCH_REMEDIES: 'uvloop' is no remedy; there are in_thread, dependencies_in_thread, calls_in_thread, "
        r"on_loop, threads$"
    )
    with pytest.raises(RemedyError, match=words):
        RemedyOrder.read('{"uvloop": true}')
    assert RemedyOrder.read('{"in_thread": ["GET /a"], "threads": 50}') == RemedyOrder(["GET /a"], threads=50)
