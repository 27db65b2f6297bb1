"""`bench app`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import Budget, Json, Precision, ProfileName, Results, Seed, given

_LOCUST_USERS = 16
_WITH_LOCUSTFILE = (
    *("--dir", "--python", "--env-file", "--factory", "--server-arg"),
    *("--locustfile", "--users", "--run-time", "--json"),
)


def app(
    context: typer.Context,
    app: Annotated[str, typer.Argument(metavar="MODULE:APP", help="as uvicorn is told it")],
    folder: Annotated[Path, typer.Option("--dir", help="the folder that it is imported from")] = Path(),
    python: Annotated[
        Path | None, typer.Option(help="its interpreter or virtual environment (default: the harness's own)")
    ] = None,
    env_file: Annotated[Path | None, typer.Option(help="variables for it, as NAME=value lines")] = None,
    factory: Annotated[bool, typer.Option("--factory", help="APP is a function that makes the app")] = False,
    server_arg: Annotated[
        list[str] | None, typer.Option("--server-arg", metavar="NAME=VALUE", help="for uvicorn; repeat for more")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="only one request at a time, in seconds: what blocks the loop")
    ] = False,
    ask: Annotated[
        list[str] | None, typer.Option("--ask", metavar="PATH", help="ask this path, too; repeat for more")
    ] = None,
    requests: Annotated[
        Path | None,
        typer.Option("--requests", metavar="FILE", help="ask what it says (default: bench-app.toml, if it is there)"),
    ] = None,
    init: Annotated[bool, typer.Option("--init", help="write bench-app.toml, with each route, and end")] = False,
    har: Annotated[Path | None, typer.Option("--har", metavar="FILE", help="ask what a browser has recorded")] = None,
    har_host: Annotated[
        str | None, typer.Option("--har-host", metavar="HOST", help="whose requests (default: the most frequent one's)")
    ] = None,
    with_credentials: Annotated[
        bool, typer.Option("--with-credentials", help="send the recorded cookies and keys, too")
    ] = False,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="send recorded requests that may change something, too, such as POST")
    ] = False,
    locustfile: Annotated[
        Path | None, typer.Option(metavar="FILE", help="run this locustfile as it is, in a closed loop, and record it")
    ] = None,
    run_time: Annotated[str, typer.Option(metavar="TIME", help="of the locustfile, after its warm-up")] = "20s",
    max_blocked: Annotated[
        str | None, typer.Option(metavar="TIME", help="exit 1 when a route blocks the loop for longer, e.g. 20ms")
    ] = None,
    max_p99: Annotated[
        str | None, typer.Option(metavar="TIME", help="exit 1 when the p99 at the rate of --at is above it")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="RATE", help="under load, measure only the app as it is, at this rate, e.g. 50rps"),
    ] = None,
    routes: Annotated[int, typer.Option(min=1, help="how many routes are measured under load, the worst first")] = 3,
    users: Annotated[
        int | None, typer.Option(min=1, help="at once, under load (default: 64, of a locustfile 16)")
    ] = None,
    profile: ProfileName = "app",
    budget: Budget = None,
    precision: Precision = None,
    seed: Seed = None,
    results: Results = Path("results"),
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="with --check: write what it found as a page, too")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="write a summary for a CI job")] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="write it as JUnit's XML")] = None,
    as_json: Json = False,
) -> None:
    """Find the lines of your own app that block its event loop, and measure what each remedy gains."""
    from harness.cli.app_checking import APP_READY_S, TIMEOUT_S
    from harness.cli.app_ending import end, find
    from harness.cli.app_gate import arrivals_rps, check_gate, milliseconds
    from harness.cli.app_load import AppLoad
    from harness.cli.app_locustfile import by_itself, measure_locustfile
    from harness.cli.app_requests import given_requests, init_requests
    from harness.processes.temporary_folder import temporary_folder
    from harness.results.records.app_record import AppRecord
    from harness.results.records.errors import UsageError
    from harness.results.records.text import printable
    from harness.serving.installed import installed_packages
    from harness.serving.own_app import own_app

    if locustfile is not None:
        by_itself(locustfile, [each for each in given(context) if each[:2] == "--" and each not in _WITH_LOCUSTFILE])
    max_blocked_ms = None if max_blocked is None else milliseconds(max_blocked, "--max-blocked")
    max_p99_ms = None if max_p99 is None else milliseconds(max_p99, "--max-p99")
    at_rps = None if at is None else arrivals_rps(at)
    check_gate(max_p99_ms, at_rps)
    _check_together(check=check, init=init, at=at, page=page, har=har)
    target = own_app(app, folder, python=python, env_file=env_file, factory=factory, server_args=server_arg or [])
    installed = installed_packages(target.interpreter)
    if "uvicorn" not in installed:
        raise UsageError(f"--python {target.interpreter}: has no uvicorn; install it there, or name another one")
    if locustfile is not None:
        measure_locustfile(target, locustfile, users=users or _LOCUST_USERS, run_time=run_time, as_json=as_json)
        return
    if init:
        print(printable(init_requests(target, requests, ready_s=APP_READY_S, timeout_s=TIMEOUT_S)))
        return
    asked = given_requests(
        requests=requests,
        har=har,
        har_host=har_host,
        with_credentials=with_credentials,
        unsafe=unsafe,
        ask=ask or [],
    )
    if asked.said:
        print(printable(asked.said), file=sys.stderr)
    load = None if check else AppLoad(results, installed, routes, users, budget, precision, seed, at_rps, profile)
    record = AppRecord(
        app=app,
        folder=str(target.folder),
        python=target.interpreter,
        answers=(),
        remedies=(),
        workloads={},
        max_blocked_ms=max_blocked_ms,
        max_p99_ms=max_p99_ms,
        at_rps=at_rps,
    )
    with temporary_folder("bench-app-") as made:
        found = find(target, record, asked, load, made, as_json=as_json)
    end(found, page=page, markdown=markdown, junit=junit, as_json=as_json)


def _check_together(*, check: bool, init: bool, at: str | None, page: Path | None, har: Path | None) -> None:
    """Raises UsageError for options that have no meaning together."""
    from harness.results.records.errors import UsageError

    if init and har is not None:
        raise UsageError(f"--har {har}: --init writes the routes of the schema; leave one of them out")
    if check and at is not None:
        raise UsageError(f"--at {at}: --check asks one request at a time; leave one of them out")
    if page is not None and not check:
        raise UsageError(f"--page {page}: a run writes report.html in its folder; it is for --check")
