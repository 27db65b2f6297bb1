"""Runs an app of the corpus as `bench app --check` does, and says what is wrong with what was found."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from harness.analysis.app_check import checked
from harness.analysis.blocking_lines import BlockingLine
from harness.results.records.app_request import AppRequest
from harness.results.watch_files import WatchFiles
from harness.serving.asked_routes import ask_routes
from harness.serving.own_app import own_app
from harness.serving.server import Server
from tests.apps_kit import APPS, CorpusApp

TIMES = 3


def found_in(app: CorpusApp, folder: Path, *, python: Path | None = None) -> tuple[BlockingLine, ...]:
    """By a server of its own, which is asked one request at a time."""
    folder.mkdir(parents=True)
    target = own_app(app.target, APPS, python=python, factory=app.factory)
    target = msgspec.structs.replace(target, environment=app.env)
    method, template = (app.route or f"GET {app.path}").split(" ")
    request = AppRequest(method=method, path=app.path, template=template, headers=app.headers, status=app.status)
    watch_dir = folder / "watch"
    with Server.launch(
        target, probe_dir=folder / "probe", log_path=folder / "server.log", watch_dir=watch_dir
    ) as server:
        server.wait_ready(60.0)
        (answer,) = ask_routes(server, [request], times=TIMES, timeout_s=10.0)
        assert (answer.status, answer.reason) == (app.status, ""), app.name
        assert server.stop(10.0) == "stopped", app.name
    files = WatchFiles.read(watch_dir)
    return checked([answer], files.stretches, files.requests, files.sources).findings


def found_in_all(apps: Sequence[CorpusApp], folder: Path) -> dict[str, tuple[BlockingLine, ...]]:
    """Two at once: while one boots, the other one mostly waits."""
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda app: found_in(app, folder / app.name), apps)
        return {app.name: lines for app, lines in zip(apps, found, strict=True)}


def wrong_with(app: CorpusApp, found: Sequence[BlockingLine]) -> str:
    """In words; empty when it is named right: the file, the line, the cause, what kind of code it is in and the route,
    and nothing else is found. A healthy app has nothing."""
    if app.fault is None:
        return "".join(f"found {line}" for line in found)
    if len(found) != 1:
        return f"found {len(found)}: {found}"
    line, fault = found[0], app.fault
    same = (line.file, line.function, line.cause, line.where, line.route) == (
        *(str(fault.file), fault.function, fault.cause, fault.where),
        app.route,
    )
    return "" if same and line.line in fault.lines else f"found {line}, expected {fault} in {app.route}"
