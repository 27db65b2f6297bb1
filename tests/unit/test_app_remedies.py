"""Which remedies apply, of checks made by hand, so that each reason has its own."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from harness.analysis.app_check import AppCheck, CheckedRoute
from harness.analysis.app_remedies import remedies
from harness.analysis.blocking_lines import BlockingLine
from harness.results.records.blocked_stretch import HeldCoroutine
from harness.results.records.remedy import Remedy

FILE = "/shop/main.py"
SOURCE = """import time
from fastapi import APIRouter, Depends

router = APIRouter(prefix="/orders")

@router.get("/{order}", tags=["orders"])
async def order_status(order: int):
    time.sleep(0.06)

async def current_user():
    for _ in "user": pass

@router.get("/ping")
def ping():
    return {}
"""
WAITS = BlockingLine(
    *(FILE, 8, "order_status", "time.sleep", "waits", 60.0, "endpoint", "GET /orders/{order}"),
    coroutines=(HeldCoroutine(FILE, "order_status", 6, 8, (8, 8, 4, 20)),),
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
    endpoint_place=(FILE, 6),
    endpoint_can_be_def=True,
)
PING = msgspec.structs.replace(
    ASYNC,
    **{"path": "/ping", "kind": "def", "service_ms": 1.1, "blocked_ms": 0.0, "cpu_ms": 0.6},
    **{"findings": (), "endpoint": "ping", "endpoint_place": (FILE, 13), "cannot_wait": True},
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
    options: dict[str, Any] = {"cores": 2, "users": 10, "installed": (), "sources": {FILE: SOURCE}, **given}
    check = AppCheck(routes, tuple(line for route in routes for line in route.findings), options.pop("threads", 40))
    return {remedy.name: remedy for remedy in remedies(check, **options)}


def dependency(function: str, first_line: int) -> BlockingLine:
    return msgspec.structs.replace(
        WAITS,
        **{"function": function, "line": first_line + 1, "where": "dependency"},
        coroutines=(HeldCoroutine(FILE, function, first_line, first_line + 1, ()),),
    )


def test_an_async_endpoint_that_blocks_is_to_be_def() -> None:
    remedy = found(ASYNC, PING)["in_thread"]
    assert (remedy.routes, remedy.why_not, remedy.workers) == (("GET /orders/{order}",), "", 1)
    assert json.loads(remedy.inside) == {"in_thread": ["GET /orders/{order}"]}
    assert remedy.title == "`def` in place of `async def`"
    assert remedy.change.splitlines() == [
        "# GET /orders/{order}: main.py:8 `order_status` waits for 60 ms in time.sleep",
        "# main.py:7",
        '@router.get("/{order}", tags=["orders"])',
        "def order_status(order: int):  # was: async def",
    ]


def test_the_function_of_the_endpoint_is_named_when_one_that_it_calls_blocks() -> None:
    remedy = found(blocked(function="load", file="/shop/storage.py", line=3))["in_thread"]
    assert "storage.py:3 `load` waits" in remedy.change
    assert "def order_status(order: int):" in remedy.change


def test_where_it_computes_the_change_says_what_a_thread_cannot_do() -> None:
    remedy = found(blocked(cause="computes", call=None))["in_thread"]
    lines = remedy.change.splitlines()
    assert lines[0] == "# GET /orders/{order}: main.py:8 `order_status` computes for 60 ms"
    assert "one thread at a time" in lines[1]
    assert "process pool" in lines[1]


@pytest.mark.parametrize("kind", ["async def", "def"])
def test_the_dependency_that_blocks_is_moved_alone(kind: str) -> None:
    route = changed(
        ASYNC, kind=kind, findings=(dependency("current_user", 10),), movable_dependencies=((FILE, 10), (FILE, 14))
    )
    remedy = found(route)["in_thread"]
    assert json.loads(remedy.inside) == {"dependencies_in_thread": {"GET /orders/{order}": [[FILE, 10]]}}
    assert remedy.change.splitlines()[1:] == ["# main.py:10", "def current_user():  # was: async def"]


def test_both_of_one_route_are_moved_and_each_function_is_changed_once() -> None:
    again = msgspec.structs.replace(WAITS, line=9, ms=10.0)
    route = changed(ASYNC, findings=(WAITS, dependency("current_user", 10), again), movable_dependencies=((FILE, 10),))
    remedy = found(route)["in_thread"]
    assert json.loads(remedy.inside) == {
        "in_thread": ["GET /orders/{order}"],
        "dependencies_in_thread": {"GET /orders/{order}": [[FILE, 10]]},
    }
    assert remedy.change.count("# was: async def") == 2


def test_where_a_function_needs_the_loop_the_call_that_blocks_is_moved() -> None:
    route = changed(ASYNC, endpoint_can_be_def=False)
    remedy = found(route)["in_thread"]
    assert json.loads(remedy.inside) == {"calls_in_thread": [[FILE, 8, 8, 4, 20]]}
    assert remedy.title == "`await run_in_threadpool(...)` for what blocks"
    assert remedy.change.splitlines()[1:] == [
        "from starlette.concurrency import run_in_threadpool",
        "# main.py:8",
        "await run_in_threadpool(time.sleep, 0.06)",
    ]


@pytest.mark.parametrize("where", ["middleware", "background", "generator", "other", "dependency"])
def test_so_it_is_wherever_the_coroutine_comes_from(where: str) -> None:
    route = changed(blocked(where=where), endpoint_place=(FILE, 1))
    assert json.loads(found(route)["in_thread"].inside) == {"calls_in_thread": [[FILE, 8, 8, 4, 20]]}


def test_a_function_that_the_app_awaits_itself_stays_async() -> None:
    for file, use in (
        (FILE, "async def other():\n    return await order_status(1)\n"),
        ("/shop/all.py", "from .main import order_status\n\nasync def other():\n    await gather(order_status(1))\n"),
    ):
        sources = {FILE: SOURCE, file: f"{SOURCE if file == FILE else ''}{use}"}
        remedy = found(ASYNC, sources=sources)["in_thread"]
        assert list(json.loads(remedy.inside)) == ["calls_in_thread"]


def test_a_change_that_several_routes_share_is_written_once() -> None:
    shared = changed(ASYNC, endpoint_can_be_def=False)
    routes = [changed(shared, path=f"/{number}") for number in range(2)]
    remedy = found(*routes)["in_thread"]
    assert remedy.change.startswith("# GET /0, GET /1: main.py:8 `order_status` waits")
    assert json.loads(remedy.inside) == {"calls_in_thread": [[FILE, 8, 8, 4, 20]]}
    assert remedy.change_for("GET /1") == remedy.change_for("GET /0") == remedy.change
    many = found(*(changed(shared, path=f"/{number}") for number in range(5)))["in_thread"]
    assert many.change.startswith("# 5 routes: main.py:8 ")
    assert many.change_for("GET /4") == many.change


def test_a_route_has_the_title_of_its_own_change() -> None:
    other = changed(ASYNC, path="/other", endpoint_can_be_def=False)
    by_name = found(ASYNC, other)
    assert by_name["in_thread"].title == "what blocks in worker threads"
    assert by_name["in_thread_workers_2"].titles == {
        "GET /orders/{order}": "`def` in place of `async def`, and 2 workers in place of 1",
        "GET /other": "`await run_in_threadpool(...)` for what blocks, and 2 workers in place of 1",
    }


NO_CALL = "no call of main.py:11 `current_user` can be moved as it is: put what blocks into a `def`, and "


@pytest.mark.parametrize(
    ("changes", "why_not"),
    [
        (
            {"cause": "cannot_run"},
            "main.py:8 `order_status` keeps the GIL in another thread: run it in a process pool",
        ),
        (
            {"where": "middleware", "coroutines": ()},
            "main.py:8 `order_status` blocks in the middleware, and is called by a coroutine of a library: "
            "change it there",
        ),
        (
            {"coroutines": ()},
            "main.py:8 `order_status` blocks, and is called by a coroutine of a library: change it there",
        ),
        (
            {"line": 6, "coroutines": ()},
            "main.py:6 `order_status` does not block itself, but what the framework makes of its answer or its "
            "parameters: a smaller answer, or a `Response` that it makes, takes less",
        ),
        (
            {"coroutines": (HeldCoroutine(FILE, "current_user", 10, 11, ()),)},
            f"{NO_CALL}call it with `await run_in_threadpool(...)`",
        ),
        (
            {"coroutines": (HeldCoroutine(FILE, "current_user", 10, 11, ()),), "cause": "computes"},
            f"{NO_CALL}await it in a process pool",
        ),
    ],
)
def test_what_cannot_be_moved_says_why_for_its_route(changes: dict[str, Any], why_not: str) -> None:
    stuck = changed(blocked(**changes), path="/stuck")
    remedy = found(stuck)["in_thread"]
    assert (remedy.routes, remedy.why_not) == ((), f"GET /stuck: {why_not}")
    assert (remedy.change, remedy.inside, remedy.not_for) == ("", "", {"GET /stuck": why_not})
    both = found(stuck, ASYNC)  # one that can be moved takes the reason from no other
    assert (both["in_thread"].routes, both["in_thread"].not_for) == (("GET /orders/{order}",), {"GET /stuck": why_not})
    assert both["in_thread_workers_2"].not_for == {}
    part = changed(stuck, findings=(*stuck.findings, WAITS))
    assert found(part)["in_thread"].change.endswith(f"\n\n# GET /stuck: {why_not}")


def test_a_call_that_must_not_be_awaited_says_what_to_do() -> None:
    source = SOURCE.replace("    time.sleep(0.06)", "    with lock: time.sleep(0.06)")
    at = HeldCoroutine(FILE, "order_status", 6, 8, (8, 8, 15, 31))
    route = changed(blocked(coroutines=(at,)), endpoint_can_be_def=False)
    assert found(route, sources={FILE: source})["in_thread"].why_not == (
        "GET /orders/{order}: main.py:8 `order_status`: it is inside `with lock:`, and if that is a lock, another "
        "request could wait for it on the loop for ever: put the whole `with` block into a `def` and call it with "
        "`await run_in_threadpool(...)`"
    )


def test_where_nothing_blocks_there_is_nothing_to_move() -> None:
    assert found(PING)["in_thread"].why_not == "no coroutine of the app blocks the loop"
    assert found()["in_thread"].why_not == "no coroutine of the app blocks the loop"


def test_a_trivial_def_may_run_on_the_loop() -> None:
    remedy = found(PING, WAITING)["on_loop"]
    assert (remedy.routes, remedy.why_not) == (("GET /ping",), "")
    assert json.loads(remedy.inside) == {"on_loop": ["GET /ping"]}
    assert remedy.change.splitlines()[1:] == [
        "# main.py:14",
        '@router.get("/ping")',
        "async def ping():  # was: def",
    ]


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
    title = "a worker for each core" if why_not else f"{cores} workers in place of {workers}"
    assert by_name[f"workers_{cores}"].title == title


def test_a_combination_has_the_changes_of_both() -> None:
    by_name = found(ASYNC)
    both = by_name["in_thread_workers_2"]
    assert (both.inside, both.workers, both.routes) == (by_name["in_thread"].inside, 2, by_name["in_thread"].routes)
    assert both.title == "`def` in place of `async def`, and 2 workers in place of 1"
    assert "def order_status(order: int):" in both.change
    assert "--workers 2" in both.change
    assert "in_thread_workers_2" not in found(PING)


@pytest.mark.parametrize(
    ("users", "threads", "workers"), [(41, 50, 1), (100, 100, 1), (101, 110, 1), (5_000, 1_000, 1), (101, 60, 2)]
)
def test_as_many_threads_as_ask(users: int, threads: int, workers: int) -> None:
    remedy = found(WAITING, PING, users=users, workers=workers)[f"threads_{threads}"]
    assert (remedy.routes, remedy.why_not) == (("GET /report",), "")
    assert json.loads(remedy.inside) == {"threads": threads}
    assert f"total_tokens = {threads}" in remedy.change
    assert remedy.title == f"{threads} threads in place of 40"


def test_the_threads_that_the_app_has_are_those_that_it_has_set_itself() -> None:
    assert found(WAITING, users=64, threads=10)["threads_70"].title == "70 threads in place of 10"
    remedy = found(WAITING, users=64, threads=200)["threads_70"]
    assert (remedy.title, remedy.inside) == ("more of AnyIO's threads", "")
    assert remedy.why_not == "AnyIO's 200 threads are enough for 64 users"


@pytest.mark.parametrize(
    ("route", "given", "why_not"),
    [
        (ASYNC, {"users": 100}, "nothing runs in threads: no endpoint and no dependency is `def`"),
        (PING, {"users": 100}, "nothing waits in threads for 5 ms: more of them would only take turns"),
        (
            changed(WAITING, cpu_ms=58.0),
            {"users": 100},
            "nothing waits in threads for 5 ms: more of them would only take turns",
        ),
        (WAITING, {"users": 40}, "AnyIO's 40 threads are enough for 40 users"),
        (WAITING, {"users": 1}, "AnyIO's 40 threads are enough for 1 user"),
        (WAITING, {"users": 80, "workers": 2}, "AnyIO's 40 threads of each worker are enough for 80 users"),
        (WAITING, {"users": 5_000, "threads": 2_000}, "AnyIO has 2,000 threads in this app already"),
        (WAITING, {"users": 100, "threads": None}, "AnyIO has no limit in this app"),
    ],
)
def test_more_threads_would_not_help(route: CheckedRoute, given: dict[str, Any], why_not: str) -> None:
    (remedy,) = [each for name, each in found(route, **given).items() if name.startswith("threads_")]
    assert (remedy.title, remedy.why_not, remedy.inside) == ("more of AnyIO's threads", why_not, "")


def test_what_is_moved_and_waits_gets_as_many_threads_as_ask() -> None:
    remedy = found(ASYNC, users=64)["in_thread_threads_70"]
    assert json.loads(remedy.inside) == {"in_thread": ["GET /orders/{order}"], "threads": 70}
    assert remedy.title == "`def` in place of `async def`, and 70 threads in place of 40"
    assert "def order_status(order: int):" in remedy.change
    assert "total_tokens = 70" in remedy.change
    for without in (found(ASYNC, users=40), found(ASYNC, users=64, threads=200), found(PING, users=64)):
        assert not any(name.startswith("in_thread_threads") for name in without)
    assert "in_thread_threads_70" not in found(blocked(cause="computes"), users=64)


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
    assert "pip" not in remedy.change
    missing = found(installed={"uvicorn"})[name]
    assert missing.change.startswith(f"pip install {name}\n")
    assert missing.why_not == f"{name} is not installed in the app's environment; pip install {name}"


def test_of_a_change_a_route_is_shown_its_own_part() -> None:
    other = changed(blocked(function="users", route="GET /users"), path="/users", endpoint="users")
    other = changed(other, endpoint_can_be_def=False)
    both = found(ASYNC, other)["in_thread_workers_2"]
    shown = both.change_for("GET /users")
    assert "run_in_threadpool(time.sleep, 0.06)" in shown
    assert "--workers 2" in shown
    assert "def order_status" not in shown


def test_the_names_can_be_names_of_variants() -> None:
    for name in found(ASYNC, WAITING, users=100, installed={"uvloop"}):
        assert name.isidentifier()
        assert name == name.lower()
