"""`bench verify`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import project
from harness.cli.exit_codes import EXIT_INCOMPLETE
from harness.cli.options import Clients, Json, Loops, Parsers, PostgresUrl, Pythons, Servers, Workloads

if TYPE_CHECKING:
    from harness.results.records.run_record import Preflight


def verify(
    names: Annotated[list[str] | None, typer.Argument(metavar="[STRATEGY]...", help="default: all")] = None,
    workload: Workloads = None,
    server: Servers = None,
    loop: Loops = None,
    http: Parsers = None,
    client: Clients = None,
    python: Pythons = None,
    postgres_url: PostgresUrl = None,
    as_json: Json = False,
) -> None:
    """Boot strategies and prove that each gives the right answers, without measuring."""
    import tempfile

    import msgspec

    from harness.catalog.dimensions import Dimensions, varied, with_their_own
    from harness.cli.order import own_services
    from harness.cli.pythons import runtimes
    from harness.machine.environment import describe
    from harness.measuring.applicable import require_applicable
    from harness.measuring.preflight import preflight
    from harness.measuring.subject import StrategyFiles
    from harness.services.running_services import RunningServices

    catalog = project.catalog()
    asked = Dimensions.read(server, loop, http, client, python)
    workloads = catalog.select_workloads(workload or [])
    strategies = catalog.applicable_strategies(names or [], workloads)
    partition = describe(catalog.root).partition
    varied(strategies, partition.target_cores, asked)  # refuses what nobody knows before environments are made
    on, unusable = runtimes(asked.pythons)
    variants = varied(strategies, partition.target_cores, asked, on)
    with (
        tempfile.TemporaryDirectory(prefix="bench-verify-") as folder,
        RunningServices(
            workloads, root=catalog.root, log_folder=Path(folder), own=own_services(postgres_url, workloads)
        ) as services,
    ):
        services.check_parameters(variants)
        services.wait_ready()
        results = preflight(
            StrategyFiles(catalog.root),
            variants,
            workloads,
            partition=partition,
            services=services,
            folder=Path(folder),
            on_result=lambda result: None if as_json else _print_check(result),
            ready_s=20.0,
        )
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(results), indent=1).decode())
    errors = (*catalog.errors_beside(names or [], workload or []), *unusable)
    for line in (*errors, *with_their_own(strategies, asked)):
        print(line, file=sys.stderr)
    require_applicable(results, workloads)
    if errors or any(result.status == "failed" for result in results):
        raise typer.Exit(EXIT_INCOMPLETE)


def _print_check(result: Preflight) -> None:
    print(f"{result.variant:<22} {result.workload:<10} {result.status.replace('_', ' ')} {result.error}".rstrip())
