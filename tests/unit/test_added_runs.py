"""A report shows the sweeps and claims of other runs, too, and goes on to do so until they are taken out."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from harness.catalog.variants import variant_of
from harness.cli.adding import NEWEST, check_add_to
from harness.cli.claims import claims
from harness.cli.command_line import commands
from harness.cli.ending import finish
from harness.cli.newest import newest_run
from harness.cli.report import report
from harness.measuring.measure import Result
from harness.results.added_runs import add_runs, added_runs
from harness.results.records.errors import UsageError
from harness.results.records.run_record import RunRecord
from harness.results.store import Run, StoreError
from tests.synthetic_run import write_synthetic_run

BENCH_RUN, SWEEP = "20260101-bench", "20260102-sweep"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a run and a sweep of workers; both would answer alike."""
    root = tmp_path_factory.mktemp("project")
    write_synthetic_run(
        root / "results" / BENCH_RUN,
        strategies=("sync_def", "fake_async"),
        workloads=("io",),
        peculiar=False,
        phase_s=1.0,
        rates_percent=(10,),
    )
    names = ("multi_worker", "sync_def")
    sweep = write_synthetic_run(
        root / "results" / SWEEP, strategies=names, workloads=("cpu",), peculiar=False, phase_s=1.0, rates_percent=(10,)
    )
    record = sweep.read()
    two = variant_of(next(s for s in record.strategies if s.name == "multi_worker"), 2)
    # The one worker of the family: `sync_def` under another name.
    alike = [msgspec.structs.replace(two, name=name, workers=1 + place) for place, name in enumerate(names[::-1])]
    sweep.write(
        msgspec.structs.replace(record, variants=tuple(alike), command="bench sweep multi_worker workers=1,2", id=SWEEP)
    )
    return root


