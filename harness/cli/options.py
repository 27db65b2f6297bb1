"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Strategies = Annotated[list[str] | None, typer.Option("--strategy", "-s", help="only this one; repeat for more")]
Workloads = Annotated[list[str] | None, typer.Option("--workload", "-w", help="only this one; repeat for more")]
ProfileName = Annotated[str, typer.Option("--profile", help="a built-in profile or a path to a .toml")]
Rounds = Annotated[int | None, typer.Option(min=1, help="of capacity slices in a session, instead of the profile's")]
Budget = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="measure until all is decided or the time is over, e.g. 10m (else the profile's)"
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        metavar="PERCENT", help="an interval no wider than this to each side is enough, e.g. 5% (else the profile's)"
    ),
]
Seed = Annotated[int | None, typer.Option(help="instead of the profile's")]
Results = Annotated[Path, typer.Option(help="folder that holds the runs")]
Port = Annotated[
    int | None,
    typer.Option(
        min=1, max=65535, help="of the first target; the next ones get the ports after it (default: free ones)"
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="compare all others with this one (default: sync_def, else the first that works)"
    ),
]
Servers = Annotated[
    list[str] | None, typer.Option("--server", metavar="NAME,...", help="run each strategy under these ASGI servers")
]
Loops = Annotated[list[str] | None, typer.Option("--loop", metavar="NAME,...", help="on these event loops")]
Parsers = Annotated[list[str] | None, typer.Option("--http", metavar="NAME,...", help="with these HTTP parsers")]
Clients = Annotated[
    list[str] | None, typer.Option("--client", metavar="NAME,...", help="calling services with these HTTP clients")
]
Pythons = Annotated[
    list[str] | None, typer.Option("--python", metavar="NAME,...", help="under these Pythons, such as 3.12 or 3.14t")
]
PostgresUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="use this PostgreSQL for the workloads with a database (default: one is made for the run)"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="for a program to read")]
RunPath = Annotated[Path | None, typer.Argument(metavar="[RUN]", help="a folder of results/ (default: your newest)")]
RunPaths = Annotated[
    list[Path] | None, typer.Argument(metavar="[RUN]...", help="folders of results/ (default: your newest)")
]


def given(context: typer.Context) -> tuple[str, ...]:
    """The options that were given on the command line."""
    sources = {option: context.get_parameter_source(option.name or "") for option in context.command.params}
    return tuple(option.opts[0] for option, source in sources.items() if source and source.name == "COMMANDLINE")
