"""`bench run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import project
from harness.cli.ending import display, finish
from harness.cli.options import Blocks, Json, Port, ProfileName, Results, Seed, Strategies, Workloads
from harness.cli.order import order_of
from harness.results.records.errors import UsageError


def run(
    profile: ProfileName = "standard",
    strategy: Strategies = None,
    workload: Workloads = None,
    blocks: Blocks = None,
    seed: Seed = None,
    results: Results = Path("results"),
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="finish this interrupted run")] = None,
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Measure strategies on workloads and write results/<run>/report.html."""
    from harness.measuring.measure import resume_run, start_run
    from harness.results.store import Run

    if resume is not None:
        if strategy or workload or blocks or seed is not None:
            raise UsageError(f"--resume {resume}: goes on with its own plan; leave the other options out")
        with display(as_json) as shown:
            result = resume_run(Run.open(resume), project.root(), port, shown)
        finish(result, (), as_json)
        return
    order, errors = order_of(profile, strategy, workload, blocks, seed, results, port)
    with display(as_json) as shown:
        for error in errors:
            shown.noticed(error)
        result = start_run(order, shown)
    finish(result, errors, as_json)
