"""`bench compare`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.ending import with_slices
from harness.cli.exit_codes import EXIT_GATE
from harness.cli.options import Json


def compare(
    before: Annotated[Path, typer.Argument(help="a folder of results/")],
    after: Annotated[Path, typer.Argument(help="another folder of results/")],
    max_regression: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            metavar="PERCENT",
            help="exit 1 when a capacity fell for certain, and by more than this, or a strategy began to fail",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare the capacities of two runs, cell by cell."""
    import msgspec

    from harness.analysis.analyse import analyse
    from harness.analysis.regression import compare_runs, refuse_nothing_in_common, refuse_other_work
    from harness.results.store import Run

    then, now = (analyse(with_slices(Run.open(path))) for path in (before, after))
    refuse_nothing_in_common(then, now)
    refuse_other_work(then.run, now.run)
    for line in (*then.broken, *now.broken):
        print(line, file=sys.stderr)
    rows = compare_runs(then, now, max_regression)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(rows), indent=1).decode())
    else:
        for row in rows:
            print(row.line())
    if any(row.gate_failed for row in rows):
        raise typer.Exit(EXIT_GATE)
