from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.results.records.errors import UsageError
from harness.serving.installed import installed_packages


def _interpreter(folder: Path, script: str) -> str:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_an_environment_says_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('a file of the app')")
    monkeypatch.chdir(tmp_path)
    found = installed_packages(sys.executable)
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert "uvicorn" in found


def test_what_the_user_has_installed_for_himself_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PYTHONUSERBASE", raising=False)
    site = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    made = tmp_path / ".local" / site / "mine-1.2.dist-info"
    made.mkdir(parents=True)
    (made / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.2\n")
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    assert installed_packages(str(base)).get("mine") == "1.2"


def test_a_python_that_is_too_old_is_named_with_what_is_needed(tmp_path: Path) -> None:
    old = _interpreter(tmp_path, """echo '{"python": "3.8.18"}'""")
    with pytest.raises(UsageError, match=r"^--python .*/python: is Python 3\.8\.18; bench needs 3\.9 or newer there$"):
        installed_packages(old)


@pytest.mark.parametrize("script", ["exit 1", "echo", "echo nothing", "echo '[1]'", "echo '{}'"])
def test_what_is_no_python_is_one_line(tmp_path: Path, script: str) -> None:
    with pytest.raises(UsageError, match=r"^--python .*/python: does not run as a Python; name another one$"):
        installed_packages(_interpreter(tmp_path, script))


def test_a_file_that_cannot_be_started_says_why(tmp_path: Path) -> None:
    (tmp_path / "python").write_bytes(b"\x7fELF nothing")
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(UsageError, match=r"does not run as a Python \(Exec format error\)"):
        installed_packages(str(tmp_path / "python"))
