"""A real PostgreSQL: made for a run, or somebody's own; what strategies do with it, and what goes wrong with it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psycopg
import psycopg_pool
import pytest
from sqlalchemy import create_engine

from harness.analysis.analyse import analyse
from harness.inside.bench_inside.pool_waits import GIVERS, PoolWaits
from harness.processes.ports import HOST, free_port
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload
from harness.results.store import Run
from harness.services import postgres_cluster
from harness.services.postgres import embedded_url
from harness.services.postgres_cluster import MAX_CONNECTIONS, Cluster
from harness.services.running_services import RunningServices, ServiceError
from tests.bench_kit import CHECKOUT, TINY, Project, wait_for
from tests.integration.test_findings import assert_found

DB = Workload("db", "", "", "", (), services=("postgres",))
STRATEGIES = [
    *("sync_def", "fake_async", "psycopg_async", "asyncpg_pool", "sqlalchemy_sync", "sqlalchemy_async"),
    *("session_across_await", "session_dependency"),
]


def services(folder: Path, own: str = "") -> RunningServices:
    folder.mkdir(exist_ok=True)
    return RunningServices([DB], root=CHECKOUT, log_folder=folder, own={"postgres": own} if own else {})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServices]:
    with services(tmp_path_factory.mktemp("postgres")) as started:
        started.wait_ready()
        yield started


@pytest.fixture(scope="module")
def url(running: RunningServices) -> str:
    return running.environment["BENCH_POSTGRES"]


@pytest.fixture(scope="module")
def theirs(url: str) -> str:
    """A database of somebody's own, on the same server."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE theirs")
    return url.rpartition("/")[0] + "/theirs"


