"""`bench sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.adding import NEWEST, check_add_to
from harness.cli.ending import display, finish
from harness.cli.options import (
    Baseline,
    Budget,
    Clients,
    Json,
    Loops,
    Parsers,
    Port,
    PostgresUrl,
    Precision,
    ProfileName,
    Pythons,
    Results,
    Rounds,
    Seed,
    Servers,
    Workloads,
)
from harness.cli.order import order_of, sweeps_asked_for, swept_order


def sweep(
    swept: Annotated[
        list[str],
        typer.Argument(metavar="STRATEGY NAME=V1,V2,... ...", help="e.g. async_thread_pool threads=4,8,16,32"),
    ],
    profile: ProfileName = "sweep",
    workload: Workloads = None,
    server: Servers = None,
    loop: Loops = None,
    http: Parsers = None,
    client: Clients = None,
    python: Pythons = None,
    baseline: Baseline = None,
    rounds: Rounds = None,
    budget: Budget = None,
    precision: Precision = None,
    seed: Seed = None,
    results: Results = Path("results"),
    port: Port = None,
    postgres_url: PostgresUrl = None,
    add_to: Annotated[
        str | None,
        typer.Option(
            "--add-to",
            metavar="RUN",
            help=f"show it in the report of this run, too; `{NEWEST}`: the newest of `bench run` on this machine",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure a strategy with several values of one parameter, against each other and a baseline: which is enough?

    A parameter is one of the file's PARAMS, or the server's `workers`. Several strategies, each with its values, are
    measured side by side.

    With --server, --loop, --http, --client or --python it is a sweep under each.

    The baseline is `sync_def` as its file says, which is then measured too. --baseline names another one: a strategy,
    or one of the variants, such as `async_thread_pool[threads=8]`.
    """
    from harness.catalog.dimensions import Dimensions, with_their_own
    from harness.machine.only_run import alone_on_this_machine
    from harness.measuring.measure import start_run

    check_add_to(add_to)
    params = sweeps_asked_for(swept)
    asked = Dimensions.read(server, loop, http, client, python)
    with alone_on_this_machine():  # making an environment would disturb who measures
        order, errors = order_of(
            profile, list(params), workload, rounds, seed, results, port, budget, precision, asked, postgres_url
        )
        chosen = order.strategies
        order = swept_order(order, params, baseline)
        with display(as_json) as shown:
            for line in (*errors, *with_their_own(chosen, asked)):
                shown.noticed(line)
            result = start_run(order, shown)
    finish(result, errors, as_json, add_to)
