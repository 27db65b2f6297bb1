"""Which remedies apply, of checks made by hand, so that each reason has its own."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from harness.analysis.app_check import AppCheck, CheckedRoute
from harness.analysis.app_remedies import remedies
from harness.analysis.blocking_lines import BlockingLine
from harness.results.records.remedy import Remedy

WAITS = BlockingLine(
    "/shop/main.py", 15, "order_status", "time.sleep", "waits", 60.0, "endpoint", "GET /orders/{order}"
)
ASYNC = CheckedRoute(
    method="GET",
    path="/orders/{order}",
    asked=True,
    status=200,
    reason="",
    kind="async def",
    sync_dependencies=0,
    service_ms=61.0,
    blocked_ms=60.0,
    thread_ms=0.0,
    cpu_ms=1.0,
    findings=(WAITS,),
    endpoint="order_status",
)
PING = msgspec.structs.replace(
    ASYNC,
    **{"path": "/ping", "kind": "def", "service_ms": 1.1, "blocked_ms": 0.0, "cpu_ms": 0.6},
    **{"findings": (), "endpoint": "ping", "cannot_wait": True},
)
WAITING = msgspec.structs.replace(
    PING, path="/report", service_ms=61.0, thread_ms=60.0, endpoint="report", cannot_wait=False
)


def changed(route: CheckedRoute, **changes: Any) -> CheckedRoute:
    return msgspec.structs.replace(route, **changes)


def blocked(**changes: Any) -> CheckedRoute:
    """The route whose finding is another."""
    return changed(ASYNC, findings=(msgspec.structs.replace(WAITS, **changes),))


def found(*routes: CheckedRoute, **given: Any) -> dict[str, Remedy]:
    check = AppCheck(routes, tuple(line for route in routes for line in route.findings))
    options: dict[str, Any] = {"cores": 2, "users": 10, "installed": (), **given}
    return {remedy.name: remedy for remedy in remedies(check, **options)}


def test_an_async_endpoint_that_blocks_is_to_be_def() -> None:
    remedy = found(ASYNC, PING)["in_thread"]
    assert (remedy.routes, remedy.why_not, remedy.workers) == (("GET /orders/{order}",), "", 1)
    assert json.loads(remedy.inside) == {"in_thread": ["GET /orders/{order}"]}
    assert remedy.change.splitlines() == [
        "# GET /orders/{order}: main.py:15 `order_status` waits for 60 ms in time.sleep",
        '@app.get("/orders/{order}")',
        "def order_status(...):  # was: async def",
    ]


def test_the_function_of_the_endpoint_is_named_when_one_that_it_calls_blocks() -> None:
    remedy = found(blocked(function="load", file="/shop/storage.py", line=3))["in_thread"]
    assert "storage.py:3 `load` waits" in remedy.change
    assert "def order_status(...):" in remedy.change


def test_where_it_computes_the_change_says_what_a_thread_cannot_do() -> None:
    remedy = found(blocked(cause="computes", call=None))["in_thread"]
    lines = remedy.change.splitlines()
    assert lines[0] == "# GET /orders/{order}: main.py:15 `order_status` computes for 60 ms"
    assert "one thread at a time" in lines[1]
    assert "process pool" in lines[1]


@pytest.mark.parametrize("kind", ["async def", "def"])
def test_a_dependency_that_blocks_is_moved_alone(kind: str) -> None:
    route = changed(blocked(where="dependency", function="current_user"), kind=kind, movable_dependencies=1)
    remedy = found(route)["in_thread"]
    assert json.loads(remedy.inside) == {"dependencies_in_thread": ["GET /orders/{order}"]}
    assert remedy.change.splitlines()[1:] == ["def current_user(...):  # was: async def"]


def test_both_of_one_route_are_moved_and_each_function_is_changed_once() -> None:
    dependency = msgspec.structs.replace(WAITS, where="dependency", function="current_user", line=9)
    again = msgspec.structs.replace(WAITS, line=16, ms=10.0)
    route = changed(ASYNC, findings=(WAITS, dependency, again), movable_dependencies=1)
    remedy = found(route)["in_thread"]
    assert json.loads(remedy.inside) == {
        "in_thread": ["GET /orders/{order}"],
        "dependencies_in_thread": ["GET /orders/{order}"],
    }
    assert remedy.change.count("# was: async def") == 2


@pytest.mark.parametrize(
    ("changes", "why_not"),
    [
        (
            {"where": "middleware"},
            "GET /orders/{order} blocks in middleware, main.py:15 `order_status`: change it there",
        ),
        (
            {"where": "dependency"},
            "GET /orders/{order} blocks in a dependency with `yield` or an overridden one, main.py:15 `order_status`: "
            "change it there",
        ),
        (
            {"where": "background"},
            "GET /orders/{order} blocks in a background task, main.py:15 `order_status`: make that `def`",
        ),
        (
            {"where": "generator"},
            "GET /orders/{order} blocks in the generator of its answer, main.py:15 `order_status`: make that `def`",
        ),
        (
            {"where": "other"},
            "GET /orders/{order} blocks outside of endpoints and dependencies, main.py:15 `order_status`: "
            "change it there",
        ),
        (
            {"cause": "cannot_run"},
            "GET /orders/{order}: main.py:15 `order_status` keeps the GIL in another thread: "
            "that belongs into a process",
        ),
    ],
)
def test_what_blocks_elsewhere_says_where(changes: dict[str, str], why_not: str) -> None:
    remedy = found(blocked(**changes))["in_thread"]
    assert (remedy.routes, remedy.why_not, remedy.change, remedy.inside) == ((), why_not, "", "")


def test_an_endpoint_that_is_def_already_says_so() -> None:
    assert (
        found(changed(ASYNC, kind="def"))["in_thread"].why_not == "GET /orders/{order}: the endpoint is `def` already"
    )


def test_where_nothing_blocks_there_is_nothing_to_move() -> None:
    assert found(PING)["in_thread"].why_not == "no async endpoint blocks the loop"
    assert found()["in_thread"].why_not == "no async endpoint blocks the loop"


def test_a_trivial_def_may_run_on_the_loop() -> None:
    remedy = found(PING, WAITING)["on_loop"]
    assert (remedy.routes, remedy.why_not) == (("GET /ping",), "")
    assert json.loads(remedy.inside) == {"on_loop": ["GET /ping"]}
    assert remedy.change.splitlines()[1:] == ['@app.get("/ping")', "async def ping(...):  # was: def"]


@pytest.mark.parametrize(
    "changes",
    [
        {"cannot_wait": False},  # however short it is
        {"cpu_ms": 2.0},
        {"status": 500},
        {"findings": (WAITS,)},
        {"service_ms": None, "cpu_ms": None},  # it gave no answer
    ],
)
def test_a_def_that_needs_its_thread_keeps_it(changes: dict[str, Any]) -> None:
    remedy = found(changed(PING, **changes))["on_loop"]
    assert remedy.routes == ()
    assert remedy.why_not == "each `def` endpoint computes, or calls what may wait: it needs its thread"


def test_where_no_endpoint_is_def_none_can_run_on_the_loop() -> None:
    assert found(ASYNC)["on_loop"].why_not == "no endpoint is `def`"


@pytest.mark.parametrize(
    ("cores", "workers", "why_not"),
    [
        (4, 1, ""),
        (1, 1, "it has one core"),
        (2, 2, "it runs 2 workers already, on 2 cores"),
        (2, 3, "it runs 3 workers already, on 2 cores"),
    ],
)
def test_as_many_workers_as_cores(cores: int, workers: int, why_not: str) -> None:
    by_name = found(ASYNC, cores=cores, workers=workers)
    assert (by_name[f"workers_{cores}"].why_not, by_name[f"workers_{cores}"].workers) == (why_not, cores)
    assert by_name["in_thread"].workers == workers
    assert (f"in_thread_workers_{cores}" in by_name) is (not why_not)


def test_a_combination_has_the_changes_of_both() -> None:
    by_name = found(ASYNC)
    both = by_name["in_thread_workers_2"]
    assert (both.inside, both.workers, both.routes) == (by_name["in_thread"].inside, 2, by_name["in_thread"].routes)
    assert both.title == "`def` in place of `async def`, and 2 workers in place of 1"
    assert "def order_status(...):" in both.change
    assert "--workers 2" in both.change
    assert "in_thread_workers_2" not in found(PING)


@pytest.mark.parametrize(("users", "threads"), [(41, 50), (100, 100), (101, 110), (5_000, 1_000)])
def test_as_many_threads_as_ask(users: int, threads: int) -> None:
    remedy = found(WAITING, PING, users=users)[f"threads_{threads}"]
    assert (remedy.routes, remedy.why_not) == (("GET /report",), "")
    assert json.loads(remedy.inside) == {"threads": threads}
    assert f"total_tokens = {threads}" in remedy.change


@pytest.mark.parametrize(
    ("route", "users", "why_not"),
    [
        (ASYNC, 100, "nothing runs in threads: no endpoint and no dependency is `def`"),
        (PING, 100, "nothing waits in threads for 5 ms: more of them would only take turns"),
        (changed(WAITING, cpu_ms=58.0), 100, "nothing waits in threads for 5 ms: more of them would only take turns"),
        (WAITING, 40, "AnyIO's 40 threads are enough for 40 users"),
    ],
)
def test_more_threads_would_not_help(route: CheckedRoute, users: int, why_not: str) -> None:
    (remedy,) = [each for name, each in found(route, users=users).items() if name.startswith("threads_")]
    assert (remedy.why_not, remedy.inside) == (why_not, "")


def test_a_dependency_that_waits_in_a_thread_counts() -> None:
    route = changed(WAITING, kind="async def", sync_dependencies=1)
    assert found(route, users=100)["threads_100"].routes == ("GET /report",)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("uvloop", {"loop": "uvloop"}),
        ("httptools", {"http": "httptools"}),
        ("granian", {"server": "granian", "loop": "asyncio"}),
    ],
)
def test_what_serves_the_app_is_changed_where_it_is_installed(name: str, options: dict[str, str]) -> None:
    remedy = found(installed={"uvicorn", name})[name]
    assert remedy.why_not == ""
    assert {key: getattr(remedy, key) for key in ("server", "loop", "http") if getattr(remedy, key)} == options
    missing = found(installed={"uvicorn"})[name]
    assert missing.why_not == f"{name} is not installed in the app's environment; pip install {name}"


def test_of_a_change_a_route_is_shown_its_own_part() -> None:
    other = changed(blocked(function="users", route="GET /users"), path="/users", endpoint="users")
    both = found(ASYNC, other)["in_thread_workers_2"]
    shown = both.change_for("GET /users")
    assert "def users(...):" in shown
    assert "--workers 2" in shown
    assert "order_status" not in shown


def test_the_names_can_be_names_of_variants() -> None:
    for name in found(ASYNC, WAITING, users=100, installed={"uvloop"}):
        assert name.isidentifier()
        assert name == name.lower()
