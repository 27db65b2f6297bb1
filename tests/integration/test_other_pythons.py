"""Targets run under another Python, in an environment of its own. Where only one Python is installed, it is the other
one too: with an environment that finds the packages of the harness's own, so that nothing is downloaded."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from pathlib import Path

import msgspec
import pytest

from harness.catalog.requirement import running_python
from harness.cli.pythons import found_pythons
from harness.interpreters.environments import is_whole, provide
from harness.interpreters.interpreter import Interpreter, ask_interpreter
from harness.measuring.preflight import preflight
from harness.measuring.subject import StrategyFiles
from harness.results.records.machine_record import Partition
from harness.results.records.run_record import Preflight
from harness.results.records.strategy import ServerOptions
from harness.results.records.variant import Variant
from harness.results.records.workload import Request, Workload
from harness.results.store import Run
from harness.services.running_services import RunningServices
from tests.bench_kit import CHECKOUT, Project
from tests.serving_kit import HEALTHY, write_strategy

OWN = running_python().name
# An environment that is there already, or none: its making is another test's.
MADE = [name for name in found_pythons() if name != OWN and any(CHECKOUT.glob(f".pythons/{name}-*/whole.json"))]
OTHER = MADE[-1] if MADE else OWN
PARTITION = Partition(available=(0, 1), target=(0, 1), generator=(), quota_cores=None, pinned=False)
PREFIX = "\n@app.get('/prefix')\nasync def prefix(n: int):\n    import sys\n    return sys.prefix\n"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A whole one; its absolute path is its name."""
    folder = tmp_path_factory.mktemp("environments")
    lock = folder / "some.lock"
    lock.write_text("# nothing\n")
    own = ask_interpreter(Path(sys.executable))
    assert isinstance(own, Interpreter)
    path = folder / provide(own, print, folder, lock)
    (site_packages,) = path.glob("lib/python*/site-packages")
    (site_packages / "ours.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return str(path)


def checked(root: Path, variants: list[Variant], prefix: str) -> dict[str, Preflight]:
    workload = Workload(name="prefix", title="", description="", path="", requests=(Request("/prefix?n=1", prefix),))
    results = preflight(
        StrategyFiles(root),
        variants,
        [workload],
        partition=PARTITION,
        services=RunningServices([], root=root, log_folder=root),
        folder=root / "preflight",
        on_result=lambda result: None,
        ready_s=20.0,
    )
    return {result.variant: result for result in results}


def test_a_target_runs_in_the_environment_and_what_that_has_not_is_not_available(
    tmp_path: Path, environment: str
) -> None:
    root = tmp_path.resolve()
    python = str(running_python())
    absent = {"uvloop": "uvloop==0.1", "asyncpg-wheel": "asyncpg-wheel==2.0"}
    (Path(environment) / "whole.json").write_bytes(msgspec.json.encode(absent))
    (next(Path(environment).glob("lib/python*/site-packages")) / "uvicorn-1.0.dist-info").mkdir(exist_ok=True)

    def variant(name: str, body: str, server: str = "uvicorn", loop: str = "asyncio") -> Variant:
        options = ServerOptions(server=server, loop=loop, http="h11" if server == "uvicorn" else "")
        made = write_strategy(root, name, body)
        return msgspec.structs.replace(made, interpreter=environment, python=python, server=options)

    results = checked(
        root,
        [
            variant("plain", HEALTHY + PREFIX),
            variant("loops", HEALTHY + PREFIX, loop="uvloop"),
            variant("served", HEALTHY + PREFIX, server="granian"),
            variant("imports", "import asyncpg_wheel\n" + HEALTHY + PREFIX),
            variant("wrong", "import nothing_like_this\n" + HEALTHY + PREFIX),
        ],
        environment,
    )
    statuses = {name: result.status for name, result in results.items()}
    not_here = dict.fromkeys(("loops", "served", "imports"), "not_applicable")
    assert statuses == {"plain": "ok", "wrong": "failed"} | not_here, results
    errors = {name: result.error for name, result in results.items()}
    assert errors["loops"] == f"loops: not available here: there is no wheel of uvloop==0.1 for Python {python}"
    assert errors["served"] == "served: not available here: targets.lock has no granian"
    assert errors["imports"].endswith(
        f"not available here: there is no wheel of asyncpg-wheel==2.0 for Python {python}"
    )
    assert "No module named 'nothing_like_this'" in errors["wrong"]


def only_on(name: str) -> str:
    """`sync_def`, which starts under this Python and no other."""
    version = tuple(map(int, name.removesuffix("t").split(".")))
    source = (CHECKOUT / "targets" / "sync_def.py").read_text()
    return f"{source}\nimport sys\nREQUIRES = '>={name}'\nassert sys.version_info[:2] == {version}, sys.version\n"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A run under our Python and under another one."""
    project = Project(tmp_path_factory.mktemp("pythons"), ["sync_def"])
    project.target("other_only", only_on(OTHER))
    ended = project.run("--python", f"{OWN},{OTHER}", "-s", "other_only", "-w", "io")
    assert ended.measured_everything, ended.err
    return project


def test_a_strategy_is_measured_under_each_python_that_it_can_use(measured: Project) -> None:
    record = Run.open(measured.run_folder).read()
    cells = {cell.variant: cell.status for cell in record.preflight}
    name = f"other_only @ {OTHER}" if OTHER != OWN else "other_only"
    assert cells == {"other_only": "not_applicable"} | {name: "ok"}
    assert {spec.variant for spec in record.plan} == {name}
    assert record.baseline == name
    assert all(slice.status == "complete" for slice in measured.slices().values())


def test_the_report_says_which_python_it_was_and_no_path_of_the_machine(measured: Project) -> None:
    record = Run.open(measured.run_folder).read()
    versions = {variant.python for variant in record.variants if variant.interpreter}
    page = (measured.run_folder / "report.html").read_text()
    assert all(version.startswith(OTHER.removesuffix("t")) and f"Python {version}" in page for version in versions)
    assert str(CHECKOUT) not in (measured.run_folder / "run.json").read_text()
    assert all(is_whole(variant.interpreter) for variant in record.variants if variant.interpreter)


def test_one_that_cannot_be_used_is_a_line_and_the_others_go_on(
    measured: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One that says that it is too old, which is refused before anything of it is started, and one that is not here."""
    said = {"implementation": "CPython", "release": "3.10.99", "free_threaded": False, "build": "x"}
    (tmp_path / "python3.10").write_text(f"#!/bin/sh\necho '{json.dumps(said)}'\n")
    (tmp_path / "python3.10").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    ended = measured.bench("verify", "sync_def", "-w", "cpu", "--python", f"3.10,3.99,{OWN}")
    assert ended.code == 3
    old, absent = ended.err.splitlines()
    assert old.startswith("Python 3.10.99: not used: what targets need is locked for Python 3.11 and newer; ")
    assert absent.startswith(
        "--python 3.99: not available here: it is not on the PATH, and neither pyenv nor uv has it"
    )
    assert ended.out.split() == ["sync_def", "cpu", "ok"]


def test_where_none_can_be_used_it_is_one_line_that_lists_those_that_are_there(measured: Project) -> None:
    for command in ("verify", "run"):
        ended = measured.bench(command, "--python", "3.99")
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith(
            "bench: --python 3.99: not available here: it is not on the PATH, and neither pyenv"
        )
        assert OWN in ended.err and ended.err.count("\n") == 1
    ended = measured.bench("run", "--python", "3.12.1")
    assert (ended.code, ended.err) == (
        2,
        "bench: --python 3.12.1: is not a Python; write it like 3.13, or 3.14t without the GIL\n",
    )


def test_the_list_shows_those_that_were_found(measured: Project) -> None:
    assert json.loads(measured.bench("list", "--json").out)["pythons"] == found_pythons()
    lines = measured.bench("list").out.splitlines()
    shown = [line.split()[0] for line in lines[lines.index("--python") + 1 :]]
    assert shown == list(found_pythons())
