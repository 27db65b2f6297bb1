"""A service that is not HTTP, added as a file, used by real strategies and a real workload in a real run."""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.catalog.catalog import Catalog
from harness.catalog.variants import variant_of
from harness.measuring.measure import Order, Result, start_run
from harness.processes.process import MARK
from harness.profiles.loader import load_profile
from harness.results.records.errors import UsageError
from harness.results.records.sample import Sample
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload
from harness.results.store import read_lines
from harness.services import upstream
from harness.services.running_services import RunningServices, ServiceError
from tests.bench_kit import TINY, Project, wait_for

ECHO = Path(__file__).parents[1] / "services" / "echo.py"
TALK = '''
"""Echo, then one upstream call"""

from locust import task

from harness.scenario import BenchUser

WAIT_MS = 20
CALLS = 1
SERVICES = ["echo", "upstream"]
REQUESTS = [["/talk?key=1", {"key": 1, "value": 2}], ["/talk?key=2", {"key": 2, "value": 5}]]


class Talk(BenchUser):
    @task
    def talk(self):
        for request in REQUESTS:
            if request[0].endswith("1"):
                self.ask(*request)
'''
ASYNC = '''
"""Async"""
import asyncio
import os
from contextlib import asynccontextmanager
from fastapi import FastAPI
from targets import _work

@asynccontextmanager
async def lifespan(app):
    async with _work.async_client() as app.state.client:
        yield

app = FastAPI(lifespan=lifespan)

@app.get("/health")
async def health():
    return {"status": "ok"}

@app.get("/talk")
async def talk(key: int):
    host, port = os.environ["BENCH_ECHO"].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"%d\\n" % key)
    line = await reader.readline()
    writer.close()
    return {"key": int(line), "value": await _work.fetch_async(app.state.client, 20, key)}
'''
BLOCKING = '''
"""Blocking"""
import os
import socket
from fastapi import FastAPI
from targets import _work

app = FastAPI()
client = _work.blocking_client()

@app.get("/health")
async def health():
    return {"status": "ok"}

@app.get("/talk")
def talk(key: int):
    host, port = os.environ["BENCH_ECHO"].split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"%d\\n" % key)
        line = connection.makefile().readline()
    return {"key": int(line), "value": _work.fetch_blocking(client, 20, key)}
'''


class Silent:
    """A watcher that says nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *told: None


@pytest.fixture
def services_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "services"
    folder.mkdir()
    shutil.copy(ECHO, folder)
    shutil.copy(upstream.__file__, folder)
    return folder


def supervised() -> list[psutil.Process]:
    """Whatever a supervisor of ours, in this process or below, holds."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if MARK in process.environ() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue  # it ended meanwhile
    return found


def measured(project: Project, folder: Path) -> Result:
    catalog = Catalog.read(project.root, folder)
    order = Order(
        root=project.root,
        profile=load_profile(str(project.root / "tiny.toml")),
        strategies=catalog.strategies,
        variants=tuple(variant_of(strategy, 1) for strategy in catalog.strategies),
        workloads=catalog.select_workloads(["talk"]),
        results=project.root / "results",
        command="a test",
        services_folder=folder,
    )
    return start_run(order, Silent())


def test_two_services_at_once_one_of_them_a_file_that_only_the_tests_have(
    tmp_path: Path, services_folder: Path
) -> None:
    project = Project(tmp_path, [], TINY.replace('workloads = ["io"]\n', ""))
    project.target("talks_async", ASYNC)
    project.target("talks_blocking", BLOCKING)
    (project.root / "scenarios" / "talk.py").write_text(TALK)
    result = measured(project, services_folder)
    assert result.failed == ()
    assert supervised() == []
    assert {slice.status for slice in project.slices().values()} == {"complete"}
    for path in result.run.path.glob("boots/*/*/samples.jsonl"):
        samples = read_lines(path, Sample)
        assert {sample.service for sample in samples if sample.tree == "services"} == {"echo", "upstream"}
        assert {sample.service for sample in samples if sample.tree != "services"} == {""}
    assert_every_load_was_begun_alike(result.run.path / "echo.log")


