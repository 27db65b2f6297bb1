"""What needs another Python is tested where there is one, and named at the end of the tests where there is none."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import msgspec
import pytest

from harness.catalog.catalog import Catalog
from tests.bench_kit import CHECKOUT
from tests.pythons import not_tested, python_for, with_what_targets_need

NEW = [strategy for strategy in Catalog.read(CHECKOUT).strategies if strategy.requires]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python 3.99 with the GIL on the PATH, and one that does not start."""
    for name, said in (("python3.99", {"release": "3.99.1"}), ("python3.98", None)):
        answer = {"implementation": "CPython", "free_threaded": False, "build": "x", **said} if said else ""
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)


@pytest.mark.usefixtures("installed")
def test_the_newest_that_it_can_use_is_taken(tmp_path: Path) -> None:
    found = python_for(">=3.98")
    assert found is not None
    assert (found.path, found.version) == (tmp_path / "python3.99", "3.99.1")
    assert python_for("==3.98.*") is None, "it does not start"
    assert python_for(">=3.98t") is None, "it has the GIL"


@pytest.mark.usefixtures("installed")
def test_ours_is_taken_where_it_will_do() -> None:
    found = python_for(">=3.11")
    assert found is not None and with_what_targets_need(found) == sys.executable


@pytest.mark.usefixtures("installed")
def test_those_that_none_can_run_are_named_with_what_they_need() -> None:
    assert {strategy.name for strategy in NEW} == {"free_threaded", "interpreter_pool"}
    there, absent = (
        msgspec.structs.replace(strategy, requires=requires)
        for strategy, requires in zip(NEW, (">=3.98", ">=3.98t"), strict=True)
    )
    assert not_tested([there, absent]) == (
        f"not tested here: {absent.name} (needs Python >=3.98t): no such Python is on the PATH, and neither pyenv nor "
        "uv has one"
    )
    assert not_tested([there]) == not_tested([]) == ""
