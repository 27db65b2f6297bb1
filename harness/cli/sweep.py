"""`bench sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import project
from harness.cli.ending import display, finish
from harness.cli.options import Baseline, Blocks, Json, Port, ProfileName, Results, Seed, Workloads
from harness.cli.order import check_baseline, order_of

if TYPE_CHECKING:
    from harness.measuring.measure import Order


def sweep(
    strategy: Annotated[str, typer.Argument(help="a strategy with PARAMS")],
    param: Annotated[str, typer.Argument(metavar="NAME=V1,V2,...", help="e.g. threads=4,8,16,32")],
    profile: ProfileName = "standard",
    workload: Workloads = None,
    baseline: Baseline = None,
    blocks: Blocks = None,
    seed: Seed = None,
    results: Results = Path("results"),
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Measure one strategy with several values of one parameter, against each other and a baseline.

    The baseline is `sync_def`, which is measured along, or what --baseline names: another strategy, or one of the
    variants, as `async_thread_pool[threads=8]`.
    """
    from harness.measuring.measure import start_run

    order, errors = order_of(profile, [strategy], workload, blocks, seed, results, port)
    order = _swept_order(order, param, baseline)
    with display(as_json) as shown:
        for error in errors:
            shown.noticed(error)
        result = start_run(order, shown)
    finish(result, errors, as_json)


def _swept_order(order: Order, param: str, baseline: str | None) -> Order:
    """`order`, which is of one strategy, with a variant for each value, and what they are compared with before them."""
    from dataclasses import replace

    from harness.catalog.variants import swept, variant_of
    from harness.machine.partition import detect
    from harness.results.records.baseline import USUAL_BASELINE

    cores = detect().target_cores
    (strategy,) = order.strategies
    made = swept(strategy, param, cores)
    files = {file.name: file for file in project.catalog().strategies}
    check_baseline(baseline, [*(variant.name for variant in made), *files])
    usual = files.get(USUAL_BASELINE) if strategy.name != USUAL_BASELINE else None
    beside = files.get(baseline) if baseline is not None else usual
    if beside is None:
        return replace(order, variants=made, baseline=baseline)
    return replace(
        order,
        strategies=(strategy,) if beside == strategy else (beside, strategy),
        variants=(variant_of(beside, cores), *made),
        baseline=baseline,
    )