def assert_every_load_was_begun_alike(log: Path) -> None:
    """Both strategies: the same seeds in a round, and others in the next one."""
    begun = Counter(re.findall(r"^begin (\S+)", log.read_text(), re.MULTILINE))
    assert set(begun) == {"1/0/talk/warmup", "1/0/talk/idle", "1/1/talk/warmup", "1/2/talk/rate-30"}
    assert set(begun.values()) == {2}


@pytest.fixture
def echo(tmp_path: Path, services_folder: Path) -> Iterator[RunningServices]:
    workload = Workload("talk", "", "", "", (), services=("echo",))
    with RunningServices([workload], root=tmp_path, log_folder=tmp_path, services_folder=services_folder) as services:
        yield services


def test_only_what_a_workload_needs_is_started_and_it_is_gone_afterwards(echo: RunningServices) -> None:
    echo.wait_ready()
    assert list(echo.environment) == ["BENCH_ECHO"]
    assert [
        Path(process.cmdline()[1]).name for process in supervised() if "supervisor.py" not in str(process.cmdline())
    ] == ["echo.py"]
    with RunningServices([Workload("cpu", "", "", "", ())], root=Path(), log_folder=Path()) as nothing:
        nothing.wait_ready()
        nothing.check_alive()
        assert nothing.environment == {}


def test_one_that_dies_is_named(echo: RunningServices) -> None:
    echo.wait_ready()
    echo.check_alive()
    (pid,) = echo.supervisor_pids.values()
    (process,) = psutil.Process(pid).children()
    process.kill()
    wait_for(lambda: not psutil.pid_exists(process.pid), 10)
    with pytest.raises(ServiceError, match=r"^echo: killed by SIGKILL; see .*echo\.log and --resume the run$"):
        echo.check_alive()
    with pytest.raises(ServiceError, match=r"^echo: killed by SIGKILL"):
        echo.begin(["echo"], "1")


def test_one_that_does_not_start_says_why(tmp_path: Path, services_folder: Path) -> None:
    broken = ECHO.read_text().replace(
        'if __name__ == "__main__":', 'if __name__ == "__main__":\n    raise OSError("no")'
    )
    (services_folder / "echo.py").write_text(broken)
    workload = Workload("talk", "", "", "", (), services=("echo",))
    with (
        RunningServices([workload], root=tmp_path, log_folder=tmp_path, services_folder=services_folder) as services,
        pytest.raises(ServiceError, match=r"^echo: did not start: exited with 1: OSError: no$"),
    ):
        services.wait_ready()


def test_a_parameter_named_as_a_service_is_refused(echo: RunningServices) -> None:
    variant = Variant(name="mine", strategy="mine", title="", path="targets/mine.py", params={"threads": 8, "echo": 1})
    with pytest.raises(UsageError, match=r"^targets/mine\.py: PARAMS: 'echo' is the name of a service"):
        echo.check_parameters([variant])


def test_a_workload_that_names_an_unknown_service_is_one_line(tmp_path: Path) -> None:
    project = Project(tmp_path, ["sync_def"])
    (project.root / "scenarios" / "talk.py").write_text(TALK)
    ended = project.run("--workload", "talk")
    assert ended.code == 2
    has = r"no service 'echo': services/ has postgres\.py, upstream\.py; .*\n"
    assert re.fullmatch(rf"bench: scenarios/talk\.py:\d+: SERVICES = \[.*\]: {has}", ended.err), ended.err


def test_a_run_of_what_needs_no_service_starts_none(tmp_path: Path) -> None:
    project = Project(tmp_path, ["sync_def"])
    ended = project.run("--workload", "cpu")
    assert ended.measured_everything, ended.err
    assert not (project.run_folder / "upstream.log").exists()
    verified: subprocess.CompletedProcess[str] | Any = project.bench("verify", "sync_def", "--workload", "cpu")
    assert verified.code == 0