def schemas(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname = 'fastapi_bench'").fetchall()
    return [str(name) for (name,) in found]


def shared_memory() -> set[str]:
    """The segments of the kernel's table, by number."""
    table = Path("/proc/sysvipc/shm")
    return {line.split()[1] for line in table.read_text().splitlines()[1:]} if table.exists() else set()


def test_one_for_a_run_is_proven_to_be_ours_and_leaves_nothing(tmp_path: Path) -> None:
    before = shared_memory()
    with services(tmp_path) as started:
        started.wait_ready()
        address = started.environment["BENCH_POSTGRES"]
        with psycopg.connect(address) as connection:
            assert connection.execute("SELECT count(*), sum(value) FROM fastapi_bench.items").fetchone() == (
                1000,
                sum(key * key + 1 for key in range(1, 1001)),
            )
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(address.replace("postgres:", "postgres:not"))
        assert [path.name for path in tmp_path.glob("bench-*/*")] == ["postgres"]
        assert started.sampled_pids == started.supervisor_pids
        assert started.most_cores(3.0) == {"postgres": 3.0}, "a process for each connection"
        started.check_alive()
    assert [path.name for path in tmp_path.iterdir()] == ["postgres.log"]
    assert shared_memory() <= before
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(address, connect_timeout=2)


def test_a_pool_larger_than_it_takes_is_refused_by_name(running: RunningServices) -> None:
    allowed = running.connections_allowed()
    assert allowed is not None and MAX_CONNECTIONS - 10 <= allowed < MAX_CONNECTIONS

    def refused(connections: int, workers: int) -> str:
        return running.no_room_for(
            Variant(name="v", strategy="v", title="", path="", connections=connections, workers=workers)
        )

    assert refused(allowed, 1) == refused(15, 2) == ""
    assert refused(allowed, 2).startswith(
        f"would have {2 * allowed} connections, and the database takes {allowed} (max_"
    )


def test_pools_that_fit_alone_are_measured_though_not_all_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a database that takes 20 connections, beside a baseline with 4 of them."""
    monkeypatch.setitem(postgres_cluster._SETTINGS, "max_connections", "24")
    (tmp_path / "server").mkdir()
    port = free_port()
    with Cluster(tmp_path / "server", HOST, port, "secret") as cluster:
        cluster.wait_ready()
        project = Project(
            tmp_path / "project", ["asyncpg_pool"], TINY.replace("[{ percent = 30, duration_s = 0.4 }]", "[]")
        )
        asked = ("sweep", "asyncpg_pool", "connections=4,12,14,18,30", "--baseline", "asyncpg_pool[connections=4]")
        ended = project.bench(
            *asked, "--profile", "tiny.toml", "-w", "db", "--postgres-url", embedded_url(HOST, port, "secret")
        )
    assert ended.code == 3, ended.err
    four, twelve, fourteen, eighteen, thirty = (f"asyncpg_pool[connections={many}]" for many in (4, 12, 14, 18, 30))
    statuses = {cell.variant: cell.status for cell in Run.open(project.run_folder).read().preflight}
    assert statuses == dict.fromkeys((four, twelve, fourteen), "ok") | dict.fromkeys((eighteen, thirty), "failed")
    said = [line for line in ended.err.splitlines() if line.startswith("not measured: ")]
    assert [line.partition(" (max_connections")[0] for line in said] == [
        f"not measured: {thirty} on db: {thirty}: would have 30 connections, and the database takes 20",
        f"not measured: {eighteen} on db: {eighteen}: would have 18 connections beside 4 of {four}, which it is "
        "compared with, and the database takes 20",
    ]
    measured = {(slice.spec.variant, slice.status) for slice in project.slices().values()}
    assert measured == {(name, "complete") for name in (four, twelve, fourteen)}, "no two others at once"
    assert "they are measured in groups" in ended.out
    assert "its CPU use is not known" in Run.open(project.run_folder).report_path.read_text()
    findings = [finding for slice in analyse(Run.open(project.run_folder)).slices for finding in slice.findings]
    assert_found(findings, "service_not_sampled", "info")
    project.assert_nothing_is_left()


def test_every_strategy_gives_the_right_answers(tmp_path: Path, theirs: str) -> None:
    project = Project(tmp_path, STRATEGIES)
    for name in ("db", "db_io"):  # two requests are enough: what a row holds is looked at above
        scenario = project.root / "scenarios" / f"{name}.py"
        scenario.write_text(re.sub(r"    \[.*key=([3-9]|\d\d)\".*\n", "", scenario.read_text()))
    verified = project.bench("verify", "-w", "db", "-w", "db_io", "--postgres-url", theirs)
    assert verified.code == 0, verified.out + verified.err
    ok = {tuple(line.split()[:2]) for line in verified.out.splitlines() if line.split()[2:] == ["ok"]}
    assert ok == {
        *((name, "db") for name in STRATEGIES if not name.startswith("session_")),
        *((name, "db_io") for name in STRATEGIES if name.startswith(("session_", "sqlalchemy_", "sync_"))),
    }
    assert schemas(theirs) == [], "what we made in somebody's database is gone"
    project.assert_nothing_is_left()


def test_when_the_harness_is_killed_its_database_goes_too(tmp_path: Path) -> None:
    before = shared_memory()
    project = Project(tmp_path, ["sync_def"])
    with project.start("run", "--profile", "tiny.toml", "-w", "db") as process:
        wait_for(lambda: list(project.root.glob("results/*/preflight/*/server.log")), 30)
        assert list(project.root.glob("results/*/bench-*/postgres/postmaster.pid"))
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    project.assert_nothing_is_left()
    wait_for(lambda: not list(project.root.glob("results/*/bench-*")), 10)
    assert shared_memory() <= before


@pytest.mark.parametrize(
    ("changed", "says", "advice"),
    [
        (
            lambda url: url.replace("postgres:", "postgres:not"),
            "password authentication failed",
            "check user and password",
        ),
        (
            lambda url: url.replace("//postgres:", "//nobody:"),
            "password authentication failed",
            "check user and password",
        ),
        (lambda url: url.replace("/theirs", "/nowhere"), 'database "nowhere" does not exist', "create that database"),
        (
            lambda url: f"postgresql://me:secret@127.0.0.1:{free_port()}/theirs",
            "onnection refused",
            "check the URL, and whether it runs",
        ),
    ],
)
def test_one_of_your_own_that_cannot_be_used_is_one_line(
    tmp_path: Path, theirs: str, changed: Callable[[str], str], says: str, advice: str
) -> None:
    wrong = changed(theirs)
    ended = Project(tmp_path, ["sync_def"]).bench("verify", "-w", "db", "--postgres-url", wrong)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert line.startswith("bench: --postgres-url postgresql://") and says in line, line
    assert f"; {advice}" in line
    assert wrong.split(":")[2].partition("@")[0] not in ended.err, "its password"


def test_one_of_your_own_that_nobody_would_use_is_one_line(tmp_path: Path) -> None:
    ended = Project(tmp_path, ["sync_def"]).run("--postgres-url", "postgresql://me:secret@127.0.0.1/name")
    assert ended.code == 2
    said = (
        "bench: --postgres-url postgresql://me:***@127.0.0.1/name: no workload of this run uses PostgreSQL; add -w db"
    )
    assert ended.err.startswith(said)


def test_a_schema_of_somebody_else_is_not_touched(tmp_path: Path, theirs: str) -> None:
    with psycopg.connect(theirs, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA fastapi_bench")
        try:
            with (
                services(tmp_path, theirs) as refused,
                pytest.raises(ServiceError, match="that is not ours; rename it"),
            ):
                refused.wait_ready()
            assert schemas(theirs) == ["fastapi_bench"]
        finally:
            connection.execute("DROP SCHEMA fastapi_bench")


def test_two_runs_in_one_database_at_once_are_refused(tmp_path: Path, theirs: str) -> None:
    with services(tmp_path / "first", theirs) as first:
        first.wait_ready()
        with (
            services(tmp_path / "second", theirs) as second,
            pytest.raises(ServiceError, match="another run measures with this database"),
        ):
            second.wait_ready()
        first.check_alive()
        assert first.supervisor_pids and not first.sampled_pids, "that one is the watcher of theirs"
    assert schemas(theirs) == []


def test_one_of_your_own_that_is_lost_while_it_is_used_is_named(tmp_path: Path) -> None:
    with services(tmp_path / "server") as server:
        server.wait_ready()
        with psycopg.connect(server.environment["BENCH_POSTGRES"], autocommit=True) as connection:
            connection.execute("CREATE DATABASE theirs")
        address = server.environment["BENCH_POSTGRES"].rpartition("/")[0] + "/theirs"
        with services(tmp_path / "run", address) as run:
            run.wait_ready()
            server.__exit__(None, None, None)
            with pytest.raises(
                ServiceError, match=r"^postgres: exited with 1: postgresql://.*:\*\*\*@.*lost it: "
            ) as lost:
                wait_for(run.check_alive, 10)
    assert "\n" not in str(lost.value) and str(lost.value).endswith("--resume the run")


def started_by_hand(folder: Path, port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness.services.postgres", "127.0.0.1", str(port)],
        cwd=CHECKOUT,
        env={**os.environ, "BENCH_TOKEN": "secret", "TMPDIR": str(folder), "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_port_that_was_taken_meanwhile_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = started_by_hand(tmp_path, taken.getsockname()[1])
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("PostgreSQL did not start: "), ended.stderr
    assert "the port was taken meanwhile: start again" in last
    assert "Traceback" not in ended.stderr


def test_a_folder_that_cannot_hold_it_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "something").touch()
    ended = started_by_hand(tmp_path, free_port())
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("PostgreSQL: ") and "File exists" in line


# ------------------------------------------------------------------------------------------ the wait for a connection

HELD_S = 0.15


def with_psycopg(url: str) -> None:
    with psycopg_pool.ConnectionPool(url, min_size=1, max_size=1, open=False) as pool:

        def hold() -> None:
            with pool.connection():
                time.sleep(HELD_S)

        in_two_threads(hold)


def with_sqlalchemy(url: str) -> None:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), pool_size=1, max_overflow=0)

    def hold() -> None:
        with engine.connect():
            time.sleep(HELD_S)

    in_two_threads(hold)
    engine.dispose()


def in_two_threads(hold: Callable[[], None]) -> None:
    threads = [threading.Thread(target=hold) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def with_async_psycopg(url: str) -> None:
    async def both() -> None:
        async with psycopg_pool.AsyncConnectionPool(url, min_size=1, max_size=1, open=False) as pool:

            async def hold() -> None:
                async with pool.connection():
                    await asyncio.sleep(HELD_S)

            await asyncio.gather(hold(), hold())

    asyncio.run(both())


def with_asyncpg(url: str) -> None:
    async def both() -> None:
        async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:

            async def hold() -> None:
                async with pool.acquire():
                    await asyncio.sleep(HELD_S)

            await asyncio.gather(hold(), hold())

    asyncio.run(both())


@pytest.mark.parametrize("use", [with_psycopg, with_async_psycopg, with_asyncpg, with_sqlalchemy])
def test_the_wait_for_a_connection_is_measured_in_every_pool(
    url: str, monkeypatch: pytest.MonkeyPatch, use: Callable[[str], None]
) -> None:
    for module_name, class_name, name in GIVERS:
        kind = getattr(sys.modules[module_name], class_name)
        monkeypatch.setattr(kind, name, kind.__dict__[name])  # so that it is put back afterwards
    watched = PoolWaits()
    watched.look()
    watched.look()  # what is watched already is not watched twice
    use(url)
    waits_us, waiting = watched.taken()
    assert waiting == 0
    assert len(waits_us) == 2, "one for each that took a connection"
    assert HELD_S * 0.9e6 <= max(waits_us) <= HELD_S * 3e6
    assert min(waits_us) < HELD_S * 0.7e6
    assert watched.taken() == ([], 0)
