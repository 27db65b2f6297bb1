"""The user's files as they were when their lines ran."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.analysis.app_check import checked
from harness.results.records.request_line import RequestLine
from harness.results.records.route_answer import RouteAnswer
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


def test_no_credential_is_kept_in_a_path(tmp_path: Path) -> None:
    line = RequestLine(1, "GET", "/reset/hunter2", "/reset/{token}", "def", 0, 200, 1.0, 1.0, 0.0)
    other = msgspec.structs.replace(line, path="/orders/2", template="/orders/{order}")
    (tmp_path / "7.requests.jsonl").write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in (line, other)))
    WatchFiles.read(tmp_path).keep(tmp_path)
    assert not [path for path in tmp_path.iterdir() if b"hunter2" in path.read_bytes()]
    kept = WatchFiles.read(tmp_path).requests
    assert kept == (msgspec.structs.replace(line, path="/reset/***"), other)
    answer = RouteAnswer("GET", "/reset/{token}", "/reset/***", 200)
    for requests in ([line, other], kept):
        assert [row.service_ms for row in checked([answer], [], requests, {}).routes] == [1.0]
