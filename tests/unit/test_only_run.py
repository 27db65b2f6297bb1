"""Only one process measures on a machine."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from harness.machine.only_run import AnotherRunError, alone_on_this_machine


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_a_second_one_is_refused_in_one_line_until_the_first_has_ended(tmp_path: Path) -> None:
    def second() -> None:
        with alone_on_this_machine():
            raise AssertionError

    with (
        alone_on_this_machine(),
        pytest.raises(AnotherRunError, match="another process is measuring on this machine") as no,
    ):
        second()
    assert "\n" not in str(no.value)
    assert str(tmp_path / "fastapi-bench.measuring") in str(no.value)
    with alone_on_this_machine():
        pass


def test_a_failure_inside_ends_the_lock(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), alone_on_this_machine():
        raise ZeroDivisionError
    with alone_on_this_machine():
        pass


def test_a_link_that_somebody_put_there_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "fastapi-bench.measuring").symlink_to(tmp_path / "precious")
    with alone_on_this_machine():
        assert (tmp_path / "precious").read_text() == "mine"


def test_without_a_folder_for_temporary_files_nothing_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with alone_on_this_machine(), alone_on_this_machine():
        pass
