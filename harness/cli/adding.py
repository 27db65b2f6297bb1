"""How a sweep gets into the report of another run when it has been measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.ending import with_slices
from harness.cli.newest import newest_like

if TYPE_CHECKING:
    from harness.results.store import Run

NEWEST = "newest"


def check_add_to(add_to: str | None) -> None:
    """Raises UsageError when there is no such run, before anything is measured."""
    from harness.results.store import Run

    if add_to is not None and add_to != NEWEST:
        with_slices(Run.open(Path(add_to)))


def add_sweep(sweep: Run, add_to: str) -> str:
    """Adds it to the report of that run, or of the newest one, and says so in a line. Raises HarnessError when it
    cannot."""
    from harness.cli.together import together, warn_of_added
    from harness.report import page
    from harness.results.added_runs import add_runs
    from harness.results.store import Run

    run = newest_like(sweep) if add_to == NEWEST else Run.open(Path(add_to))
    if run is None:
        return (
            f"not added to another report: {sweep.path.parent} holds no run that `bench run` has measured on this "
            "machine with this code"
        )
    add_runs(run, [sweep])
    analysis, added = together(run)
    path = page.write_page(run, analysis, added)
    warn_of_added(added)
    return f"added to: {path}"
