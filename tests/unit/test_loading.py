from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.inside.bench_inside.loading import load

_APP = "from .name import NAME\nasync def app(scope, receive, send): ...\napp.name = NAME\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def _made(package: Path, name: str) -> None:
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "name.py").write_text(f"NAME = {name!r}")
    (package / "main.py").write_text(_APP)


def test_a_package_in_src_is_found_as_well(folder: Path) -> None:
    _made(folder / "src" / "loaded_shop", "in src")
    assert load("loaded_shop.main:app", folder).name == "in src"


def test_what_is_in_the_folder_itself_comes_first(folder: Path) -> None:
    _made(folder / "src" / "loaded_shop", "in src")
    _made(folder / "loaded_shop", "in the folder")
    assert load("loaded_shop.main:app", folder).name == "in the folder"
