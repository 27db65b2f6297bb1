"""Finds strategies in `targets/` and workloads in `scenarios/`; nothing is imported and nothing registered.

A file that cannot be read as one is *broken*: it is named with its error and does not hide the others.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from harness.catalog.nearest_name import nearest
from harness.catalog.strategy_file import read_strategy
from harness.catalog.workload_file import read_workload
from harness.results.records.errors import UsageError
from harness.results.records.strategy import Strategy
from harness.results.records.values import Name
from harness.results.records.workload import Workload
from harness.services.service_files import SERVICES_FOLDER

TARGETS = "targets"
SCENARIOS = "scenarios"

_T = TypeVar("_T", Strategy, Workload)


class BrokenFile(Struct, frozen=True):
    """A file that cannot be read as a strategy or a workload. `error` is one line: file, line, key, value, what to
    do."""

    name: str
    error: str


class Catalog(Struct, frozen=True):
    """What the project at `root` holds, each part sorted by name."""

    root: Path
    strategies: tuple[Strategy, ...]
    workloads: tuple[Workload, ...]
    broken_strategies: tuple[BrokenFile, ...] = ()
    broken_workloads: tuple[BrokenFile, ...] = ()

    @classmethod
    def read(cls, root: Path, services_folder: Path = SERVICES_FOLDER) -> Catalog:
        """`services_folder`: where the services are that workloads may name."""
        strategies, broken_strategies = _folder(root, TARGETS, read_strategy)
        workloads, broken_workloads = _folder(
            root, SCENARIOS, lambda path, shown: read_workload(path, shown, services_folder)
        )
        return cls(root, strategies, workloads, broken_strategies, broken_workloads)

    @property
    def errors(self) -> tuple[str, ...]:
        """One line per broken file."""
        return tuple(broken.error for broken in (*self.broken_strategies, *self.broken_workloads))

    def errors_beside(self, strategies: Sequence[str], workloads: Sequence[str]) -> tuple[str, ...]:
        """One line for each broken file that a selection of these names leaves out. It leaves out files only where no
        names were given: a broken file that was named is an error."""
        unnamed = (*(() if strategies else self.broken_strategies), *(() if workloads else self.broken_workloads))
        return tuple(broken.error for broken in unnamed)

    def select_strategies(self, names: Sequence[str]) -> tuple[Strategy, ...]:
        """The strategies of these names; without names, all that are not broken. Raises UsageError for an unknown name,
        for a broken file, and when there is none."""
        return _select(self.strategies, self.broken_strategies, names, "strategy", TARGETS)

    def select_workloads(self, names: Sequence[str]) -> tuple[Workload, ...]:
        """As `select_strategies`."""
        return _select(self.workloads, self.broken_workloads, names, "workload", SCENARIOS)

    def applicable_strategies(self, names: Sequence[str], workloads: Sequence[Workload]) -> tuple[Strategy, ...]:
        """As `select_strategies`. Without names, those are left out that need a service which no workload starts."""
        found = self.select_strategies(names)
        started = {service for workload in workloads for service in workload.services}
        return found if names else tuple(strategy for strategy in found if started.issuperset(strategy.services))


def project_root(cwd: Path) -> Path:
    """`cwd` when it has `targets/` and `scenarios/`, else the checkout that this package is in. Raises UsageError when
    neither has them."""
    checkout = Path(__file__).resolve().parents[2]
    for root in (cwd, checkout):
        if (root / TARGETS).is_dir() and (root / SCENARIOS).is_dir():
            return root
    raise UsageError(f"{cwd}: has no {TARGETS}/ and {SCENARIOS}/; change to a checkout of the project")


def check_name(name: str, of: str) -> None:
    """Raises UsageError, which begins with `of`, when a strategy or workload cannot have this name."""
    try:
        msgspec.convert(name, Name)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"{of}: a name begins with a letter and has only a-z, 0-9 and _, at most 64 of them; choose another"
        ) from error


def _folder(root: Path, folder: str, read: Callable[[Path, str], _T]) -> tuple[tuple[_T, ...], tuple[BrokenFile, ...]]:
    found: list[_T] = []
    broken: list[BrokenFile] = []
    try:
        paths = sorted((root / folder).iterdir())
    except OSError as error:
        raise UsageError(f"{root / folder}: cannot be listed ({error.strerror}); make it readable") from error
    shared = [path for path in paths if path.suffix == ".py" and path.name.startswith("_")]
    for path in paths:
        if path.suffix != ".py" or path.name[0] in "_.":  # "_": shared modules; ".": temporary files of editors
            continue
        shown = f"{folder}/{path.name}" if path.name.isprintable() else f"{folder}/{path.name!a}"
        try:
            check_name(path.stem, of=shown)
            found.append(msgspec.structs.replace(read(path, shown), digest=_digest(path, shared)))
        except UsageError as error:
            broken.append(BrokenFile(name=path.stem, error=str(error)))
    return tuple(found), tuple(broken)


def _digest(path: Path, shared: Sequence[Path]) -> str:
    """Changes when the code that a slice runs changes. A file that cannot be read is reported elsewhere."""
    digest = hashlib.sha256()
    for source in (path, *shared):
        with contextlib.suppress(OSError):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _select(
    found: Sequence[_T], broken: Sequence[BrokenFile], names: Sequence[str], what: str, folder: str
) -> tuple[_T, ...]:
    errors = {entry.name: entry.error for entry in broken}
    known = [entry.name for entry in found]
    for name in names:
        if name in errors:
            raise UsageError(errors[name])
        if name not in known:
            raise UsageError(f"{what} {name!r}: there is no {folder}/{name}.py; {nearest(name, known)}")
    if not found:
        raise UsageError(f"{folder}/: has no {what} that can be read; {'; '.join(errors.values()) or 'add a file'}")
    return tuple(entry for entry in found if not names or entry.name in names)
