"""`bench app`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.app_locustfile import by_itself, measure_locustfile
from harness.cli.exit_codes import EXIT_GATE, EXIT_INCOMPLETE
from harness.cli.options import Json

if TYPE_CHECKING:
    from harness.analysis.app_check import AppCheck, CheckedRoute
    from harness.analysis.blocking_lines import BlockingLine
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
    locustfile: Annotated[
        Path | None, typer.Option(metavar="FILE", help="run this locustfile as it is, in a closed loop, and record it")
    ] = None,
    users: Annotated[int, typer.Option(min=1, help="of the locustfile")] = 16,
    run_time: Annotated[str, typer.Option(metavar="TIME", help="of the locustfile, after its warm-up")] = "20s",
    as_json: Json = False,
) -> None:
    """Find the lines of your own app that block its event loop."""
    import msgspec

    from harness.results.records.errors import UsageError
    from harness.serving.own_app import own_app

    if locustfile is not None:
        by_itself(locustfile, {"--check": check, "--ask": ask, "--max-blocked": max_blocked is not None})
        target = own_app(app, folder, python=python, env_file=env_file, factory=factory)
        measure_locustfile(target, locustfile, users=users, run_time=run_time, as_json=as_json)
        return
    if not check:
        raise UsageError("app: measures nothing under load yet; add --check")
    target = own_app(app, folder, python=python, env_file=env_file, factory=factory)
    found, errors = _checked(target, ask or [])
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    else:
        _print_check(found, target.folder)
    for error in errors:
        print(error, file=sys.stderr)
    above = [] if max_blocked is None else [r for r in found.routes if (r.blocked_ms or 0.0) > max_blocked]
    for route in above:
        where = ", ".join(_place(line, target.folder) for line in route.findings) or "no line of the app"
        print(f"{route.name}: blocked for {route.blocked_ms:g} ms, above {max_blocked:g} ms: {where}", file=sys.stderr)
    if above:
        raise typer.Exit(EXIT_GATE)
    if not any(0 < route.status < 400 for route in found.routes):
        print("no route answered with success; name paths with --ask, or see what the app needs", file=sys.stderr)
        raise typer.Exit(EXIT_INCOMPLETE)


def _checked(target: Target, paths: list[str]) -> tuple[AppCheck, list[str]]:
    import tempfile

    from harness.analysis.app_check import RouteAnswer, checked
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
    return checked(answers, files.stretches, files.requests, files.sources), errors


def _print_check(found: AppCheck, folder: Path) -> None:
    without_route = [line for line in found.findings if line.route is None]
    for line in without_route:
        print(f"{'startup' if line.where == 'startup' else 'no route'}: {_in_words(line, folder)}")
    for route in sorted(found.routes, key=lambda each: (each.service_ms is None, -(each.blocked_ms or 0.0))):
        print(_row(route))
        for line in route.findings:
            print(f"    {_in_words(line, folder)}")


def _row(route: CheckedRoute) -> str:
    if not route.asked:
        return f"{route.name}: not asked: {route.reason}"
    if route.service_ms is None:
        return f"{route.name}: {route.reason or f'answered {route.status}, and said nothing more'}"
    said = route.reason or (f"answered {route.status}" if route.status >= 400 else "")
    blocks = f"blocks the loop for {route.blocked_ms:g} ms" if route.findings else "nothing blocks"
    return f"{route.name}: {f'{said}, ' if said else ''}{route.kind}, {route.service_ms:g} ms, {blocks}"


def _in_words(line: BlockingLine, folder: Path) -> str:
    cause = line.cause.replace("_", " ")
    call = f" in {line.call}" if line.call else ""
    return f"{_place(line, folder)}: {cause} for {line.ms:g} ms{call} ({line.where})"


def _place(line: BlockingLine, folder: Path) -> str:
    path = Path(line.file)
    shown = path.relative_to(folder) if path.is_relative_to(folder) else path
    return f"{shown}:{line.line} {line.function}"
