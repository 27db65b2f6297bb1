"""The user's files as they were when their lines ran."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.results.store import StoreError
from harness.results.watch_files import WatchFiles
from tests.unit.test_blocking_lines import WAITING, stretch


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A file, and a record of a line in it that blocked."""
    path = tmp_path / "app.py"
    path.write_text("time.sleep(1)\n")
    made = stretch(msgspec.structs.replace(WAITING, file=str(path)))
    (tmp_path / "7.stretches.jsonl").write_bytes(msgspec.json.encode(made) + b"\n")
    return path


def test_what_was_kept_is_read_though_the_file_has_changed_or_is_gone(app: Path, tmp_path: Path) -> None:
    read = WatchFiles.read(tmp_path)
    assert read.sources == {str(app): "time.sleep(1)\n"}
    read.keep(tmp_path)
    app.write_text("await asyncio.sleep(1)\n")
    assert WatchFiles.read(tmp_path) == read
    app.unlink()
    assert WatchFiles.read(tmp_path) == read


def test_a_file_that_was_not_kept_is_read_where_it_is_or_is_empty(app: Path, tmp_path: Path) -> None:
    app.unlink()
    assert WatchFiles.read(tmp_path).sources == {str(app): ""}


def test_a_copy_that_was_cut_off_is_one_line(app: Path, tmp_path: Path) -> None:
    (tmp_path / "sources.json").write_text('{"a')
    with pytest.raises(StoreError, match=r"sources\.json: is not a record of ours or was cut off"):
        WatchFiles.read(tmp_path)
