"""`results/<run>/`: the only link between measuring and judging.

    run.json                              everything known before and around the slices
    summary.csv  report.html              derived; may be deleted and made again
    app.json  check/watch/                of a run of `bench app`; what was seen while it was asked one thing at a time
    sessions/<workload>-<n>/locust.log    what the load generator of a session said
    boots/<workload>-<variant>/<n>/       raw data of one boot
        latency.hlog  arrivals.jsonl  samples.jsonl  probe/<pid>.jsonl  server.log
        boot.json                         written after the raw data of each slice, with all slices so far

Files appear whole or not at all: each is written under another name, synced and renamed, and then its folder is synced.
So it is still there after a power cut; only of a boot that was alive then the last slices may be lost. A boot without
`boot.json` has no slice: it is kept and never read, and the next boot gets the next number.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from harness.results.records.app_record import AppRecord
from harness.results.records.arrival_times import Arrivals
from harness.results.records.boot_record import BootRecord
from harness.results.records.errors import HarnessError, UsageError
from harness.results.records.run_record import RunRecord
from harness.results.records.sample import Sample
from harness.results.records.schema import SCHEMA_VERSION
from harness.results.records.text import to_json
from harness.results.records.variant import slug

_T = TypeVar("_T", bound=Struct)


class StoreError(HarnessError):
    """A results folder that cannot be read or written."""


class RunFolderError(StoreError, UsageError):
    """The folder that was named is not one to write to, or does not hold a run that can be read."""


class _Version(Struct):
    schema_version: int


def write_atomically(path: Path, content: bytes) -> None:
    """Write `path` whole or not at all; when this returns, it is on the disk. Raises StoreError naming the path (disk
    full, not writable)."""
    _replace(path, content, durable=True)


def replace_atomically(path: Path, content: bytes) -> None:
    """As `write_atomically`, but without waiting for the disk: after a power cut the file before it may be there."""
    _replace(path, content, durable=False)


def _replace(path: Path, content: bytes, *, durable: bool) -> None:
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.write(content)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
                Path(file.name).chmod(0o644)
                Path(file.name).replace(path)
            except BaseException:
                with contextlib.suppress(OSError):
                    Path(file.name).unlink()
                raise
        if durable:
            _sync_folder(path.parent)
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be written ({error.strerror}); free space or choose another --results"
        ) from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    """Syncs the names in it: the fsync of a file does not write its name to the disk (see fsync(2))."""
    try:
        _sync(path)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot
            raise


def _make_folder(path: Path) -> None:
    """Makes the folder and its parents. When this returns, the names of all new folders are on the disk."""
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in made:
        _sync_folder(folder.parent)


def _read(path: Path, kind: type[_T]) -> _T:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        version = msgspec.json.decode(content, type=_Version).schema_version
    except (msgspec.MsgspecError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise StoreError(f"{path}: is not a record of ours or was cut off ({error}); move it away") from error
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{path}: schema_version {version} is not {SCHEMA_VERSION}; read it with the release that wrote it"
        )
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, ValueError) as error:
        raise StoreError(f"{path}: does not hold a {kind.__name__} ({error}); move it away") from error


@contextlib.contextmanager
def only_measuring(results: Path) -> Iterator[None]:
    """Locks the folder `results`, so that no other process measures into it: two at once would disturb each other.
    Raises RunFolderError when one does. The kernel removes the lock, however this process ends."""
    path = results / ".measuring"
    try:
        _make_folder(results)
        file = path.open("w")
    except OSError as error:
        raise RunFolderError(f"--results {results}: not writable ({error.strerror}); choose another") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunFolderError(
                f"{results}: another process is measuring into this folder, and two at once would disturb each other; "
                "wait until it has ended"
            ) from error
        yield


class BootFolder:
    """The folder of one boot."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def number(self) -> int:
        return int(self.path.name)

    @property
    def record_path(self) -> Path:
        return self.path / "boot.json"

    @property
    def latency_path(self) -> Path:
        return self.path / "latency.hlog"

    @property
    def arrivals_path(self) -> Path:
        return self.path / "arrivals.jsonl"

    @property
    def samples_path(self) -> Path:
        return self.path / "samples.jsonl"

    @property
    def probe_dir(self) -> Path:
        return self.path / "probe"

    @property
    def log_path(self) -> Path:
        return self.path / "server.log"

    @property
    def has_record(self) -> bool:
        return self.record_path.exists()

    def files(self) -> list[str]:
        """The names of its raw files, sorted; empty when the folder is gone."""
        if not self.path.is_dir():
            return []
        return sorted(path.name for path in self.path.iterdir() if path.is_file() and not path.name.startswith("."))

    def save(self, record: BootRecord) -> None:
        """The record so far: whole, also when this process is killed. For a boot that goes on."""
        replace_atomically(self.record_path, to_json(record))

    def write(self, record: BootRecord) -> None:
        """The record of a boot that has ended. Even if the power fails it is there, with all its raw data."""
        try:
            for path in (*self.path.iterdir(), *self.probe_dir.iterdir()):
                if path.is_file():
                    _sync(path)
            for folder in (self.probe_dir, self.path):
                _sync_folder(folder)
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be written ({error.strerror}); free space and --resume") from error
        write_atomically(self.record_path, to_json(record))

    def read(self) -> BootRecord:
        return _read(self.record_path, BootRecord)

    def samples(self) -> list[Sample]:
        """All samples in order; a last line that was cut off is left out."""
        return read_lines(self.samples_path, Sample)

    def arrivals(self) -> list[Arrivals]:
        return read_lines(self.arrivals_path, Arrivals)


