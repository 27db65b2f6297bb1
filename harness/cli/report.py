"""`bench report`."""

from __future__ import annotations

from pathlib import Path

from harness.cli.ending import with_slices, write_report
from harness.cli.options import Json, RunPath
from harness.results.records.errors import UsageError

_EXAMPLE = "example"  # comes with the repository; in a fresh clone its files are newer than any run


def report(path: RunPath = None, as_json: Json = False) -> None:
    """Write report.html and summary.csv again from the raw results; measures nothing."""
    from harness.results.store import Run

    write_report(with_slices(Run.open(path or newest_run())), as_json)


def newest_run() -> Path:
    runs = sorted(path.parent for path in Path("results").glob("*/run.json") if path.parent.name != _EXAMPLE)
    if not runs:
        raise UsageError(f"RUN: results/ holds no run of yours; `bench run` makes one, or name results/{_EXAMPLE}")
    return max(runs, key=lambda path: (path / "run.json").stat().st_mtime)
