"""Asks an app for each of its routes, one request at a time: what is found then has one request to blame."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from harness.processes.ask import AskError, ask
from harness.results.records.request_line import SchemaLine
from harness.results.store import read_lines
from harness.serving.openapi_routes import AppRoute, routes_of_schema
from harness.serving.server import Server

_SCHEMA_BYTES = 50_000_000
_OK = 200


class AskedRoute(Struct, frozen=True):
    """`status` is that of the last answer; 0: none came, and `error` says why."""

    route: AppRoute
    status: int
    error: str = ""


def known_routes(server: Server, watch_dir: Path, timeout_s: float) -> tuple[list[AppRoute], list[str]]:
    """What the OpenAPI schemas of the app and of those mounted in it say, and why a schema could not be read."""
    lines = [line for path in sorted(watch_dir.glob("*.schemas.jsonl")) for line in read_lines(path, SchemaLine)]
    routes: list[AppRoute] = []
    errors = []
    for line in dict.fromkeys(lines):
        try:
            answer = ask(server.host, server.port, line.path, timeout_s=timeout_s, max_bytes=_SCHEMA_BYTES)
            if answer.status != _OK:
                errors.append(f"{line.path}: answered {answer.status}; name paths with --ask")
                continue
            routes += routes_of_schema(json.loads(answer.body), line.prefix)
        except AskError as error:
            errors.append(f"{line.path}: {error}; name paths with --ask")
        except (ValueError, RecursionError):
            errors.append(f"{line.path}: is not JSON; name paths with --ask")
    if not lines:
        errors.append("the app has no OpenAPI schema; name paths with --ask")
    return routes, errors


def ask_routes(
    server: Server,
    routes: Sequence[AppRoute],
    *,
    times: int,
    timeout_s: float,
    on_asked: Callable[[AskedRoute], None] = lambda asked: None,
) -> list[AskedRoute]:
    """Each of those with a path, `times` times in a row, or until no answer comes. The next request is made when the
    one before is over, its background tasks included, but at the latest after `timeout_s`."""
    asked = []
    for route in routes:
        if route.path is None:
            continue
        outcome = AskedRoute(route, 0)
        for _ in range(times):
            outcome = _ask_once(server, route, route.path, timeout_s)
            server.is_idle(timeout_s)
            if outcome.error:
                break
        asked.append(outcome)
        on_asked(outcome)
    return asked


def _ask_once(server: Server, route: AppRoute, path: str, timeout_s: float) -> AskedRoute:
    try:
        answer = ask(server.host, server.port, path, timeout_s=timeout_s, headers=route.headers)
    except AskError as error:
        return AskedRoute(route, 0, str(error))
    return AskedRoute(route, answer.status)
