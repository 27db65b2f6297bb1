"""`bench sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import project
from harness.cli.ending import display, finish
from harness.cli.options import Blocks, Json, Port, ProfileName, Results, Seed, Workloads
from harness.cli.order import order_of


def sweep(
    strategy: Annotated[str, typer.Argument(help="a strategy with PARAMS")],
    param: Annotated[str, typer.Argument(metavar="NAME=V1,V2,...", help="e.g. threads=4,8,16,32")],
    profile: ProfileName = "standard",
    workload: Workloads = None,
    blocks: Blocks = None,
    seed: Seed = None,
    results: Results = Path("results"),
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Measure one strategy with several values of one parameter, against each other and `sync_def`."""
    from dataclasses import replace

    from harness.catalog.variants import swept, variant_of
    from harness.machine.partition import detect
    from harness.measuring.measure import start_run

    order, _ = order_of(profile, [strategy], workload, blocks, seed, results, port)
    cores = detect().target_cores
    made = swept(order.strategies[0], param, cores)
    baseline = tuple(s for s in project.catalog().strategies if s.name == "sync_def" and s.name != strategy)
    order = replace(
        order,
        strategies=(*baseline, *order.strategies),
        variants=(*(variant_of(one, cores) for one in baseline), *made),
    )
    with display(as_json) as shown:
        result = start_run(order, shown)
    finish(result, (), as_json)
