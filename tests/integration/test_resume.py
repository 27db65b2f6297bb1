"""`bench run --resume`: what it takes up again, and what it refuses."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from harness.results.store import Run
from tests.bench_kit import Project, wait_for
from tests.synthetic_run import write_synthetic_run

# What a run's record does not know before the pre-flight check.
MEASURED = ("preflight", "plan", "baseline", "estimate_s", "rates_rps", "looks", "finished_epoch_s", "service_cores")
# Does not start before the test lets it.
WAITS = """
import os, time
from pathlib import Path
while not Path({gate!r}).exists():
    time.sleep(0.05)
"""


@pytest.fixture(autouse=True)
def _children_can_be_interrupted() -> Iterator[None]:
    """Also where the tests themselves were started with SIGINT ignored: what is handled here has its default action in
    a child, what is ignored stays ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, ["pure_async_aiohttp"])


def test_ctrl_c_during_the_preflight_leaves_a_run_that_can_be_finished(project: Project, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    path = project.root / "targets" / "pure_async_aiohttp.py"
    source = path.read_text()
    assert "import asyncio\n" in source
    path.write_text(source.replace("import asyncio\n", WAITS.format(gate=str(gate)) + "import asyncio\n", 1))
    with project.start("run", "--profile", "tiny.toml") as process:
        wait_for(lambda: list(project.root.glob("results/*/preflight/*/server.log")), 60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "interrupted\n")
    assert f"finish it with `bench run --resume {project.run_folder.relative_to(project.root)}`" in out
    project.assert_nothing_is_left()
    begun = Run.open(project.run_folder).read()
    assert (begun.preflight, begun.plan, begun.baseline, begun.finished_epoch_s) == ((), (), None, None)

    reported = project.bench("report")
    assert (reported.code, len(reported.err.splitlines())) == (2, 1)
    assert "was interrupted before its first slice was complete; finish it with `bench run --resume" in reported.err

    gate.touch()
    resumed = project.bench("run", "--resume", str(project.run_folder))
    assert resumed.measured_everything, resumed.err
    finished = Run.open(project.run_folder).read()
    assert [check.status for check in finished.preflight] == ["ok"]
    assert finished.baseline == "pure_async_aiohttp"
    assert finished.finished_epoch_s
    assert (
        msgspec.structs.replace(
            begun,
            **{name: getattr(finished, name) for name in MEASURED},
        )
        == finished
    )
    project.assert_nothing_is_left()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--profile", "standard"], "--profile"),  # the default, but somebody asked for it
        (["--results", "elsewhere"], "--results"),
        (["--baseline", "sync_def"], "--baseline"),
        (["-s", "sync_def", "--workload", "io"], "--strategy, --workload"),
        (["--rounds", "3", "--seed", "0"], "--rounds, --seed"),
    ],
)
def test_what_the_run_already_knows_cannot_be_said_again(project: Project, options: list[str], named: str) -> None:
    ended = project.bench("run", "--resume", "results/x", *options)
    expected = f"bench: --resume results/x: the run goes on as it was started; leave out {named}\n"
    assert (ended.code, ended.err) == (2, expected)


def test_a_port_that_is_taken_is_said_at_once(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = project.bench("run", "--resume", "results/x", "--json", "--port", str(port))
    assert (ended.code, f"--port {port}: " in ended.err) == (2, True), ended.err


def test_a_run_of_another_instrument_is_refused_and_reported(project: Project) -> None:
    run = write_synthetic_run(project.root / "results" / "earlier", rounds=1)
    ended = project.bench("run", "--resume", str(run.path))
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert "the code in harness/ that measures has changed since, so it is another instrument" in ended.err
    assert project.bench("report", str(run.path)).code == 0


def test_a_run_of_an_older_layout_is_refused_by_name(project: Project) -> None:
    run = write_synthetic_run(project.root / "results" / "earlier", rounds=1)
    record = json.loads(run.record_path.read_bytes())
    run.record_path.write_text(json.dumps({**record, "schema_version": 2}))
    for command in (["run", "--resume", str(run.path)], ["report", str(run.path)]):
        ended = project.bench(*command)
        assert (ended.code, len(ended.err.splitlines())) == (2, 1)
        assert "schema_version 2 is not 3; read it with the release that wrote it" in ended.err
