"""Every strategy, run as its reader would run it, does the same work and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.catalog.catalog import Catalog
from harness.catalog.requirement import unmet
from harness.catalog.scaffold import new_strategy
from tests.bare_server import BareServer, bare_target, bare_upstream
from tests.serving_kit import wait_until

ROOT = Path(__file__).parents[2]
CATALOG = Catalog.read(ROOT)
NEEDS_A_NEW_PYTHON = {"free_threaded", "interpreter_pool"}
NAMES = [
    "async_process_pool",
    "async_thread_pool",
    "fake_async",
    "multi_worker",
    "pool_result_blocking",
    "pure_async",
    "pure_async_aiohttp",
    "sync_def",
    "two_stage",
    # Under a Python that they can use.
    *(new.name for new in CATALOG.strategies if new.name in NEEDS_A_NEW_PYTHON and not unmet(new.requires)),
]
WITH_FANOUT = {"async_thread_pool", "fake_async", "free_threaded", "pure_async", "pure_async_aiohttp", "sync_def"}
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
    with bare_target(name, ROOT, upstream.url, *workers) as server:
        yield server


def assert_right_answers(server: BareServer, workloads: set[str]) -> None:
    for workload in CATALOG.select_workloads(sorted(workloads)):
        for request in workload.requests:
            assert server.get(request.path) == (200, request.answer), request.path


def test_every_request_of_every_workload_gets_its_one_right_answer(name: str, target: BareServer) -> None:
    assert_right_answers(target, {"io", "cpu", "mixed"} | ({"fanout"} if name in WITH_FANOUT else set()))


def test_a_workload_that_makes_no_difference_is_not_supported(name: str, target: BareServer) -> None:
    assert (target.status("/fanout?wait_ms=0&key=1") == 404) is (name not in WITH_FANOUT)


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
        "/cpu?rounds=0&key=1",
        "/cpu?rounds=1000001&key=1",
        "/mixed?wait_ms=1&key=1&rounds=0",
        "/mixed?wait_ms=10001&key=1&rounds=1",
    ],
)
def test_out_of_bounds_is_422(target: BareServer, path: str) -> None:
    assert target.status(path) == 422


def test_the_edges_of_the_bounds_are_within(target: BareServer) -> None:
    assert target.get("/io?wait_ms=0&key=0") == (200, {"key": 0, "value": 1})
    assert target.get("/io?wait_ms=0&key=1000000") == (200, {"key": 10**6, "value": 10**12 + 1})
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
