"""What a run folder promises: it is on the disk, also after a power cut, and only one process measures at a time."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import msgspec
import pytest

from harness.results import store
from harness.results.records.schema import SCHEMA_VERSION
from harness.results.store import Run, RunFolderError, StoreError, only_measuring, write_atomically
from tests.handmade_analysis import run_record
from tests.made_slices import boot, slice

BOOT = boot(slice("sync_def", 0).record, slice("sync_def", 1).record)


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
        folder = run.new_boot("io", "sync_def")
        raw = (folder.latency_path, folder.probe_dir / "7.jsonl")
        for path in raw:
            path.write_text("data")
        folder.write(BOOT)
        session = run.session_folder("io", 1)
    folders = [results.parent, results, run.path, run.path / "boots", folder.path.parent, folder.path, session]
    for path in (*folders, folder.probe_dir, run.record_path, folder.record_path, *raw):
        assert disk.has_name(path), path
    for path in raw:
        assert disk.has_content(path), path


def test_the_raw_data_is_on_the_disk_before_the_record_of_a_boot_that_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Run.create(tmp_path / "run").new_boot("io", "sync_def")
    folder.latency_path.write_text("data")
    disk = Disk(monkeypatch)
    folder.write(BOOT)
    synced = [path for path, names in disk.synced if "boot.json" not in names]
    assert {folder.latency_path, folder.probe_dir, folder.path} <= set(synced)
    last, names = disk.synced[-1]
    assert last == folder.path and "boot.json" in names


def test_a_boot_costs_few_syncs_and_a_slice_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.create(tmp_path / "run")
    disk = Disk(monkeypatch)
    folder = run.new_boot("io", "sync_def")
    made = len(disk.synced)
    assert made == 3, "of the variant, the boot, the probe"
    folder.save(BOOT)
    folder.save(BOOT)
    assert len(disk.synced) == made, "neighbours are being measured"
    folder.write(BOOT)
    folders = [path for path, _ in disk.synced[made:] if path.is_dir()]
    assert len(folders) == 3, "the probe's, the boot's, and the boot's again with the record"


def test_after_each_slice_the_record_has_all_slices_so_far(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run")
    run.write(run_record())
    folder = run.new_boot("io", "sync_def")
    slices = [slice("sync_def", n).record for n in (0, 1, 2)]
    alive = boot(number=1, ended="", lived_s=0.0)
    for many in range(4):
        record = msgspec.structs.replace(alive, slices=tuple(slices[:many]))
        folder.save(record)
        assert folder.read() == record
        assert [found for _, found in run.recorded_boots(lambda error: None)] == [record]
    assert folder.files() == ["boot.json"], "nothing is left over of the records before"


def test_boots_are_numbered_within_their_cell_also_where_one_has_no_record(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run")
    run.write(run_record())
    cut_off = run.new_boot("io", "sync_def")
    cut_off.latency_path.write_text("cut off")
    second, other = run.new_boot("io", "sync_def"), run.new_boot("io", "pure_async")
    second.write(boot(number=2))
    other.write(boot(number=1, variant="pure_async"))
    assert [each.number for each in run.boots("io", "sync_def")] == [1, 2]
    assert [(each.number, each.has_record) for each in run.boots("io", "pure_async")] == [(1, True)]
    found = [(folder.path, record.number) for folder, record in run.recorded_boots(lambda error: None)]
    assert found == [(second.path, 2), (other.path, 1)]
    assert run.new_boot("io", "sync_def").number == 3


def test_ten_boots_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run")
    made = [run.new_boot("io", "pool[threads=8]").number for _ in range(11)]
    assert made == [boot.number for boot in run.boots("io", "pool[threads=8]")] == list(range(1, 12))
    (run.boots_of("io", "pool[threads=8]") / "notes").mkdir()
    assert len(run.boots("io", "pool[threads=8]")) == 11


@pytest.mark.parametrize("version", [1, 2, 99])
def test_another_layout_is_refused_by_its_version(tmp_path: Path, version: int) -> None:
    """Its fields may be others: the version is read first."""
    run = Run.create(tmp_path / "run")
    line = f"schema_version {version} is not {SCHEMA_VERSION}; read it with the release that wrote it"
    run.record_path.write_text(f'{{"schema_version": {version}, "blocks": 3}}')
    with pytest.raises(RunFolderError, match=f"run.json: {line}"):
        run.read()
    run.write(run_record())
    old, new = run.new_boot("io", "sync_def"), run.new_boot("io", "sync_def")
    old.record_path.write_text(f'{{"schema_version": {version}, "trial": 1}}')
    new.write(boot(number=2))
    broken: list[StoreError] = []
    assert [record.number for _, record in run.recorded_boots(broken.append)] == [2]
    assert [str(error) for error in broken] == [f"{old.record_path}: {line}"]


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
