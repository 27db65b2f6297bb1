"""The work is the same everywhere: the literal answers of the scenarios are what the functions give."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path
from statistics import fmean
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from harness.catalog.catalog import Catalog
from harness.results.records.answer import json_sha256
from harness.results.records.workload import Workload
from harness.services.upstream import Question, WaitingApp, value_of
from targets import _orders, _work

ROOT = Path(__file__).parents[2]
NAMES = {"io", "fanout", "cpu", "mixed", "tail", "cpu_native", "json"}
WORKLOADS = [entry for entry in Catalog.read(ROOT).workloads if entry.name in NAMES]


@pytest.mark.parametrize("name", ["db", "db_io"])
def test_the_answers_of_the_workloads_with_a_database_are_what_its_rows_hold(name: str) -> None:
    (workload,) = Catalog.read(ROOT).select_workloads([name])
    for key, request in enumerate(workload.requests, start=1):
        assert request.path == f"/{name}?wait_ms={workload.wait_ms:.0f}&key={key}"
        assert request.answer == {"key": key, "value": value_of(key)}
    assert len(workload.requests) == 16


def right_answer(path: str) -> dict[str, object]:
    """What a route is to answer, from the functions alone."""
    parts = urlsplit(path)
    query = {name: int(value) for name, value in parse_qsl(parts.query) if name != "sigma"}
    key = query["key"]
    match parts.path:
        case "/io" | "/tail":
            return {"key": key, "value": value_of(key)}
        case "/fanout":
            return {"key": key, "values": [value_of(key), value_of(key + 1), value_of(key + 2)]}
        case "/cpu":
            return {"key": key, "result": _work.crunch(key, query["rounds"])}
        case "/mixed":
            return {"key": key, "result": _work.crunch(value_of(key), query["rounds"])}
        case "/cpu_native":
            return {"key": key, "result": _work.native(key, query["kib"])}
        case "/json":
            return _orders.Orders.model_validate(_orders.rows(key, query["items"])).model_dump(mode="json")
    raise AssertionError(path)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_every_literal_answer_of_a_scenario_is_the_right_one(workload: Workload) -> None:
    assert len(workload.requests) == 8
    for request in workload.requests:
        right = right_answer(request.path)
        assert (json_sha256(right) == request.sha256) if request.sha256 else (request.answer == right)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_the_wait_that_a_scenario_declares_is_the_one_it_asks_for(workload: Workload) -> None:
    for request in workload.requests:
        query = dict(parse_qsl(urlsplit(request.path).query))
        assert float(query.get("wait_ms", 0)) == workload.wait_ms
        assert float(query.get("sigma", 0)) == workload.wait_sigma
    assert (workload.calls == 0) == (workload.wait_ms == 0)


def test_a_scenarios_requests_differ() -> None:
    for workload in WORKLOADS:
        assert len({request.path for request in workload.requests}) == 8
        assert len({repr((request.answer, request.sha256)) for request in workload.requests}) == 8


def test_crunch_is_the_generator_of_the_c_standards_rand() -> None:
    # state * 1103515245 + 12345 modulo 2**31, started with 1: 1103527590, then 2524885223 mod 2**31
    assert _work.crunch(1, 1) == 1103527590
    assert _work.crunch(1, 2) == 377401575


@given(seed=st.integers(0, 10**15), first=st.integers(1, 50), second=st.integers(1, 50))
def test_crunch_goes_on_where_it_stopped(seed: int, first: int, second: int) -> None:
    assert _work.crunch(_work.crunch(seed, first), second) == _work.crunch(seed, first + second)


def test_a_pools_child_imports_neither_fastapi_nor_an_http_client() -> None:
    heavy = {"fastapi", "pydantic", "httpx", "aiohttp", "PIL"}
    code = f"import sys, targets._work; print(*({heavy} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == ""


def test_no_strategy_imports_the_harness() -> None:
    for path in (ROOT / "targets").glob("*.py"):
        assert not re.search(r"^\s*(import|from)\s+harness\b", path.read_text(encoding="utf-8"), re.MULTILINE), path


def test_the_clients_limits_are_above_every_load() -> None:
    with _work.blocking_client() as client:
        pool = client._transport._pool  # httpx has no public way to ask
        assert pool._max_connections == pool._max_keepalive_connections == _work.MAX_CONNECTIONS
        assert pool._keepalive_expiry == _work.KEEP_ALIVE_S
    assert _work.MAX_CONNECTIONS >= 256 * _work.FANOUT_CALLS


def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with _work.blocking_client() as client:
        assert not client._mounts  # where httpx keeps the proxies it takes from the environment


def test_cores_are_those_this_process_may_use() -> None:
    if hasattr(os, "sched_getaffinity"):
        assert _work.cores() == len(os.sched_getaffinity(0))
    assert _work.cores() >= 1


def test_the_waits_of_tail_have_the_mean_of_io() -> None:
    tail, io = (next(entry for entry in WORKLOADS if entry.name == name) for name in ("tail", "io"))
    app = WaitingApp(0.0, "1", "")
    drawn_ms = [app.draw_ms(Question(tail.wait_ms, number % 8, tail.wait_sigma)) for number in range(40_000)]
    assert fmean(drawn_ms) == pytest.approx(io.wait_ms, rel=0.02)  # four standard errors
    assert tail.mean_wait_ms == pytest.approx(io.wait_ms, rel=0.002)
    assert sum(wait_ms > 1000 * tail.waits_s for wait_ms in drawn_ms) < 40


@given(key=st.integers(0, 10**6), other=st.integers(0, 10**6))
def test_native_work_depends_on_its_key(key: int, other: int) -> None:
    assert (_work.native(key, 1) == _work.native(other, 1)) == (key == other)


def test_native_work_is_on_a_body_of_the_size_that_was_asked_for_and_compresses_like_a_log() -> None:
    body = _work._body(256)
    assert len(body) == 256 * 1024
    assert 4 < len(body) / len(zlib.compress(body)) < 9


@given(key=st.integers(0, 10**6), items=st.integers(1, 30))
def test_both_ways_to_write_the_orders_give_the_same_json(key: int, items: int) -> None:
    by_fastapi = TypeAdapter(_orders.Orders).dump_json(_orders.Orders.model_validate(_orders.rows(key, items)))
    assert json.loads(_orders.orders_json(key, items)) == json.loads(by_fastapi)
    assert len(json.loads(by_fastapi)["orders"]) == items
