"""What is measured of what there is: nothing applicable, a baseline, no rates, one run at a time."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import msgspec
import pytest

from harness.results.store import Run
from tests.bench_kit import TINY, Ended, Project, wait_for
from tests.synthetic_run import write_synthetic_run

NO_ROUTE = """
from fastapi import FastAPI
PARAMS = {"threads": 4}
app = FastAPI()
@app.get("/health")
async def health():
    return {"status": "ok"}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, ["pure_async_aiohttp"])


def refused(ended: Ended, *said: str) -> None:
    assert ended.code == 2, ended.err
    line = ended.err.splitlines()[-1]
    assert line.startswith("bench: "), ended.err
    for part in said:
        assert part in line
    assert "Traceback" not in ended.err


def test_where_no_strategy_has_a_route_nothing_is_measured(project: Project) -> None:
    project.target("no_route", NO_ROUTE)
    ended = project.run("-s", "no_route")
    refused(ended, "nothing to measure: no_route has no route /io (io); choose other strategies or workloads")
    assert list(project.root.glob("results/*/run.json")) == [], "no run is left that never measured anything"
    refused(project.bench("verify", "no_route", "-w", "io"), "nothing to measure: no_route has no route /io (io)")
    swept = project.bench("sweep", "no_route", "threads=1,2", "--profile", "tiny.toml")
    refused(swept, "no_route[threads=1] has no route /io (io); no_route[threads=2] has no route /io (io)")
    project.assert_nothing_is_left()


def test_where_every_strategy_needs_another_python_nothing_is_measured(project: Project) -> None:
    project.target("later", NO_ROUTE + 'REQUIRES = "~=3.99"\n')
    refused(
        project.run("-s", "later"), "nothing to measure: later: not available here: needs Python ~=3.99, and this is 3."
    )
    refused(project.bench("verify", "later"), "later: not available here: needs Python ~=3.99")


def test_where_all_fail_in_the_preflight_the_reasons_are_the_result(project: Project) -> None:
    project.target("broken", "import nothing_like_it\n" + NO_ROUTE)
    project.target("no_route", NO_ROUTE)
    ended = project.run("-s", "broken", "-s", "no_route")
    assert ended.code == 3
    assert "not measured: broken on io: broken: did not start: " in ended.err
    assert "nothing_like_it" in ended.err
    run = Run.open(project.run_folder)
    assert run.read().plan == ()
    assert "nothing_like_it" in run.report_path.read_text()
    assert project.bench("report", str(run.path)).code == 0


def test_a_run_without_rates_with_a_baseline_of_its_own(project: Project) -> None:
    (project.root / "tiny.toml").write_text(TINY.replace("[{ percent = 30, duration_s = 0.4 }]", "[]"))
    assert project.bench("new", "other").code == 0
    ended = project.run("--baseline", "pure_async_aiohttp", "-w", "io", "-w", "io", "--json")
    assert ended.measured_everything, ended.err
    record = Run.open(project.run_folder).read()
    assert record.baseline == "pure_async_aiohttp"
    assert record.rates_rps == {}
    assert len(record.plan) == 2 * (1 + 1)
    said = json.loads(ended.out)
    assert {made["variant"] for made in said["cells"]} == {"other", "pure_async_aiohttp"}
    assert "Gain over pure_async_aiohttp" in (project.run_folder / "report.html").read_text()


def test_the_baseline_must_be_part_of_the_run(project: Project) -> None:
    ended = project.run("-s", "pure_async_aiohttp", "--baseline", "sync_def")
    refused(ended, "--baseline sync_def: is not part of this run; there are: pure_async_aiohttp")
    assert not (project.root / "results").exists()


def test_a_baseline_that_cannot_be_measured_is_said_before_anything_is(project: Project) -> None:
    project.target("no_route", NO_ROUTE)
    refused(
        project.run("--baseline", "no_route"), "--baseline no_route: works on no workload of this run (no_route has"
    )
    assert list(project.root.glob("results/*/run.json")) == []


def test_two_do_not_measure_on_one_machine_at_once_wherever_their_results_go(project: Project) -> None:
    with project.start("run", "--profile", "tiny.toml", "--rounds", "9") as process:
        wait_for(lambda: list(project.root.glob("results/*/run.json")), 60)
        second = project.run("--results", "elsewhere")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    refused(second, "another process is measuring on this machine (it holds ")
    assert project.run_folder and not (project.root / "elsewhere").exists(), "the second left no folder"


def test_a_comparison_that_would_say_nothing_is_refused(project: Project) -> None:
    results = project.root / "results"
    one = write_synthetic_run(results / "one", workloads=["io"], rounds=1, peculiar=False)
    two = write_synthetic_run(results / "two", workloads=["cpu"], rounds=1, seed=2, peculiar=False)
    unmeasured = Run.create(results / "three")
    unmeasured.write(msgspec.structs.replace(one.read(), preflight=(), plan=(), id="three"))
    refused(project.bench("compare", str(one.path), str(one.path)), "is the same run twice")
    refused(project.bench("compare", str(one.path), str(two.path)), "no strategy is on the same workload in both")
    refused(
        project.bench("compare", str(one.path), str(unmeasured.path)), "three: was interrupted before its first slice"
    )


def test_a_report_of_nothing_is_refused(project: Project) -> None:
    refused(project.bench("report"), "RUN: results/ holds no run of yours; `bench run` makes one")
    (project.root / "results").mkdir()
    refused(project.bench("report"), "RUN: results/ holds no run of yours; `bench run` makes one")
    run = write_synthetic_run(project.root / "results" / "one", workloads=["io"], rounds=1)
    for record in run.path.glob("boots/*/*/boot.json"):
        record.unlink()
    refused(project.bench("report"), "results/one: was interrupted before its first slice was complete")
