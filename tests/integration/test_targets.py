"""Every strategy, run as its reader would run it, does the same work and leaves nothing behind."""

from __future__ import annotations

import http.client
import re
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest

from harness.catalog.catalog import Catalog
from harness.catalog.scaffold import new_strategy
from harness.results.records.answer import json_sha256
from tests.bare_server import BareServer, bare_target, bare_upstream
from tests.pythons import python_for, with_what_targets_need
from tests.serving_kit import wait_until

ROOT = Path(__file__).parents[2]
CATALOG = Catalog.read(ROOT)
# With a Python of this machine that they can use. What has none is named at the end of the tests (`conftest`).
NEW = {new.name: found for new in CATALOG.strategies if new.requires and (found := python_for(new.requires))}
NAMES = [
    "async_process_pool",
    "async_thread_pool",
    "deadline",
    "fake_async",
    "load_shedding",
    "multi_worker",
    "pool_result_blocking",
    "pure_async",
    "pure_async_aiohttp",
    "sync_def",
    "two_stage",
    *NEW,
]
WITHOUT_POOLS = {"async_thread_pool", "fake_async", "free_threaded", "pure_async", "pure_async_aiohttp", "sync_def"}
WITH_FANOUT = WITHOUT_POOLS | {"deadline"}
WITH_TAIL = WITHOUT_POOLS | {"interpreter_pool", "load_shedding", "multi_worker"}  # `deadline`: see below
# pydantic's core and Pillow refuse to be imported in an interpreter of `interpreter_pool`.
WITH_JSON = {
    "async_process_pool",
    "async_thread_pool",
    "fake_async",
    "free_threaded",
    "multi_worker",
    "pure_async",
    "sync_def",
}
WITH_NATIVE = WITH_JSON | {"load_shedding"}
GONE_S = 10.0


@pytest.fixture(scope="module")
def upstream() -> Iterator[BareServer]:
    with bare_upstream(ROOT) as server:
        yield server


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def target(name: str, upstream: BareServer) -> Iterator[BareServer]:
    (strategy,) = CATALOG.select_strategies([name])
    workers = ["--workers", "2"] if strategy.server.workers == "cores" else []
    python = with_what_targets_need(NEW[name]) if name in NEW else sys.executable
    with bare_target(name, ROOT, upstream.url, *workers, python=python) as server:
        yield server


def assert_right_answers(server: BareServer, workloads: set[str]) -> None:
    for workload in CATALOG.select_workloads(sorted(workloads)):
        for request in workload.requests:
            status, answer = server.get(request.path)
            right = json_sha256(answer) == request.sha256 if request.sha256 else answer == request.answer
            assert (status, right) == (200, True), (request.path, answer)


def workloads_of(name: str) -> set[str]:
    """That it answers every time."""
    found = {"io"} if name == "deadline" else {"io", "cpu", "mixed"}
    for workload, strategies in (
        ("fanout", WITH_FANOUT),
        ("tail", WITH_TAIL),
        ("json", WITH_JSON),
        ("cpu_native", WITH_NATIVE),
    ):
        found |= {workload} if name in strategies else set()
    return found


def test_every_request_of_every_workload_gets_its_one_right_answer(name: str, target: BareServer) -> None:
    assert_right_answers(target, workloads_of(name))


def test_a_workload_that_makes_no_difference_is_not_supported(name: str, target: BareServer) -> None:
    not_there = {
        path.split("?")[0].removeprefix("/")
        for path in (
            "/fanout?wait_ms=0&key=1",
            "/tail?wait_ms=0&sigma=0.8&key=1",
            "/json?items=1&key=1",
            "/cpu_native?kib=1&key=1",
            "/cpu?rounds=1&key=1",
        )
        if target.status(path) == 404
    }
    has = workloads_of(name) | ({"tail"} if name == "deadline" else set())
    assert not_there == {"fanout", "tail", "json", "cpu_native", "cpu"} - has


def test_health_says_ok(target: BareServer) -> None:
    assert target.get("/health") == (200, {"status": "ok"})


@pytest.mark.parametrize(
    "path",
    [
        "/io?wait_ms=-1&key=1",
        "/io?wait_ms=10001&key=1",
        "/io?wait_ms=1&key=-1",
        "/io?wait_ms=1&key=1000001",
        "/io?wait_ms=1",
        "/io?wait_ms=1.5&key=1",
        "/tail?wait_ms=1&sigma=3.1&key=1",
        "/tail?wait_ms=1&sigma=nan&key=1",
        "/json?items=0&key=1",
        "/json?items=2001&key=1",
        "/cpu_native?kib=0&key=1",
        "/cpu_native?kib=4097&key=1",
        "/cpu?rounds=0&key=1",
        "/cpu?rounds=1000001&key=1",
        "/mixed?wait_ms=1&key=1&rounds=0",
        "/mixed?wait_ms=10001&key=1&rounds=1",
    ],
)
def test_out_of_bounds_is_422(name: str, target: BareServer, path: str) -> None:
    has = workloads_of(name) | ({"tail"} if name == "deadline" else set())
    assert target.status(path) == (422 if path.split("?", maxsplit=1)[0].removeprefix("/") in has else 404)