@pytest.fixture
def results(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    folder = Path("results")
    for place, name in enumerate((BENCH_RUN, SWEEP)):
        os.utime(folder / name / "run.json", (1000 + place, 1000 + place))
    return folder


def change(run: Path, **changes: object) -> None:
    record: RunRecord = Run(run).read()
    Run(run).write(msgspec.structs.replace(record, **changes))


def text_of(run: Path) -> str:
    return " ".join((run / "report.html").read_text().split())


def test_what_was_added_is_shown_from_then_on_with_its_run_and_its_date(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = results / BENCH_RUN
    report(run)
    assert SWEEP not in text_of(run)
    report(run, beside=[results / SWEEP])
    page = text_of(run)
    assert f' on cpu, by workers <small class="muted">run {SWEEP}, 2025-01-01 00:00 UTC</small>' in page
    assert "Other conditions" not in page and "under other conditions" not in page
    assert f" on cpu (run {SWEEP}): workers = 2 is the smallest" in capsys.readouterr().out
    before = (run / "report.html").read_bytes()
    report(run.resolve())
    assert (run / "report.html").read_bytes() == before
    assert json.loads((run / "with.json").read_text()) == {"runs": [SWEEP]}
    shutil.move(results, results.with_name("moved"))
    report(Path("moved") / BENCH_RUN)
    assert (Path("moved") / BENCH_RUN / "report.html").read_bytes() == before


def test_the_claims_of_both_are_one_list_and_evidence_says_of_which_run_it_is(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts = {}
    for name, runs in (("own", [BENCH_RUN]), ("other", [SWEEP]), ("both", [BENCH_RUN, SWEEP])):
        claims([results / run for run in runs], as_json=True)
        verdicts[name] = {each["id"]: each for each in json.loads(capsys.readouterr().out)}
    alone = {name: verdicts[name]["workers_match_cores"]["verdict"] for name in ("own", "other")}
    assert alone["own"] == "not tested" and alone["other"] != "not tested"
    assert verdicts["other"]["blocked_loop"]["verdict"] == "not tested"
    both = verdicts["both"]
    assert both["workers_match_cores"]["verdict"] == alone["other"]
    assert {part["run"] for part in both["workers_match_cores"]["evidence"]} == {SWEEP}
    assert both["blocked_loop"] == verdicts["own"]["blocked_loop"]
    assert not (results / BENCH_RUN / "with.json").exists(), "claims only reads"


def test_without_a_run_the_newest_is_read_as_its_report_shows_it(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert newest_run() == results / SWEEP
    report(results / BENCH_RUN, beside=[results / SWEEP])
    assert newest_run() == results / BENCH_RUN, "the newest was added to its report"
    capsys.readouterr()
    claims(as_json=True)
    found = {each["id"]: each for each in json.loads(capsys.readouterr().out)}
    assert {part["run"] for part in found["workers_match_cores"]["evidence"]} == {SWEEP}
    assert {part["run"] for part in found["blocked_loop"]["evidence"]} == {""}
    (results / BENCH_RUN / "with.json").write_text("{")
    assert newest_run() == results / SWEEP


def test_other_conditions_are_a_warning(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = Run(results / SWEEP).read()
    packages = {**record.environment.packages, "fastapi": "0.99.0", "uvloop": "1.0"}
    environment = msgspec.structs.replace(record.environment, cpu_model="Other CPU", packages=packages)
    strategies = tuple(msgspec.structs.replace(each, digest="new") for each in record.strategies)
    change(results / SWEEP, environment=environment, instrument="other", strategies=strategies)
    own = Run(results / BENCH_RUN).read()
    change(
        results / BENCH_RUN, strategies=tuple(msgspec.structs.replace(each, digest="old") for each in own.strategies)
    )
    report(results / BENCH_RUN, beside=[results / SWEEP])
    said = (
        "CPU Other CPU, here Synthetic CPU @ 3.00GHz; fastapi 0.99.0, here 0.115.0; uvloop 1.0, here not installed; "
        "other code of the harness measured it; other code of targets/sync_def.py."
    )
    assert f'<p class="note">Other conditions than in this run: {said}</p>' in text_of(results / BENCH_RUN)
    line = f"{SWEEP}, whose sweeps and claims are shown here, too, was measured under other conditions: {said}"
    assert f"<li>{line}</li>" in text_of(results / BENCH_RUN)
    assert line in capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("how", ["gone", "broken", "list", "without a slice", "same name"])
def test_one_that_cannot_be_shown_is_a_line_and_no_error(
    results: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    run, sweep = results / BENCH_RUN, results / SWEEP
    report(run, beside=[sweep])
    capsys.readouterr()
    match how:
        case "gone":
            shutil.rmtree(sweep)
            said = f"{SWEEP}: was added to this report and is gone; put it back, or take it out of with.json"
        case "broken":
            (sweep / "run.json").write_text('{"schema_version": 3')
            said = f"{SWEEP}: was added to this report and cannot be read: run.json: is not a record of ours"
        case "list":
            (run / "with.json").write_text('{"runs": 1}')
            said = "What was added to this report is left out: with.json: is not a list of runs"
        case "without a slice":
            change(sweep, preflight=())
            said = f"{SWEEP}: was added to this report and cannot be read: was interrupted before its first slice"
        case _:
            shutil.copytree(sweep, results.parent / "elsewhere" / BENCH_RUN)
            (run / "with.json").write_text(f'{{"runs": ["../elsewhere/{BENCH_RUN}"]}}')
            said = f"{BENCH_RUN}: was added to this report, which has another run of that name; rename a folder"
    report(run)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(said)
    assert str(results.resolve()) not in line, "a report is shared"
    assert f"<li>{said}" in text_of(run)
    assert "on cpu, by workers" not in text_of(run)


def test_what_was_named_must_be_there(results: Path) -> None:
    run = results / BENCH_RUN
    with pytest.raises(UsageError, match=r"nowhere: no run\.json there"):
        report(run, beside=[results / "nowhere"])
    with pytest.raises(UsageError, match="is the run that it would be added to"):
        report(run, beside=[run.resolve()])
    shutil.copytree(run, Path("elsewhere") / BENCH_RUN)
    with pytest.raises(UsageError, match=f"another run of this report is called {BENCH_RUN}, too; rename a folder"):
        claims([run, Path("elsewhere") / BENCH_RUN])
    with pytest.raises(UsageError, match=r"nowhere: no run\.json there"):
        check_add_to(str(results / "nowhere"))
    check_add_to(NEWEST)
    check_add_to(None)
    assert not (run / "with.json").exists()


def ended(results: Path, add_to: str, *, as_json: bool = False) -> None:
    finish(Result(Run(results / SWEEP), (), 61.0, 60.0), (), as_json, add_to)


def test_a_sweep_adds_itself_to_the_newest_run_of_bench_run(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    older = shutil.copytree(results / BENCH_RUN, results / "older")
    change(older, created_epoch_s=1.0)
    ended(results, NEWEST)
    assert f"added to: results/{BENCH_RUN}/report.html" in capsys.readouterr().out.splitlines()
    assert added_runs(Run(results / BENCH_RUN)) == ((results / SWEEP).resolve(),)
    assert f"run {SWEEP}, " in text_of(results / BENCH_RUN)
    assert (results / SWEEP / "report.html").exists(), "it has its own report as well"
    ended(results, str(older), as_json=True)
    said = capsys.readouterr()
    assert json.loads(said.out)["run"] == f"results/{SWEEP}"
    assert "added to: results/older/report.html" in said.err.splitlines()


@pytest.mark.parametrize(
    "changes",
    [
        {"instrument": "other"},
        {"command": "bench sweep sync_def tokens=1,2"},
        {"environment": {"cpu_model": "Other CPU"}},
        {"environment": {"logical_cpus": 64}},
    ],
)
def test_another_machine_or_instrument_or_a_sweep_is_not_added_to(
    results: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object]
) -> None:
    if isinstance(of := changes.get("environment"), dict):
        changes = {"environment": msgspec.structs.replace(Run(results / BENCH_RUN).read().environment, **of)}
    change(results / BENCH_RUN, **changes)
    (results / "broken").mkdir()
    (results / "broken" / "run.json").write_text("{")
    ended(results, NEWEST)
    said = (
        "not added to another report: results holds no run that `bench run` has measured on this machine with this code"
    )
    assert said in capsys.readouterr().out.splitlines()
    assert not (results / BENCH_RUN / "with.json").exists()


def test_runs_are_named_once_and_a_list_that_is_broken_is_not_written_over(results: Path) -> None:
    run, other = Run(results / BENCH_RUN), Run((results / SWEEP).resolve())
    add_runs(run, [other])
    add_runs(run, [other, other])
    assert added_runs(run) == ((results / SWEEP).resolve(),)
    (run.path / "with.json").write_text("[]")
    with pytest.raises(StoreError, match=r"with\.json: is not a list of runs .*; delete it, and add them again with"):
        add_runs(run, [other])
    assert (run.path / "with.json").read_text() == "[]"


def test_a_problem_of_the_sweep_is_still_told(results: Path) -> None:
    with pytest.raises(typer.Exit):
        finish(Result(Run(results / SWEEP), ("dies on io: exited with 7",), 1.0, 1.0), (), False, NEWEST)
    assert added_runs(Run(results / BENCH_RUN))


def test_several_runs_can_be_typed() -> None:
    bench: Any = typer.main.get_command(commands)

    def given(command: str, *words: str) -> dict[str, Any]:
        params: dict[str, Any] = bench.commands[command].make_context(command, list(words)).params
        return params

    asked = given("report", "a", "--with", "b", "--with", "c")
    assert (str(asked["path"]), [*map(str, asked["beside"])]) == ("a", ["b", "c"])
    assert [*map(str, given("claims", "a", "b")["paths"])] == ["a", "b"]
    assert given("sweep", "sync_def", "tokens=1,2", "--add-to", "newest")["add_to"] == NEWEST
