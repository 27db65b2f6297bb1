"""`bench run` as a person meets it: what it leaves on disk, what it says when things break, how it ends."""

import fcntl
import json
import os
import signal
import socket
from pathlib import Path

import psutil
import pytest

from harness.analysis.analyse import analyse
from harness.machine.partition import TARGET_NICE
from harness.results.records.phase_record import PhaseStatus
from harness.results.records.sample import Sample
from harness.results.store import Run, read_lines
from tests.bench_kit import TINY, Project, command_of, wait_for
from tests.peculiar_targets import CACHES, DIES

HEAD = """
from fastapi import FastAPI
from fastapi.responses import JSONResponse
import asyncio, os, time
app = FastAPI()
@app.get("/health")
async def health():
    return {"status": "ok"}
"""


# Of a target that waits by itself: uvloop's timers may end up to 1 ms early (libuv rounds them to whole ones), and an
# answer before the injected wait would rightly make the slice invalid.
NAP = "    await asyncio.sleep((wait_ms + 2) / 1e3)\n"


# A second strategy where one is needed.
RIGHT = (
    HEAD
    + "@app.get('/io')\nasync def io(wait_ms: int, key: int):\n"
    + NAP
    + "    return {'key': key, 'value': key * key + 1}\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, ["pure_async_aiohttp"])


@pytest.fixture
def finished(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of a project whose run is finished. The original is measured by the first who asks, of all workers."""
    base = tmp_path_factory.getbasetemp()
    original = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished"
    with original.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not original.exists():
            measured = Project(tmp_path_factory.mktemp("finishing") / "project", ["pure_async_aiohttp"])
            assert measured.run().measured_everything
            measured.root.rename(original)
    return Project.copy_of(original, tmp_path)


def test_a_run_leaves_everything_the_design_names(project: Project) -> None:
    ended = project.run()
    assert ended.measured_everything, ended.err + ended.out
    folder = project.run_folder
    for name in ("run.json", "summary.csv", "report.html", "upstream.log"):
        assert (folder / name).stat().st_size > 0 or name == "upstream.log"
    pilot, capacity, rate = project.slices().values()
    assert [slice.spec.round for slice in (pilot, capacity, rate)] == [0, 1, 2]
    assert [p.spec.name for p in pilot.phases] == ["warmup", "capacity", "idle"]
    assert [p.spec.name for p in capacity.phases] == ["warmup", "capacity"]
    assert [p.spec.name for p in rate.phases] == ["rate-30"]
    (boot,) = project.boots()
    assert (boot.number, boot.ended, len(boot.slices)) == (1, "stopped", 3)
    boot_folder = folder / "boots" / "io-pure_async_aiohttp" / "1"
    assert {path.name for path in boot_folder.iterdir()} == {
        "boot.json",
        "latency.hlog",
        "arrivals.jsonl",
        "samples.jsonl",
        "probe",
        "server.log",
    }
    assert (folder / "sessions" / "io-1" / "locust.log").exists()
    best_rps = pilot.phases[1].ok_in_window / 0.3
    assert rate.phases[0].spec.rate_rps == pytest.approx(best_rps * 0.3)
    assert "pure_async_aiohttp" in ended.out
    assert "The load generator was not calibrated on this machine" in ended.out.replace("\n", " ")
    assert f"report: {folder.relative_to(project.root) / 'report.html'}" in ended.out
    samples = read_lines(boot_folder / "samples.jsonl", Sample)
    edges = [s.mark for s in samples if s.tree == "target" and s.mark.startswith("rate")]
    assert edges == ["rate-30:start", "rate-30:end", "rate-30:drained"]
    project.assert_nothing_is_left()

    before = (folder / "summary.csv").read_bytes(), (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    (folder / "summary.csv").unlink()
    assert project.bench("report", str(folder)).code == 0
    assert ((folder / "summary.csv").read_bytes(), (folder / "report.html").read_bytes()) == before


def test_a_new_strategy_is_measured_with_nothing_else_changed(project: Project) -> None:
    assert project.bench("new", "my_variant").code == 0
    ended = project.run()
    assert ended.measured_everything, ended.err
    assert {slice.spec.variant for slice in project.slices().values()} == {"my_variant", "pure_async_aiohttp"}


def test_broken_strategies_cost_one_line_each_and_leave_the_others_unharmed(project: Project) -> None:
    project.target("no_import", "import nothing_like_it\n" + HEAD)
    project.target("no_syntax", "def (:\n")
    project.target("wrong", HEAD + "@app.get('/io')\nasync def io():\n    return {'key': 1, 'value': 0}\n")
    project.target(
        "late_death",
        HEAD
        + "asked = 0\n@app.get('/io')\nasync def io(wait_ms: int, key: int):\n    global asked\n    asked += 1\n"
        + "    if asked > 20:\n        os._exit(7)\n"
        + NAP
        + "    return {'key': key, 'value': key * key + 1}\n",
    )
    ended = project.run()
    assert ended.code == 3, ended.err
    lines = ended.err.splitlines()
    assert any("no_syntax" in line and "targets/no_syntax.py:1" in line for line in lines), ended.err
    assert any("no_import" in line and "nothing_like_it" in line for line in lines), ended.err
    assert any("wrong" in line and "expected" in line for line in lines), ended.err
    assert any("late_death" in line and "exited with 7" in line for line in lines), ended.err
    assert "Traceback" not in ended.err + ended.out
    good = [slice for slice in project.slices().values() if slice.spec.variant == "pure_async_aiohttp"]
    assert [slice.status for slice in good] == ["complete"] * 3
    deaths = [boot for boot in project.boots() if boot.variant == "late_death"]
    assert [boot.ended for boot in deaths] == ["exited with 7"] * 2, "after its second death it is not booted again"
    dead = project.slices()["000-io-late_death"]
    assert dead.status == "failed"
    assert dead.phases, "what was measured before it died is kept"
    assert dead.phases[-1].status is PhaseStatus.FAILED, "it died in that one; what was complete before stays so"
    assert (project.run_folder / "report.html").exists()
    project.assert_nothing_is_left()


SAYS_ITS_NICENESS = """
import os, pathlib
pathlib.Path({folder!r}, f"{name}-{{os.getpid()}}").write_text(str(os.getpriority(os.PRIO_PROCESS, 0)))
"""


def test_the_target_of_a_slice_is_nicer_than_its_generator_where_they_share(project: Project, tmp_path: Path) -> None:
    said = tmp_path / "said"
    said.mkdir()
    project.target(
        "tells",
        SAYS_ITS_NICENESS.format(folder=str(said), name="target") + RIGHT,
    )
    scenario = project.root / "scenarios" / "io.py"
    scenario.write_text(scenario.read_text() + SAYS_ITS_NICENESS.format(folder=str(said), name="generator"))
    ended = project.run("-s", "tells")
    assert ended.measured_everything, ended.err
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    shared = not Run.open(project.run_folder).read().environment.partition.pinned
    targets = {int(path.read_text()) for path in said.glob("target-*")}
    generators = {int(path.read_text()) for path in said.glob("generator-*")}
    assert generators == {ours}
    # The pre-flight check measures nothing, so its niceness stays as it is.
    assert max(targets) == min(19, ours + (TARGET_NICE if shared else 0))


def test_a_target_that_hangs_at_shutdown_is_killed_and_said(project: Project) -> None:
    project.target(
        "hangs",
        RIGHT + "@app.on_event('shutdown')\nasync def never():\n    await asyncio.sleep(3600)\n",
    )
    ended = project.run("-s", "hangs")
    assert ended.measured_everything, ended.err
    events = [event.code for slice in project.slices().values() for event in slice.events]
    assert "late_shutdown" in events
    project.assert_nothing_is_left()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_is_ended_nothing_is_left_and_resume_finishes_it(project: Project, number: signal.Signals) -> None:
    """It is ended in the middle of a round, which is then measured again as a whole."""
    project.target("other", RIGHT)
    with project.start("run", "--profile", "tiny.toml") as process:
        wait_for(lambda: project.slices_so_far(round=1), 60)
        assert len(project.processes()) > 6
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGKILL if number is signal.SIGKILL else 130)
    assert "Traceback" not in err
    project.assert_nothing_is_left()
    before = contents(project.run_folder / "boots")
    assert [len(project.slices_so_far(round)) for round in (0, 1, 2)] == [2, 1, 0]
    if number is signal.SIGTERM:
        return  # it ends it as SIGINT does (and as SIGHUP does), and what it leaves on the disk is the same
    resumed = project.bench("run", "--resume", str(project.run_folder))
    assert resumed.measured_everything, resumed.err
    assert [len(project.slices_so_far(round)) for round in (0, 1, 2)] == [2, 3, 2], "complete rounds are not repeated"
    assert {slice.status for slice in project.slices().values()} == {"complete"}
    after = contents(project.run_folder / "boots")
    assert {path: after[path] for path in before} == before, "what was measured stays as it is"
    assert {boot.number: boot.ended for boot in project.boots()}[2] == "stopped"
    project.assert_nothing_is_left()


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_that_is_being_measured_is_not_resumed_beside_it(project: Project) -> None:
    with project.start("run", "--profile", "tiny.toml") as process:
        wait_for(lambda: list(project.root.glob("results/*/run.json")), 60)
        second = project.bench("run", "--resume", str(project.run_folder))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert second.code == 2
    assert "another process is measuring on this machine" in second.err
    assert len(second.err.splitlines()) == 1


def test_a_supervisor_that_is_killed_takes_its_tree_along_and_the_run_goes_on(project: Project) -> None:
    with project.start("run", "--profile", "tiny.toml") as process:
        wait_for(lambda: _targets(project), 60)
        _targets(project)[0].kill()
        out, err = process.communicate(timeout=120)
    assert process.returncode == 3, out + err
    assert "Traceback" not in err
    project.assert_nothing_is_left()


def _targets(project: Project) -> list[psutil.Process]:
    """Supervisors of target servers."""
    return [
        p
        for p in project.processes()
        if "bench_inside.served:app" in (command := command_of(p))
        and any(word.endswith("supervisor.py") for word in command)
        and project.slices_so_far()
    ]


def _upstreams(project: Project) -> list[psutil.Process]:
    return [
        p
        for p in project.processes()
        if "harness.services.upstream:app_from_environment" in (command := command_of(p))
        and not any("supervisor.py" in word for word in command)
    ]


def _warm_ups_begun(project: Project) -> int:
    paths = project.root.glob("results/*/boots/*/*/samples.jsonl")
    samples = [sample for path in paths for sample in read_lines(path, Sample)]
    return sum((sample.tree, sample.mark) == ("target", "warmup:start") for sample in samples)


def test_an_upstream_that_dies_ends_the_run_and_resume_measures_the_round_again(project: Project) -> None:
    project.target("other", RIGHT)
    with project.start("run", "--profile", "tiny.toml") as process:
        wait_for(lambda: _warm_ups_begun(project) == 3, 60)  # two pilots, and the first slice of round 1
        (upstream,) = _upstreams(project)
        upstream.kill()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "upstream: killed by SIGKILL" in err
    assert "Traceback" not in err
    project.assert_nothing_is_left()
    (failed,) = project.slices_so_far(round=1)
    assert failed.status == "failed"
    judged = next(t for t in analyse(Run.open(project.run_folder)).slices if t.record.status == "failed")
    codes = {finding.code for finding in judged.findings}
    assert "service_died" in codes and "server_died" not in codes, "the strategy is not to blame"
    resumed = project.bench("run", "--resume", str(project.run_folder))
    assert "not measured: " not in resumed.err, resumed.err
    assert [slice.status for slice in project.slices().values()] == ["complete"] * 6


def test_a_failed_slice_still_fails_the_run_that_is_resumed(project: Project) -> None:
    project.target("dies", DIES)
    assert project.run("-s", "dies").code == 3
    resumed = project.bench("run", "--resume", str(project.run_folder))
    assert resumed.code == 3
    assert "exited with 7" in resumed.err


def test_a_run_is_not_resumed_on_other_code(finished: Project) -> None:
    work = finished.root / "targets" / "_work.py"
    work.write_text(work.read_text() + "\n# faster now\n")
    resumed = finished.bench("run", "--resume", str(finished.run_folder))
    assert resumed.code == 2
    assert "targets/pure_async_aiohttp.py, or code that it shares with others, has changed since" in resumed.err


def test_a_strategy_that_cheats_sets_no_rates_for_the_others(project: Project) -> None:
    project.target("caches", CACHES)
    ended = project.run()
    assert ended.code == 3, "the cheat itself is invalid"
    cheated = project.slices()["000-io-caches"]
    assert cheated.phases[1].ok_in_window / 0.3 > 200, "it was to be far above 8 users / 0.1 s"
    assert 0 < Run.open(project.run_folder).read().rates_rps["io"]["rate-30"] <= 0.3 * 1.1 * 8 / 0.1 * (1 + 0.1 / 0.3)


def test_a_port_that_is_taken_is_said_before_anything_is_measured(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = project.run("--port", str(port))
    assert ended.code == 2
    assert str(port) in ended.err
    assert "Traceback" not in ended.err


def test_a_boot_record_that_was_cut_off_costs_that_boot_only(finished: Project) -> None:
    folder = finished.run_folder
    (victim,) = folder.glob("boots/*/1/boot.json")
    victim.write_bytes(victim.read_bytes()[:200])
    ended = finished.bench("report", str(folder))
    assert ended.code == 2, "nothing else was measured"
    assert "Traceback" not in ended.err
    resumed = finished.bench("run", "--resume", str(folder))
    assert f"{victim.relative_to(finished.root)}: is not a record of ours or was cut off" in resumed.err + resumed.out
    assert (victim.parents[1] / "2" / "boot.json").exists()
    victim.unlink()
    assert {slice.status for slice in finished.slices().values()} == {"complete"}


def test_a_pilot_whose_rates_were_not_written_gives_them_on_resume(finished: Project) -> None:
    """Killed after the pilot, before the round of the first rate."""
    folder = finished.run_folder
    (path,) = folder.glob("boots/*/1/boot.json")
    boot = json.loads(path.read_text())
    path.write_text(json.dumps({**boot, "ended": "", "slices": boot["slices"][:2]}))
    record = json.loads((folder / "run.json").read_text())
    before = record["rates_rps"]
    (folder / "run.json").write_text(json.dumps({**record, "rates_rps": {}}))
    resumed = finished.bench("run", "--resume", str(folder))
    assert resumed.measured_everything, resumed.err
    assert Run.open(folder).read().rates_rps == before
    assert [slice.boot for slice in finished.slices().values()] == [1, 1, 2]


def test_another_schema_version_is_refused_by_name(finished: Project) -> None:
    path = finished.run_folder / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 99}))
    ended = finished.bench("report", str(finished.run_folder))
    assert ended.code == 2
    assert "schema_version 99" in ended.err
    assert len(ended.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["run", "-s", "pure_asink_aiohttp"], "did you mean 'pure_async_aiohttp'"),
        (["run", "-w", "mixd"], "did you mean 'mixed'"),
        (["run", "--profile", "standrad"], "did you mean standard"),
        (["run", "--profile", "broken.toml"], "broken.toml"),
        (["run", "--results", "/proc/nowhere"], "/proc/nowhere"),
        (["run", "--resume", "results/none"], "results/none"),
        (["report", "results/none"], "results/none"),
        (["new", "Not-A-Name"], "Not-A-Name"),
        (["sweep", "pure_async_aiohttp", "threads=1"], "threads"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(project: Project, arguments: list[str], complaint: str) -> None:
    (project.root / "broken.toml").write_text(TINY.replace("users = 8", "users = "))
    ended = project.bench(*arguments)
    assert ended.code == 2, ended.err
    assert complaint in ended.err
    assert len(ended.err.strip().splitlines()) == 1, ended.err
    project.assert_nothing_is_left()