def read_lines(path: Path, kind: type[_T]) -> list[_T]:
    """The records of a `.jsonl` file; a missing file is empty, a line that was cut off is left out."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error
    decoder = msgspec.json.Decoder(kind)
    records: list[_T] = []
    for line in lines:
        with contextlib.suppress(msgspec.MsgspecError):
            records.append(decoder.decode(line))
    return records


class Run:
    """One folder of `results/`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> Run:
        try:
            path.mkdir(parents=True)
            _sync_folder(path.parent)
            _make_folder(path / "boots")
        except OSError as error:
            raise RunFolderError(f"--results {path.parent}: not writable ({error.strerror}); choose another") from error
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> Run:
        if not (path / "run.json").exists():
            raise RunFolderError(f"{path}: no run.json there; name a folder that `bench run` wrote")
        return cls(path)

    def discard(self) -> None:
        """Remove the folder and all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    @property
    def record_path(self) -> Path:
        return self.path / "run.json"

    @property
    def report_path(self) -> Path:
        return self.path / "report.html"

    @property
    def summary_path(self) -> Path:
        return self.path / "summary.csv"

    def write(self, record: RunRecord) -> None:
        write_atomically(self.record_path, to_json(record))

    def read(self) -> RunRecord:
        try:
            return _read(self.record_path, RunRecord)
        except StoreError as error:
            raise RunFolderError(str(error)) from error

    @property
    def app_path(self) -> Path:
        return self.path / "app.json"

    def watch_dir(self, part: Literal["check", "loaded"]) -> Path:
        """Of the app that was asked one request at a time, or for much at once."""
        return self.path / part / "watch"

    def read_app(self) -> AppRecord | None:
        """None: the run is not about somebody's own app."""
        return _read(self.app_path, AppRecord) if self.app_path.exists() else None

    def boots(self, workload: str, variant: str) -> list[BootFolder]:
        """Every boot of a variant on a workload, with a record or without, oldest first."""
        folder = self.boots_of(workload, variant)
        if not folder.is_dir():
            return []
        found = [BootFolder(path) for path in folder.iterdir() if path.is_dir() and path.name.isdigit()]
        return sorted(found, key=lambda boot: boot.number)

    def new_boot(self, workload: str, variant: str) -> BootFolder:
        boots = self.boots(workload, variant)
        number = boots[-1].number + 1 if boots else 1
        boot = BootFolder(self.boots_of(workload, variant) / str(number))
        try:
            _make_folder(boot.probe_dir)
        except OSError as error:
            raise StoreError(f"{boot.path}: cannot be made ({error.strerror}); free space and --resume") from error
        return boot

    def recorded_boots(self, on_broken: Callable[[StoreError], None]) -> Iterator[tuple[BootFolder, BootRecord]]:
        """Every boot that has a readable record: of each workload and variant of the run, oldest first.

        A record that was cut off or is of another version goes to `on_broken`, and the others are read anyway.
        """
        record = self.read()
        for workload in record.workloads:
            for variant in record.variants:
                for boot in self.boots(workload.name, variant.name):
                    if boot.has_record:
                        try:
                            yield boot, boot.read()
                        except StoreError as error:
                            on_broken(error)

    def session_folder(self, workload: str, number: int) -> Path:
        """Where the load generator of a session writes its log."""
        folder = self.path / "sessions" / f"{workload}-{number}"
        try:
            _make_folder(folder)
        except OSError as error:
            raise StoreError(f"{folder}: cannot be made ({error.strerror}); free space and --resume") from error
        return folder

    def boots_of(self, workload: str, variant: str) -> Path:
        return self.path / "boots" / f"{workload}-{slug(variant)}"
