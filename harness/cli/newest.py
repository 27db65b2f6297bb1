"""The newest runs: what a command reads when nobody names a run, and what a sweep is added to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.ending import with_slices
from harness.results.records.errors import HarnessError, UsageError

if TYPE_CHECKING:
    from harness.results.records.run_record import RunRecord
    from harness.results.store import Run

_RESULTS = Path("results")
_EXAMPLE = "example"  # comes with the repository; in a fresh clone its files are newer than any run


def newest_run() -> Path:
    """The one that was measured last. Where it was added to the report of another one, that one, which has both."""
    runs = _runs_in(_RESULTS)
    if not runs:
        raise UsageError(f"RUN: results/ holds no run of yours; `bench run` makes one, or name results/{_EXAMPLE}")
    newest = max(runs, key=_written_at)
    with_it = [path for path in runs if newest.resolve() in _added_to(path)]
    return max(with_it or [newest], key=_written_at)


def newest_like(sweep: Run) -> Run | None:
    """The newest beside `sweep` that `bench run` has measured on the same machine, with the same instrument."""
    from harness.results.store import Run

    record = sweep.read()
    found: list[tuple[float, Path]] = []
    for path in _runs_in(sweep.path.parent):
        try:
            other = with_slices(Run.open(path)).read()
        except HarnessError:  # broken or without a slice: nothing to add to
            continue
        if _is_of_bench_run(other) and _is_measured_alike(other, record):
            found.append((other.created_epoch_s, path))
    return Run.open(max(found)[1]) if found else None


def _is_of_bench_run(record: RunRecord) -> bool:
    return record.command.split()[:2] == ["bench", "run"]


def _is_measured_alike(one: RunRecord, other: RunRecord) -> bool:
    from harness.analysis.likeness import is_same_machine

    return one.instrument == other.instrument and is_same_machine(one.environment, other.environment)


def _runs_in(results: Path) -> list[Path]:
    return sorted(path.parent for path in results.glob("*/run.json") if path.parent.name != _EXAMPLE)


def _written_at(path: Path) -> float:
    return (path / "run.json").stat().st_mtime


def _added_to(path: Path) -> tuple[Path, ...]:
    from harness.results.added_runs import added_runs
    from harness.results.store import Run, StoreError

    try:
        return tuple(each.resolve() for each in added_runs(Run(path)))
    except StoreError:  # said where that run is read
        return ()
