"""`bench app`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.exit_codes import EXIT_GATE, EXIT_INCOMPLETE
from harness.cli.options import Json

if TYPE_CHECKING:
    from harness.analysis.app_check import AppCheck, CheckedRoute
    from harness.analysis.blocking_lines import BlockingLine
    from harness.cli.app_requests import GivenRequests
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
    server_arg: Annotated[
        list[str] | None, typer.Option("--server-arg", metavar="NAME=VALUE", help="for uvicorn; repeat for more")
    ] = None,
    max_blocked: Annotated[
        float | None, typer.Option(min=0.0, metavar="MS", help="exit 1 when a route blocks the loop for longer")
    ] = None,
    as_json: Json = False,
) -> None:
    """Find the lines of your own app that block its event loop."""
    import msgspec

    from harness.cli.app_requests import given_requests, init_requests, why_no_success, wrong_status_lines
    from harness.results.records.errors import UsageError
    from harness.results.records.text import printable
    from harness.serving.own_app import own_app

    target = own_app(app, folder, python=python, env_file=env_file, factory=factory, server_args=server_arg or [])
    if init and har is not None:
        raise UsageError(f"--har {har}: --init writes the routes of the schema; leave one of them out")
    if init:
        print(printable(init_requests(target, requests, ready_s=_READY_S, timeout_s=_TIMEOUT_S)))
        return
    if not check:
        raise UsageError("app: measures nothing under load yet; add --check")
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
    found, answers, errors = _checked(target, given)
    wrong = wrong_status_lines(answers)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    else:
        _print_check(found, target.folder)
    for error in (*errors, *wrong):
        print(printable(error), file=sys.stderr)
    above = [] if max_blocked is None else [r for r in found.routes if (r.blocked_ms or 0.0) > max_blocked]
    for route in above:
        where = ", ".join(_place(line, target.folder) for line in route.findings) or "no line of the app"
        print(f"{route.name}: blocked for {route.blocked_ms:g} ms, above {max_blocked:g} ms: {where}", file=sys.stderr)
    if above:
        raise typer.Exit(EXIT_GATE)
    if why := why_no_success(answers):
        print(why, file=sys.stderr)
    if why or wrong:
        raise typer.Exit(EXIT_INCOMPLETE)


def _checked(target: Target, given: GivenRequests) -> tuple[AppCheck, list[RouteAnswer], list[str]]:
    import tempfile

    from harness.analysis.app_check import checked
    from harness.results.watch_files import WatchFiles
    from harness.serving.asked_routes import ask_routes, known_routes
    from harness.serving.server import Server

    with tempfile.TemporaryDirectory(prefix="bench-app-") as made:
        folder = Path(made)
        watch_dir = folder / "watch"
        with Server.launch(
            target, probe_dir=folder / "probe", log_path=folder / "server.log", watch_dir=watch_dir
        ) as server:
            server.wait_ready(_READY_S)
            known, errors = known_routes(server, watch_dir, _TIMEOUT_S)
            if given.requests is not None:
                errors = []  # of the schema: nothing depends on it then
            answers = ask_routes(server, given.to_ask(known), times=_TIMES, timeout_s=_TIMEOUT_S)
            if server.exit_code() is not None:
                errors.append(f"{target.name}: {server.describe_exit()}")
            server.stop(5.0)
        files = WatchFiles.read(watch_dir)
    answers += given.not_asked(known)
    return checked(answers, files.stretches, files.requests, files.sources), answers, errors


def _print_check(found: AppCheck, folder: Path) -> None:
    from harness.results.records.text import printable

    without_route = [line for line in found.findings if line.route is None]
    for line in without_route:
        print(f"{'startup' if line.where == 'startup' else 'no route'}: {_in_words(line, folder)}")
    for route in sorted(found.routes, key=lambda each: (each.service_ms is None, -(each.blocked_ms or 0.0))):
        print(printable(_row(route)))
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
