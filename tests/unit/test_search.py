"""Pythons are found by the names of their files, wherever people install them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.interpreters.search import age, installed_pythons, is_python_name


def program(path: Path, *, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def found(home: Path, *path: Path, **environ: str) -> dict[str, tuple[Path, ...]]:
    return installed_pythons({"PATH": os.pathsep.join(map(str, path)), **environ}, home)


def test_on_the_path_then_pyenvs_then_uvs_oldest_python_first(tmp_path: Path) -> None:
    on_path = program(tmp_path / "bin" / "python3.13")
    older = program(tmp_path / ".pyenv" / "versions" / "3.13.9" / "bin" / "python3.13")
    newer = program(tmp_path / ".pyenv" / "versions" / "3.13.10" / "bin" / "python3.13")
    nine = program(tmp_path / ".pyenv" / "versions" / "3.9.18" / "bin" / "python3.9")
    uv = tmp_path / ".local" / "share" / "uv" / "python"
    no_gil = program(uv / "cpython-3.14.0+freethreaded-linux-x86_64-gnu" / "bin" / "python3.14t")
    fourteen = program(uv / "cpython-3.14.0-linux-x86_64-gnu" / "bin" / "python3.14")
    assert found(tmp_path, tmp_path / "bin") == {
        "3.9": (nine,),
        "3.13": (on_path, newer, older),
        "3.14": (fourteen,),
        "3.14t": (no_gil,),
    }
    assert list(found(tmp_path, tmp_path / "bin")) == ["3.9", "3.13", "3.14", "3.14t"]


def test_where_they_are_may_be_set(tmp_path: Path) -> None:
    pyenv = program(tmp_path / "env" / "versions" / "3.12.1" / "bin" / "python3.12")
    uv = program(tmp_path / "uv" / "cpython-3.13.0-linux" / "bin" / "python3.13")
    places = {"PYENV_ROOT": str(tmp_path / "env"), "UV_PYTHON_INSTALL_DIR": str(tmp_path / "uv")}
    assert found(tmp_path / "home", **places) == {"3.12": (pyenv,), "3.13": (uv,)}


def test_what_is_no_python_is_left_out(tmp_path: Path) -> None:
    for name in ("python", "python3", "python2.7", "python3.12-config", "python3.12m", "ipython3.12"):
        program(tmp_path / "bin" / name)
    program(tmp_path / "bin" / "python3.11", mode=0o644)
    (tmp_path / "bin" / "python3.13").mkdir()
    program(tmp_path / ".pyenv" / "shims" / "python3.14")
    assert found(tmp_path, tmp_path / "bin", tmp_path / "nowhere", tmp_path / ".pyenv" / "shims") == {}


def test_a_program_that_has_two_names_is_one(tmp_path: Path) -> None:
    real = program(tmp_path / "usr" / "bin" / "python3.12")
    (tmp_path / "bin").symlink_to(tmp_path / "usr" / "bin")
    assert found(tmp_path, tmp_path / "usr" / "bin", tmp_path / "bin") == {"3.12": (real,)}


def test_one_without_the_gil_is_not_taken_for_one_with_it(tmp_path: Path) -> None:
    real = program(tmp_path / "bin" / "python3.14t")
    (tmp_path / "bin" / "python3.14").symlink_to(real)
    assert found(tmp_path, tmp_path / "bin") == {"3.14t": (real,)}


@pytest.mark.parametrize("text", ["3.12", "3.9", "3.14t"])
def test_a_name(text: str) -> None:
    assert is_python_name(text)


@pytest.mark.parametrize("text", ["", "3", "3.", "2.7", "python3.12", "3.12.1", "3.14tt", "3.12\n", " 3.12", "3.1234"])
def test_no_name(text: str) -> None:
    assert not is_python_name(text)


@given(st.lists(st.tuples(st.integers(0, 999), st.booleans()), unique=True))
def test_names_are_sorted_as_versions_and_without_the_gil_after_with(pythons: list[tuple[int, bool]]) -> None:
    names = [f"3.{minor}{'t' * free_threaded}" for minor, free_threaded in pythons]
    assert sorted(names, key=age) == [f"3.{minor}{'t' * free_threaded}" for minor, free_threaded in sorted(pythons)]
