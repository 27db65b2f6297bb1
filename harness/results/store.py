"""`results/<run>/`: the only link between measuring and judging.

    run.json                              everything known before and around the trials
    summary.csv  report.html              derived; may be deleted and made again
    trials/<trial id>/<attempt>/          raw data of one attempt
        latency.hlog  arrivals.jsonl  samples.jsonl  probe/<pid>.jsonl  server*.log  locust.log
        trial.json                        written last: its presence means the attempt is complete

Files appear whole or not at all: each is written under another name, synced and renamed, and then its folder is synced.
So it is still there after a power cut. An attempt without `trial.json` was interrupted: it is kept and never read, and
the next attempt gets the next number.
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
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from harness.results import old_layouts
from harness.results.records.arrival_times import Arrivals
from harness.results.records.errors import HarnessError, UsageError
from harness.results.records.run_record import RunRecord
from harness.results.records.sample import Sample
from harness.results.records.schema import SCHEMA_VERSION
from harness.results.records.text import to_json
from harness.results.records.trial_record import TrialRecord, TrialSpec

_T = TypeVar("_T", bound=Struct)


class StoreError(HarnessError):
    """A results folder that cannot be read or written."""


class RunFolderError(StoreError, UsageError):
    """The folder that was named is not one to write to, or does not hold a run that can be read."""


class _Version(Struct):
    schema_version: int


_CONVERTERS: dict[type, Callable[[dict[str, Any]], dict[str, Any]]] = {
    RunRecord: old_layouts.to_current_run,
    TrialRecord: old_layouts.to_current_trial,
}


def write_atomically(path: Path, content: bytes) -> None:
    """Write `path` whole or not at all; when this returns, it is on the disk. Raises StoreError naming the path (disk
    full, not writable)."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).chmod(0o644)
                Path(file.name).replace(path)
            except BaseException:
                with contextlib.suppress(OSError):
                    Path(file.name).unlink()
                raise
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
        if version == old_layouts.CONVERTED and kind in _CONVERTERS:
            content = msgspec.json.encode(_CONVERTERS[kind](msgspec.json.decode(content)))
            version = SCHEMA_VERSION
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


class Attempt:
    """The folder of one attempt at a trial."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def number(self) -> int:
        return int(self.path.name)

    @property
    def record_path(self) -> Path:
        return self.path / "trial.json"

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
    def is_complete(self) -> bool:
        return self.record_path.exists()

    def files(self) -> list[str]:
        """The names of its raw files, sorted; empty when the folder is gone."""
        if not self.path.is_dir():
            return []
        return sorted(path.name for path in self.path.iterdir() if path.is_file() and not path.name.startswith("."))

    def write(self, record: TrialRecord) -> None:
        """After this the attempt is complete, even if the power fails: its raw data is written to the disk first."""
        try:
            for path in (*self.path.iterdir(), *self.probe_dir.iterdir()):
                if path.is_file():
                    _sync(path)
            for folder in (self.probe_dir, self.path):
                _sync_folder(folder)
        except OSError as error:
            raise StoreError(f"{self.path}: cannot be written ({error.strerror}); free space and --resume") from error
        write_atomically(self.record_path, to_json(record))

    def read(self) -> TrialRecord:
        return _read(self.record_path, TrialRecord)

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
            _make_folder(path / "trials")
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

    def attempts(self, spec: TrialSpec) -> list[Attempt]:
        """Every attempt at a trial, complete or not, oldest first."""
        folder = self.path / "trials" / spec.id
        if not folder.is_dir():
            return []
        found = [Attempt(path) for path in folder.iterdir() if path.is_dir() and path.name.isdigit()]
        return sorted(found, key=lambda attempt: attempt.number)

    def next_attempt(self, spec: TrialSpec) -> int:
        """The number that `new_attempt` would give."""
        attempts = self.attempts(spec)
        return attempts[-1].number + 1 if attempts else 1

    def new_attempt(self, spec: TrialSpec) -> Attempt:
        attempt = Attempt(self.path / "trials" / spec.id / str(self.next_attempt(spec)))
        try:
            _make_folder(attempt.probe_dir)
        except OSError as error:
            raise StoreError(f"{attempt.path}: cannot be made ({error.strerror}); free space and --resume") from error
        return attempt

    def complete_attempts(self, on_broken: Callable[[StoreError], None]) -> Iterator[tuple[Attempt, TrialRecord]]:
        """Every attempt that has a readable record, in the order of the plan.

        A record that was cut off or is of another version goes to `on_broken`, and the others are read anyway.
        """
        for spec in self.read().plan:
            for attempt in self.attempts(spec):
                if not attempt.is_complete:
                    continue
                try:
                    yield attempt, attempt.read()
                except StoreError as error:
                    on_broken(error)
