"""`bench sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.ending import display, finish
from harness.cli.options import (
    Baseline,
    Budget,
    Json,
    Port,
    PostgresUrl,
    Precision,
    ProfileName,
    Results,
    Rounds,
    Seed,
    Workloads,
)
from harness.cli.order import order_of, swept_order


def sweep(
    strategy: Annotated[str, typer.Argument(help="a strategy with PARAMS")],
    param: Annotated[str, typer.Argument(metavar="NAME=V1,V2,...", help="e.g. threads=4,8,16,32")],
    profile: ProfileName = "standard",
    workload: Workloads = None,
    baseline: Baseline = None,
    rounds: Rounds = None,
    budget: Budget = None,
    precision: Precision = None,
    seed: Seed = None,
    results: Results = Path("results"),
    port: Port = None,
    postgres_url: PostgresUrl = None,
    as_json: Json = False,
) -> None:
    """Measure one strategy with several values of one parameter, against each other and a baseline.

    The baseline is `sync_def`, which is then measured too. --baseline names another one: a strategy, or one of the
    variants, such as `async_thread_pool[threads=8]`.
    """
    from harness.machine.only_run import alone_on_this_machine
    from harness.measuring.measure import start_run

    order, errors = order_of(
        profile, [strategy], workload, rounds, seed, results, port, budget, precision, postgres_url=postgres_url
    )
    order = swept_order(order, param, baseline)
    with alone_on_this_machine(), display(as_json) as shown:
        for error in errors:
            shown.noticed(error)
        result = start_run(order, shown)
    finish(result, errors, as_json)
