"""A change to the code that measures is another instrument; a change to the code that judges or draws is none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.machine import instrument

HARNESS = Path(instrument.__file__).parents[1]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "harness"
    shutil.copytree(HARNESS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(instrument, "_HARNESS", folder)
    return folder


def test_any_module_that_runs_in_a_slice_counts(copy: Path) -> None:
    seen = {instrument.digest_of(instrument.MEASURING)}
    rooms = [
        "driving",
        "inside",
        "machine",
        "measuring",
        "processes",
        "sampling",
        "services",
        "serving",
        "results/records",
    ]
    modules = ["plan.py", "scenario.py", "results/store.py", *(f"{room}/__init__.py" for room in rooms)]
    modules += ["driving/inside/client.py", "measuring/slice.py", "results/records/schedule.py"]
    for name in modules:
        with (copy / name).open("a") as file:
            file.write("# changed\n")
        digest = instrument.digest_of(instrument.MEASURING)
        assert digest not in seen, name
        seen.add(digest)
    (copy / "driving" / "another.py").touch()
    assert instrument.digest_of(instrument.MEASURING) not in seen


def test_what_can_be_done_again_from_the_raw_data_does_not_count(copy: Path) -> None:
    before = instrument.digest_of(instrument.MEASURING)
    for name in ("report/page.py", "analysis/cells.py", "judging/validity.py", "cli/run.py"):
        with (copy / name).open("a") as file:
            file.write("# changed\n")
    (copy / "driving" / "notes.txt").touch()
    assert instrument.digest_of(instrument.MEASURING) == before


def test_every_part_is_there() -> None:
    """A part that was moved would silently count no more."""
    for part in (*instrument.MEASURING, *instrument.GENERATING):
        path = HARNESS / part
        assert path.is_file() or list(path.rglob("*.py")), part
