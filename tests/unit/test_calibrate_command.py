"""`bench calibrate` and a run would make each other's figures wrong."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from harness.calibration import calibration
from harness.calibration.calibration_record import Calibration
from harness.cli.calibrate import calibrate
from harness.results.store import RunFolderError, only_measuring


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else measures on it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


REFUSED = r"^.*: another process is measuring into this folder, .*until it has ended$"


def test_it_is_refused_beside_a_run_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(*_: object) -> Calibration:
        raise AssertionError

    monkeypatch.setattr(calibration, "calibrate_generator", measure)
    with only_measuring(tmp_path), pytest.raises(RunFolderError, match=REFUSED):
        calibrate(results=tmp_path)


def test_no_run_begins_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(*_: object) -> Calibration:
        with only_measuring(tmp_path):
            raise AssertionError

    monkeypatch.setattr(calibration, "calibrate_generator", measure)
    with pytest.raises(RunFolderError, match=REFUSED):
        calibrate(results=tmp_path)


def test_a_results_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match=r"--results .*: not writable \(.*\); choose another"):
        calibrate(results=tmp_path / "file" / "results")
