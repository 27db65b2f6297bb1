"""Asks an app for each of its routes, one request at a time: what is found then has one request to blame."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from harness.processes.ask import AskError, ask
from harness.results.records.answer import answer_sha256
from harness.results.records.app_request import AppRequest
from harness.results.records.credentials import without_credentials
from harness.results.records.request_line import RouteLine, SchemaLine, WebsocketLine
from harness.results.records.route_answer import RouteAnswer, wrong_status
from harness.results.store import read_lines
from harness.serving.openapi_routes import AppRoute, route_without_schema, routes_of_schema
from harness.serving.server import Server

_SCHEMA_BYTES = 50_000_000
_ANSWER_BYTES = 8 << 20  # as under load; of a longer answer no more is read: it may be endless
_STREAM_S = 1.0  # of a stream of events; what blocks in it is seen by then
_LEAST_TIMES = 3
_IDLE_S = 0.02  # the watching thread sees that the loop is idle, and so when what comes next began
_LOOP_S = 2.0  # an event loop that does not answer for so long after a request was given up
_OK = 200
_SERVER_ERROR = 500


def known_routes(server: Server, watch_dir: Path, timeout_s: float) -> tuple[list[AppRoute], list[str]]:
    """What the OpenAPI schemas of the app and of those mounted in it say, and why a schema could not be read. Of an app
    without one: its routes."""
    lines = [line for path in sorted(watch_dir.glob("*.schemas.jsonl")) for line in read_lines(path, SchemaLine)]
    routes: list[AppRoute] = []
    errors = []
    for line in dict.fromkeys(lines):
        try:
            answer = ask(server.host, server.port, line.path, timeout_s=timeout_s, max_bytes=_SCHEMA_BYTES)
            if answer.status != _OK:
                why = f"; {server.log_in_words()}" if answer.status >= _SERVER_ERROR else ""
                errors.append(f"{line.path}: answered {answer.status}{why}; name paths with --ask")
                continue
            routes += routes_of_schema(json.loads(answer.body), line.prefix)
        except AskError as error:
            errors.append(f"{line.path}: {error}; name paths with --ask")
        except (ValueError, RecursionError):
            errors.append(f"{line.path}: is not JSON; name paths with --ask")
    if not lines:
        routes = _without_schema(watch_dir)
        known = "only the paths of its routes are known" if routes else "name paths with --ask"
        errors.append(f"the app has no OpenAPI schema: {known}")
    return routes, errors


def _without_schema(watch_dir: Path) -> list[AppRoute]:
    lines = [line for path in sorted(watch_dir.glob("*.routes.jsonl")) for line in read_lines(path, RouteLine)]
    return [route_without_schema(line.method, line.path) for line in dict.fromkeys(lines) if line.method != "HEAD"]


def websockets(watch_dir: Path) -> list[RouteAnswer]:
    """Those of the app. None of them is asked: nobody but the app knows what is said there."""
    lines = [line for path in sorted(watch_dir.glob("*.websockets.jsonl")) for line in read_lines(path, WebsocketLine)]
    return [RouteAnswer("WEBSOCKET", line.path, None, 0, "websockets are not asked") for line in dict.fromkeys(lines)]


def ask_routes(
    server: Server,
    requests: Sequence[AppRequest],
    *,
    times: int,
    timeout_s: float,
    enough_s: float = math.inf,
    on_asked: Callable[[RouteAnswer], None] = lambda answer: None,
) -> list[RouteAnswer]:
    """Each of them, `times` times in a row, or until one is not over in time; after `enough_s` three times are enough.
    The next request is made when the one before is over, its background tasks included, but at the latest after
    `timeout_s`. What is returned has no credentials. Once the event loop is blocked for good, or the app has ended,
    nothing more is asked."""
    answers = []
    stuck = 0  # requests that the app goes on with for ever, although nobody waits for their answers
    ended = ""
    for request in requests:
        if ended:
            answers.append(_unanswered(request, f"not asked: {ended}"))
            on_asked(answers[-1])
            continue
        same: set[tuple[int, str]] = set()
        began_s = time.monotonic()
        for number in range(times):
            if number >= _LEAST_TIMES and time.monotonic() >= began_s + enough_s:
                break
            time.sleep(_IDLE_S)
            answer = _ask_once(server, request, timeout_s)
            same.add((answer.status, answer.answer))
            is_over = server.is_idle(timeout_s, but_for=stuck)
            stuck += not is_over
            if not (answer.status and is_over):
                if server.exit_code() is not None:
                    ended = f"the app ended at {request.route}"
                elif not server.answers_health(_LOOP_S):
                    ended = f"since {request.route}, the event loop does not run any more"
                break
        answers.append(msgspec.structs.replace(answer, alike=len(same) == 1))
        on_asked(answers[-1])
    return answers


def _ask_once(server: Server, request: AppRequest, timeout_s: float) -> RouteAnswer:
    try:
        answer = ask(
            server.host,
            server.port,
            request.path,
            timeout_s=timeout_s,
            max_bytes=_ANSWER_BYTES,
            headers=request.headers,
            method=request.method,
            body=request.body,
            stream_s=_STREAM_S,
        )
    except AskError as error:
        return _unanswered(request, str(error))
    return msgspec.structs.replace(
        _unanswered(request),
        status=answer.status,
        reason=wrong_status(answer.status, request.status, answer.headers.get("location", "")),
        answer="" if answer.cut else answer_sha256(answer.body, request.ignore),
        cut=answer.cut,
    )


def _unanswered(request: AppRequest, reason: str = "") -> RouteAnswer:
    path = without_credentials(request).path
    return RouteAnswer(request.method, request.template or None, path, 0, reason, expected=request.status)
