from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from harness import inside
from harness.catalog import strategy_file
from harness.inside.bench_inside.settings import InsideSettings
from harness.interpreters.environments import python_of
from harness.results.records.strategy import ServerOptions
from harness.results.records.variant import Variant
from harness.serving import launch
from harness.serving.target import Target, target_of

INSIDE = str(Path(inside.__file__).parent)


def test_a_strategys_target_is_what_its_variant_says(tmp_path: Path) -> None:
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "mine.py").touch()
    options = ServerOptions(server="granian", loop="asyncio", workers="cores")
    variant = Variant(
        name="mine[threads=8]",
        strategy="mine",
        title="",
        path="targets/mine.py",
        params={"threads": 8},
        server=options,
        workers=4,
    )
    target = target_of(variant, tmp_path, {"BENCH_UPSTREAM": "http://127.0.0.1:9"})
    assert target == Target(
        name="mine[threads=8]",
        app="targets.mine:app",
        folder=tmp_path,
        environment={"BENCH_UPSTREAM": "http://127.0.0.1:9", "BENCH_THREADS": "8"},
        server=options,
        workers=4,
    )
    assert target.interpreter == sys.executable
    assert target.source == "targets/mine.py"


def started(monkeypatch: pytest.MonkeyPatch, target: Target) -> dict[str, str]:
    """The environment that its processes would get."""
    seen: dict[str, Any] = {}
    monkeypatch.setattr(launch, "Supervised", lambda command, **options: seen.update(options))
    path = target.folder / "x"
    launch.starter(target, token="secret", probe_dir=path, log_path=path, cpus=None, nice=0)(8000)
    environment: dict[str, str] = seen["env"]
    return environment


def test_a_target_sees_what_it_is_told_and_of_the_harness_only_what_runs_inside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/shell")
    monkeypatch.setenv("GRANIAN_BACKLOG", "1")
    monkeypatch.setenv("UVICORN_RELOAD", "1")
    target = Target(name="mine", app="mine:app", folder=tmp_path, environment={"BENCH_TARGET": "other", "MINE": "1"})
    env = started(monkeypatch, target)
    assert env["PYTHONPATH"] == os.pathsep.join([INSIDE, "/shell"])
    assert env["MINE"] == "1"
    assert InsideSettings.read(env) == InsideSettings("mine:app", tmp_path, "secret", (tmp_path / "x").resolve())
    assert not {"UVICORN_RELOAD"} & set(env)


def test_another_interpreter_does_not_get_the_shells_path_but_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/shell")
    target = Target(
        name="mine", app="mine:app", folder=tmp_path, interpreter="/their/python", environment={"PYTHONPATH": "/theirs"}
    )
    assert started(monkeypatch, target)["PYTHONPATH"] == os.pathsep.join([INSIDE, "/theirs"])


def test_another_interpreter_does_not_get_what_is_for_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONHOME", "PYTHON_GIL", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "/shell")
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    env = started(monkeypatch, Target(name="mine", app="mine:app", folder=tmp_path, interpreter="/their/python"))
    assert not {"PYTHONHOME", "PYTHON_GIL", "VIRTUAL_ENV"} & set(env)
    assert env["PYTHONOPTIMIZE"] == "1"
    assert "VIRTUAL_ENV" in started(monkeypatch, Target(name="mine", app="mine:app", folder=tmp_path))


def test_the_shells_settings_for_the_server_are_kept_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRANIAN_WORKERS", "7")
    target = Target(name="mine", app="mine:app", folder=tmp_path, server=ServerOptions(server="granian"))
    assert "GRANIAN_WORKERS" not in started(monkeypatch, target)


def test_no_parameter_can_take_the_place_of_what_the_harness_tells() -> None:
    variables = InsideSettings("a:b", Path("/a"), "t", Path("/b"), True, Path("/c"), "{}").variables()
    assert {name.removeprefix("BENCH_").lower() for name in variables} <= strategy_file._RESERVED_PARAMS


def test_under_another_python_it_is_that_environments(tmp_path: Path) -> None:
    variant = Variant(name="mine", strategy="mine", title="", path="targets/mine.py", interpreter="3.13-0a1b2c3d")
    assert target_of(variant, tmp_path, {}).interpreter == python_of("3.13-0a1b2c3d")
