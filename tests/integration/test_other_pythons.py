"""Targets run under another Python that is installed here, in an environment of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness.catalog.requirement import running_python
from harness.cli.pythons import found_pythons
from harness.interpreters.environments import is_whole
from harness.results.store import Run
from tests.bench_kit import CHECKOUT, Project

OWN = running_python().name
NEWEST = list(found_pythons())[-1]  # this one, where there is no other


def only_on(name: str) -> str:
    """`sync_def`, which starts under this Python and no other."""
    version = tuple(map(int, name.removesuffix("t").split(".")))
    source = (CHECKOUT / "targets" / "sync_def.py").read_text()
    return f"{source}\nimport sys\nREQUIRES = '>={name}'\nassert sys.version_info[:2] == {version}, sys.version\n"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A run of two strategies under our Python and the newest one; the environment may have to be made."""
    project = Project(tmp_path_factory.mktemp("pythons"), ["sync_def"])
    project.target("newest_only", only_on(NEWEST))
    ended = project.run("--python", f"{OWN},{NEWEST}", "-w", "io")
    assert ended.measured_everything, ended.err
    return project


def test_each_strategy_is_measured_under_each_python_that_it_can_use(measured: Project) -> None:
    record = Run.open(measured.run_folder).read()
    cells = {cell.variant: cell.status for cell in record.preflight}
    other = f"[python={NEWEST}]" if NEWEST != OWN else ""
    assert cells == {"newest_only": "not_applicable", "sync_def": "ok"} | {
        f"newest_only{other}": "ok",
        f"sync_def{other}": "ok",
    }
    assert {spec.variant for spec in record.plan} == {name for name, status in cells.items() if status == "ok"}
    assert record.baseline == "sync_def"
    assert all(slice.status == "complete" for slice in measured.slices().values())


def test_the_report_says_which_python_it_was_and_no_path_of_the_machine(measured: Project) -> None:
    record = Run.open(measured.run_folder).read()
    versions = {variant.python for variant in record.variants if variant.interpreter}
    page = (measured.run_folder / "report.html").read_text()
    assert all(version.startswith(NEWEST) and f"Python {version}" in page for version in versions)
    assert str(CHECKOUT) not in (measured.run_folder / "run.json").read_text()


def test_its_environment_is_whole_and_is_found_again(measured: Project) -> None:
    interpreters = {variant.interpreter for variant in Run.open(measured.run_folder).read().variants} - {""}
    assert all(is_whole(interpreter) for interpreter in interpreters)
    ended = measured.bench("verify", "newest_only", "-w", "cpu", "--python", NEWEST)
    assert (ended.code, ended.err) == (0, "")
    assert " cpu      ok" in ended.out


def test_one_that_cannot_be_used_is_a_line_and_the_others_go_on(
    measured: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A Python that says that it is an old one; it is refused before anything of it is started."""
    said = {"implementation": "CPython", "release": "3.10.99", "free_threaded": False, "build": "x"}
    (tmp_path / "python3.10").write_text(f"#!/bin/sh\necho '{json.dumps(said)}'\n")
    (tmp_path / "python3.10").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    ended = measured.bench("verify", "sync_def", "-w", "cpu", "--python", f"3.10,{OWN}")
    assert ended.code == 3
    assert ended.err.startswith("Python 3.10.99: not used: what targets need is locked for Python 3.11 and newer; ")
    assert ended.err.count("\n") == 1
    assert "sync_def               cpu      ok" in ended.out


def test_one_that_is_not_here_is_one_line_that_lists_those_that_are(measured: Project) -> None:
    for command in ("verify", "run"):
        ended = measured.bench(command, "--python", "3.99")
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith("bench: --python 3.99: is not on the PATH, and neither pyenv nor uv has it; there ")
        assert NEWEST in ended.err and ended.err.count("\n") == 1


def test_the_list_shows_those_that_were_found(measured: Project) -> None:
    assert json.loads(measured.bench("list", "--json").out)["pythons"] == found_pythons()
    lines = measured.bench("list").out.splitlines()
    shown = [line.split()[0] for line in lines[lines.index("pythons") + 1 :]]
    assert shown == list(found_pythons())
