"""`bench app`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.exit_codes import EXIT_GATE, EXIT_INCOMPLETE
from harness.cli.options import Budget, Json, Precision, Results, Seed


def app(
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
    users: Annotated[int | None, typer.Option(min=1, help="at once, under load (default: 64)")] = None,
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
    import tempfile

    import msgspec

    from harness.analysis.app_report import app_report
    from harness.cli.app_checking import READY_S, TIMEOUT_S, check_app
    from harness.cli.app_gate import arrivals_rps, check_gate, milliseconds
    from harness.cli.app_lines import app_lines
    from harness.cli.app_load import AppLoad, measure_app
    from harness.cli.app_requests import given_requests, init_requests, why_no_success, wrong_answers
    from harness.report.app_junit import app_junit
    from harness.report.app_markdown import app_markdown
    from harness.report.app_page import write_app_page
    from harness.results.records.app_record import AppRecord
    from harness.results.records.errors import UsageError
    from harness.results.records.text import printable
    from harness.results.store import write_atomically
    from harness.serving.own_app import own_app

    max_blocked_ms = None if max_blocked is None else milliseconds(max_blocked, "--max-blocked")
    max_p99_ms = None if max_p99 is None else milliseconds(max_p99, "--max-p99")
    at_rps = None if at is None else arrivals_rps(at)
    check_gate(max_p99_ms, at_rps)
    target = own_app(app, folder, python=python, env_file=env_file, factory=factory, server_args=server_arg or [])
    if init and har is not None:
        raise UsageError(f"--har {har}: --init writes the routes of the schema; leave one of them out")
    if init:
        print(printable(init_requests(target, requests, ready_s=READY_S, timeout_s=TIMEOUT_S)))
        return
    if check and at is not None:
        raise UsageError(f"--at {at}: --check asks one request at a time; leave one of them out")
    if page is not None and not check:
        raise UsageError(f"--page {page}: a run writes report.html in its folder; it is for --check")
    given = given_requests(
        requests=requests,
        har=har,
        har_host=har_host,
        with_credentials=with_credentials,
        unsafe=unsafe,
        ask=ask or [],
    )
    if given.said:
        print(printable(given.said), file=sys.stderr)
    load = AppLoad(results, routes, users, budget, precision, seed, at_rps)
    with tempfile.TemporaryDirectory(prefix="bench-app-") as made:
        checked = check_app(target, given, Path(made) / "brought" / "check")
        problems: tuple[str, ...] = ()
        record = AppRecord(
            app=app,
            folder=str(target.folder),
            python=target.interpreter,
            answers=checked.answers,
            remedies=(),
            workloads={},
            max_blocked_ms=max_blocked_ms,
            max_p99_ms=max_p99_ms,
            at_rps=at_rps,
        )
        missing = why_no_success(checked.answers)
        if check or missing:
            report = app_report(record, checked.check, None)
            if page is not None:
                write_app_page(page, report, checked.sources)
        else:
            report, problems = measure_app(target, record, checked, load, Path(made), as_json)
    for path, content in ((markdown, app_markdown(report).encode()), (junit, app_junit(report))):
        if path is not None:
            write_atomically(path, content)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(report), indent=1).decode())
    else:
        for line in app_lines(report):
            print(line)
    unusable = (*wrong_answers(checked.answers), *filter(None, [missing]), *problems)
    for line in (*checked.errors, *unusable, *report.gate):
        print(printable(line), file=sys.stderr)
    if report.gate:
        raise typer.Exit(EXIT_GATE)
    if unusable:
        raise typer.Exit(EXIT_INCOMPLETE)
