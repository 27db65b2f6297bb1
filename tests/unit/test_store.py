"""What a run folder promises: it is on the disk, also after a power cut, and only one process measures at a time."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from harness.results import store
from harness.results.records.trial_record import TrialSpec
from harness.results.store import Run, RunFolderError, StoreError, only_measuring, write_atomically
from tests.handmade_analysis import run_record
from tests.made_trials import trial

SPEC = TrialSpec(1, 0, "io", "sync_def")


class Disk:
    """What was synced, in order: a file's name; of a folder, the names in it that are durable from then on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, refuses: int | None = None) -> None:
        self.synced: list[tuple[Path, frozenset[str]]] = []
        self._refuses = refuses
        self._fsync = os.fsync
        monkeypatch.setattr(store.os, "fsync", self._record)

    def _record(self, descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        if is_folder and self._refuses is not None:
            raise OSError(self._refuses, os.strerror(self._refuses))
        self._fsync(descriptor)
        self.synced.append((path, frozenset(name.name for name in path.iterdir()) if is_folder else frozenset()))

    def has_name(self, path: Path) -> bool:
        """Whether the name is in a folder that was synced after it had got there."""
        return any(folder == path.parent and path.name in names for folder, names in self.synced)

    def has_content(self, path: Path) -> bool:
        return path in [synced for synced, _ in self.synced]


pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="names descriptors by /proc")


def test_each_folder_of_a_run_and_what_it_holds_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    results = tmp_path / "a" / "results"
    with only_measuring(results):
        run = Run.create(results / "run")
        run.write(run_record())
        attempt = run.new_attempt(SPEC)
        raw = (attempt.latency_path, attempt.probe_dir / "7.jsonl")
        for path in raw:
            path.write_text("data")
        attempt.write(trial("sync_def", 1).record)
    folders = [results.parent, results, run.path, run.path / "trials", attempt.path.parent, attempt.path]
    for path in (*folders, attempt.probe_dir, run.record_path, attempt.record_path, *raw):
        assert disk.has_name(path), path
    for path in raw:
        assert disk.has_content(path), path


def test_the_raw_data_is_on_the_disk_before_the_record_that_calls_it_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = Run.create(tmp_path / "run").new_attempt(SPEC)
    attempt.latency_path.write_text("data")
    disk = Disk(monkeypatch)
    attempt.write(trial("sync_def", 1).record)
    synced = [path for path, names in disk.synced if "trial.json" not in names]
    assert {attempt.latency_path, attempt.probe_dir, attempt.path} <= set(synced)
    last, names = disk.synced[-1]
    assert last == attempt.path and "trial.json" in names


def test_a_trial_costs_few_syncs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.create(tmp_path / "run")
    disk = Disk(monkeypatch)
    run.new_attempt(SPEC).write(trial("sync_def", 1).record)
    folders = [path for path, _ in disk.synced if path.is_dir()]
    assert len(folders) == 3 + 3  # made: trial, attempt, probe; written: probe, attempt, attempt with the record


def test_a_file_system_that_cannot_sync_folders_is_no_reason_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Disk(monkeypatch, refuses=errno.EINVAL)
    write_atomically(tmp_path / "file", b"1")
    assert (tmp_path / "file").read_bytes() == b"1"
    Disk(monkeypatch, refuses=errno.EIO)
    with pytest.raises(StoreError, match="file: cannot be written"):
        write_atomically(tmp_path / "file", b"2")


def test_two_do_not_measure_into_one_folder_at_once(tmp_path: Path) -> None:
    def second() -> None:
        with only_measuring(tmp_path):
            raise AssertionError

    with only_measuring(tmp_path), pytest.raises(RunFolderError, match="another process is measuring into this folder"):
        second()
    with only_measuring(tmp_path):
        pass


def test_a_results_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = pytest.raises(RunFolderError, match=r"--results .*/file/results: not writable \(.*\); choose another")
    with refused, only_measuring(tmp_path / "file" / "results"):
        raise AssertionError
