"""`bench report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.ending import with_slices, write_report
from harness.cli.newest import newest_run
from harness.cli.options import Json, RunPath
from harness.cli.together import refuse_same_name


def report(
    path: RunPath = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option(
            "--with", metavar="RUN", help="show the sweeps and claims of this run, too, from now on; repeat for more"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write report.html and summary.csv again from the raw results; measures nothing.

    What --with names is kept in the run's with.json, so that the next `bench report` shows it, too.
    """
    from harness.results.added_runs import add_runs
    from harness.results.store import Run

    run = with_slices(Run.open(path or newest_run()))
    if beside:
        others = [with_slices(Run.open(other)) for other in beside]
        refuse_same_name(run, others)
        add_runs(run, others)
    write_report(run, as_json)
