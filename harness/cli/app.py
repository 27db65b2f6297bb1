"""`bench app`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.exit_codes import EXIT_GATE, EXIT_INCOMPLETE
from harness.cli.options import Json

if TYPE_CHECKING:
    from harness.analysis.app_check import AppCheck
    from harness.results.records.route_answer import RouteAnswer
    from harness.serving.target import Target

_TIMES = 3
_READY_S = 60.0
_TIMEOUT_S = 10.0


def app(
    app: Annotated[str, typer.Argument(metavar="MODULE:APP", help="as uvicorn is told it")],
    folder: Annotated[Path, typer.Option("--dir", help="the folder that it is imported from")] = Path(),
    python: Annotated[
        Path | None, typer.Option(help="its interpreter or virtual environment (default: the harness's own)")
    ] = None,
    env_file: Annotated[Path | None, typer.Option(help="variables for it, as NAME=value lines")] = None,
    factory: Annotated[bool, typer.Option("--factory", help="APP is a function that makes the app")] = False,
    check: Annotated[bool, typer.Option("--check", help="one request at a time; finds what blocks the loop")] = False,
    ask: Annotated[
        list[str] | None, typer.Option("--ask", metavar="PATH", help="ask this path, too; repeat for more")
    ] = None,
    max_blocked: Annotated[
        float | None, typer.Option(min=0.0, metavar="MS", help="exit 1 when a route blocks the loop for longer")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find the lines of your own app that block its event loop."""
    import msgspec

    from harness.analysis.app_report import app_report
    from harness.cli.app_lines import app_lines
    from harness.results.records.app_record import AppRecord
    from harness.results.records.errors import UsageError
    from harness.serving.own_app import own_app

    if not check:
        raise UsageError("app: measures nothing under load yet; add --check")
    target = own_app(app, folder, python=python, env_file=env_file, factory=factory)
    found, answers, errors = _checked(target, ask or [])
    record = AppRecord(
        app=app,
        folder=str(target.folder),
        python=target.interpreter,
        answers=answers,
        remedies=(),
        workloads={},
        max_blocked_ms=max_blocked,
        max_p99_ms=None,
        at_rps=None,
    )
    report = app_report(record, found, None)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(report), indent=1).decode())
    else:
        for line in app_lines(report):
            print(line)
    for line in (*errors, *report.gate):
        print(line, file=sys.stderr)
    if report.gate:
        raise typer.Exit(EXIT_GATE)
    if not any(0 < route.status < 400 for route in found.routes):
        print("no route answered with success; name paths with --ask, or see what the app needs", file=sys.stderr)
        raise typer.Exit(EXIT_INCOMPLETE)


def _checked(target: Target, paths: list[str]) -> tuple[AppCheck, tuple[RouteAnswer, ...], list[str]]:
    import tempfile

    from harness.analysis.app_check import checked
    from harness.results.records.route_answer import RouteAnswer
    from harness.results.watch_files import WatchFiles
    from harness.serving.asked_routes import ask_routes, known_routes
    from harness.serving.openapi_routes import AppRoute
    from harness.serving.server import Server

    with tempfile.TemporaryDirectory(prefix="bench-app-") as made:
        folder = Path(made)
        watch_dir = folder / "watch"
        with Server.launch(
            target, probe_dir=folder / "probe", log_path=folder / "server.log", watch_dir=watch_dir
        ) as server:
            server.wait_ready(_READY_S)
            known, errors = known_routes(server, watch_dir, _TIMEOUT_S)
            routes = [*known, *(AppRoute("GET", "", path) for path in paths)]
            asked = ask_routes(server, routes, times=_TIMES, timeout_s=_TIMEOUT_S)
            if server.exit_code() is not None:
                errors.append(f"{target.name}: {server.describe_exit()}")
            server.stop(5.0)
        files = WatchFiles.read(watch_dir)
    answers = [
        RouteAnswer("GET", each.route.template or None, each.route.path, each.status, each.error) for each in asked
    ]
    answers += [RouteAnswer(each.method, each.template, None, 0, each.missing) for each in routes if each.path is None]
    return checked(answers, files.stretches, files.requests, files.sources), tuple(answers), errors
