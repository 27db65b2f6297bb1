"""A run and what was added to its report: read, judged, and the claims of all merged."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.ending import with_slices
from harness.results.records.errors import HarnessError, UsageError
from harness.results.records.text import printable

if TYPE_CHECKING:
    from harness.analysis.added_run import Added
    from harness.analysis.evidence import Analysis
    from harness.results.store import Run


def together(run: Run, more: Sequence[Run] = ()) -> tuple[Analysis, Added]:
    """What the report of `run` says, with what was added to it and `more`. One that is gone or broken is a line."""
    from harness.analysis.added_run import Added, AddedRun, with_added_claims
    from harness.analysis.analyse import analyse
    from harness.analysis.likeness import unlike
    from harness.results.added_runs import added_runs
    from harness.results.store import Run, StoreError

    own = run.path.resolve()
    analysis = analyse(run)
    left_out: list[str] = []
    kept: tuple[Path, ...] = ()
    try:
        kept = added_runs(run)
    except StoreError as error:
        left_out.append(f"What was added to this report is left out: {_short(run.path, error)}")
    found: dict[str, AddedRun] = {}
    for path in dict.fromkeys([*(path.resolve() for path in kept), *(other.path.resolve() for other in more)]):
        name = name_of(path)
        if name == name_of(own) or name in found:
            if path != own:
                left_out.append(
                    f"{name}: was added to this report, which has another run of that name; rename a folder"
                )
            continue
        try:
            other = analyse(with_slices(Run.open(path)))
        except HarnessError as error:
            left_out.append(_gone(path, error))
            continue
        left_out.extend(f"{name}: {line.replace(f'{path}/', '')}" for line in other.broken)
        found[name] = AddedRun(name=name, analysis=other, differs=unlike(other.run, analysis.run))
    runs = tuple(found.values())
    return with_added_claims(name_of(own), analysis, runs), Added(runs, tuple(left_out))


def refuse_same_name(run: Run, others: Sequence[Run]) -> None:
    """Raises UsageError: a run is called what its folder is, so no two in one report may be called the same."""
    names = {name_of(run.path): run.path.resolve()}
    for other in others:
        path = other.path.resolve()
        if path == run.path.resolve():
            raise UsageError(f"{other.path}: is the run that it would be added to; name another one")
        if names.setdefault(name_of(path), path) != path:
            raise UsageError(
                f"{other.path}: another run of this report is called {name_of(path)}, too; rename a folder"
            )


def warn_of_added(added: Added) -> None:
    """On stderr, as what could not be read of a run."""
    from harness.report.added_part import added_warnings

    for line in added_warnings(added):
        print(line, file=sys.stderr)


def name_of(path: Path) -> str:
    """A folder's, as it is shown."""
    return printable(path.resolve().name)


def _gone(path: Path, error: HarnessError) -> str:
    if not (path / "run.json").exists():
        return f"{name_of(path)}: was added to this report and is gone; put it back, or take it out of with.json"
    return f"{name_of(path)}: was added to this report and cannot be read: {_short(path, error)}"


def _short(path: Path, error: HarnessError) -> str:
    """Without where the folder is, which a reader of the report does not need to know."""
    return str(error).replace(f"{path}/", "").replace(f"{path}: ", "").replace(str(path), name_of(path))
