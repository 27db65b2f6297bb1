from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harness.results.records.errors import UsageError
from harness.serving.own_app import own_app


@pytest.mark.parametrize("app", ["main", "main.py:app", "a/b:app", ":app", "main:", "main:app()"])
def test_what_is_no_app_is_one_line_with_an_example(tmp_path: Path, app: str) -> None:
    with pytest.raises(UsageError, match=r"is not MODULE:APP; .*such as shop.main:app"):
        own_app(app, tmp_path)


def test_a_folder_and_an_interpreter_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--dir .*/nowhere: is no folder; name the one that 'shop' is imported from"):
        own_app("shop.main:app", tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"^--python .*: is no interpreter and no virtual environment"):
        own_app("shop:app", tmp_path, python=tmp_path)


def test_a_folder_whose_name_is_not_utf8_is_refused_through_a_link_too(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes no such name")
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(UsageError, match=r"^--dir .*/caf\N{REPLACEMENT CHARACTER}: its name is not UTF-8; rename it$"):
        own_app("shop:app", tmp_path / "link")


def test_an_interpreter_on_the_path_is_known_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python3.99").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert own_app("shop:app", tmp_path, python=Path("python3.99")).interpreter == str(tmp_path / "python3.99")
    with pytest.raises(UsageError, match=r"^--python python3.98: is no interpreter"):
        own_app("shop:app", tmp_path, python=Path("python3.98"))


def test_the_interpreter_of_an_environment_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    for given in (tmp_path, tmp_path / "bin" / "python"):
        assert own_app("shop:app", tmp_path, python=given).interpreter == str(tmp_path / "bin" / "python")
