"""Said before anything is started."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.cli.app_outputs import check_outputs
from harness.results.records.errors import UsageError


def test_what_can_be_made_is_fine(tmp_path: Path) -> None:
    (tmp_path / "old.xml").touch()
    check_outputs(tmp_path / "new" / "results", {"--page": tmp_path / "page.html", "--junit": tmp_path / "old.xml"})
    check_outputs(None, {"--page": None, "--markdown": Path("summary.md")})


def test_what_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    for results in (tmp_path / "file", tmp_path / "file" / "results"):
        with pytest.raises(UsageError, match=r"^--results .*: cannot be written to; choose another folder"):
            check_outputs(results, {})
    for path in (tmp_path, tmp_path / "missing" / "a.xml", tmp_path / "file" / "a.xml"):
        with pytest.raises(UsageError, match=r"^--junit .*: cannot be written; name a file in a folder that is there"):
            check_outputs(None, {"--page": None, "--junit": path})
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UsageError, match=r"^--results "):
        check_outputs(tmp_path, {})