def test_the_edges_of_the_bounds_are_within(name: str, target: BareServer) -> None:
    assert target.get("/io?wait_ms=0&key=0") == (200, {"key": 0, "value": 1})
    assert target.get("/io?wait_ms=0&key=1000000") == (200, {"key": 10**6, "value": 10**12 + 1})
    if name != "deadline":
        assert target.get("/cpu?rounds=1&key=0") == (200, {"key": 0, "result": 12345})


def test_sigterm_ends_every_process_of_it(target: BareServer) -> None:
    """The last test of a strategy: it ends its server."""
    target.terminate()
    wait_until(lambda: not target.left(), GONE_S)
    log = target.full_log()
    assert "Application shutdown complete" in log
    assert "Traceback" not in log and "leaked" not in log, log


@pytest.mark.parametrize("name_of_pool", ["async_process_pool", "two_stage"])
def test_a_pools_children_do_not_outlive_a_server_that_was_killed(name_of_pool: str, upstream: BareServer) -> None:
    with bare_target(name_of_pool, ROOT, upstream.url) as server:
        assert len(server.seen) > 3  # the server, the fork server, and at least one child
        server.kill()
        wait_until(lambda: not server.left(), GONE_S)


def test_a_pool_is_warm_when_health_first_answers(upstream: BareServer) -> None:
    with bare_target("async_process_pool", ROOT, upstream.url) as server:
        before = set(server.seen)
        assert_right_answers(server, {"cpu", "io"})
        server.look()
        assert set(server.seen) == before  # no request had to start a child


def test_a_new_strategy_runs_as_it_was_written(tmp_path: Path, upstream: BareServer) -> None:
    for folder in ("targets", "scenarios"):
        (tmp_path / folder).mkdir()
    for shared in ("__init__.py", "_work.py"):
        (tmp_path / "targets" / shared).write_bytes((ROOT / "targets" / shared).read_bytes())
    new_strategy(tmp_path, "my_variant")
    with bare_target("my_variant", tmp_path, upstream.url) as server:
        assert_right_answers(server, {"io", "cpu", "mixed"})
        assert server.status("/io?wait_ms=-1&key=1") == 422
        server.terminate()
        wait_until(lambda: not server.left(), GONE_S)


def test_what_is_past_its_deadline_is_given_up_and_logged(upstream: BareServer) -> None:
    with bare_target("deadline", ROOT, upstream.url) as server:
        began_s = monotonic()
        status, said = server.get("/io?wait_ms=2000&key=7")
        took_s = monotonic() - began_s
        assert (status, said) == (504, {"detail": "/io key=7: not done within 0.25 s"})
        assert 0.25 <= took_s < 1.0
        assert server.get("/io?wait_ms=210&key=8") == (200, {"key": 8, "value": 65})
        assert server.get("/io?wait_ms=0&key=9") == (200, {"key": 9, "value": 82})
        server.terminate()
        wait_until(lambda: not server.left(), GONE_S)
        log = server.full_log()
    assert re.search(r"^/io key=7 took 2\d\d ms, given up$", log, re.MULTILINE), log
    assert re.search(r"^/io key=8 took 2\d\d ms$", log, re.MULTILINE), log
    assert "key=9" not in log  # quick: its access is logged elsewhere


def test_a_full_queue_refuses_at_once_and_says_when_to_come_again(
    upstream: BareServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of ten at once five are let in, three of whom wait for a thread; then there is room again."""
    monkeypatch.setenv("BENCH_THREADS", "2")
    monkeypatch.setenv("BENCH_QUEUE", "3")
    with bare_target("load_shedding", ROOT, upstream.url) as server:

        def ask(key: int) -> tuple[int, str | None, float]:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            began_s = monotonic()
            connection.request("GET", f"/io?wait_ms=700&key={key}")
            response = connection.getresponse()
            response.read()
            connection.close()
            return response.status, response.getheader("Retry-After"), monotonic() - began_s

        with ThreadPoolExecutor(10) as users:
            answers = list(users.map(ask, range(10)))
        assert Counter(status for status, _, _ in answers) == {200: 5, 503: 5}
        assert {after for status, after, _ in answers if status == 503} == {"1"}
        assert max(took_s for status, _, took_s in answers if status == 503) < 0.6
        assert server.get("/io?wait_ms=0&key=1") == (200, {"key": 1, "value": 2})
