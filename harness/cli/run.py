"""`bench run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import project
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
    Strategies,
    Workloads,
    given,
)
from harness.cli.order import check_baseline, check_port, contents_line, order_of, own_services
from harness.results.records.errors import UsageError

# Everything else is in the run's own record.
_WITH_RESUME = ("--resume", "--port", "--postgres-url", "--json")


def run(
    context: typer.Context,
    profile: ProfileName = "standard",
    strategy: Strategies = None,
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
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="finish this interrupted run; no other option but --port, --postgres-url and --json"
        ),
    ] = None,
    port: Port = None,
    postgres_url: PostgresUrl = None,
    as_json: Json = False,
) -> None:
    """Measure strategies on workloads and write results/<run>/report.html."""
    from dataclasses import replace

    from harness.catalog.dimensions import Dimensions, with_their_own
    from harness.machine.only_run import alone_on_this_machine
    from harness.measuring.measure import resume_run, start_run
    from harness.results.store import Run

    if resume is not None:
        if refused := [option for option in given(context) if option not in _WITH_RESUME]:
            raise UsageError(f"--resume {resume}: the run goes on as it was started; leave out {', '.join(refused)}")
        check_port(port)
        with alone_on_this_machine(), display(as_json) as shown:
            run = Run.open(resume)
            own = own_services(postgres_url, run.read().workloads)
            result = resume_run(run, project.root(), port, shown, own)
        finish(result, (), as_json)
        return
    asked = Dimensions.read(server, loop, http, client, python)
    with alone_on_this_machine():  # making an environment would disturb who measures
        order, errors = order_of(
            profile, strategy, workload, rounds, seed, results, port, budget, precision, asked, postgres_url
        )
        check_baseline(baseline, [variant.name for variant in order.variants])
        with display(as_json) as shown:
            shown.said(contents_line(order))
            for line in (*errors, *with_their_own(order.strategies, asked)):
                shown.noticed(line)
            result = start_run(replace(order, baseline=baseline), shown)
    finish(result, errors, as_json)
