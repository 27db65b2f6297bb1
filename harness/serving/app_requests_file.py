"""`bench-app.toml`: what is asked of somebody's own app, kept with the app."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

from harness.results.records.app_request import SAFE_METHODS, AppRequest
from harness.results.records.errors import UsageError
from harness.results.records.text import printable
from harness.serving.openapi_routes import AppRoute
from harness.serving.request_entry import RequestEntry, json_text
from harness.serving.toml_value import toml_value

_SHOWN_CHARS = 60
_KEYS = "method, path, query, headers, json | form | body, status, weight, ignore"
_HEAD = """\
# What `bench app {app}` asks, in place of the GET routes of its OpenAPI schema. Keep this file with the app.
#
# method    GET when it is left out
# path      with a value in each place
# query     a table, such as {{ page = 1, tag = ["a", "b"] }}
# headers   a table of texts
# json      the body; or a table as `form`, or a text as `body`, with its Content-Type among the headers
# status    what must be answered; any 2xx when it is left out
# weight    how often it is asked under load, beside the others
# ignore    fields of a JSON answer that differ each time, such as ["created_at"]
#
# A line that begins with # and no space is of a request that is not sent. Take the # away, and it is.
"""


def read_requests(path: Path) -> tuple[AppRequest, ...]:
    """Raises UsageError that names the file, the number of the request and the key."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"--requests {path}: is not there; --init writes one") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--requests {path}: cannot be read ({error})") from error
    except (ValueError, RecursionError) as error:  # tomllib names line and column
        raise UsageError(f"{path}: not TOML: {printable(str(error))}") from error
    for key in content:
        if key != "request":
            raise UsageError(f"{path}: {printable(key)}: is no key of this file; begin each request with [[request]]")
    entries = content.get("request", [])
    if not isinstance(entries, list):
        raise UsageError(f"{path}: request: is one table; write [[request]], with two brackets")
    if not entries:
        raise UsageError(f"{path}: has no request; take the # away from the lines of one")
    return tuple(_read_request(path, number, entry) for number, entry in enumerate(entries, start=1))


def write_requests_file(path: Path, app: str, routes: Sequence[AppRoute]) -> None:
    """Raises UsageError; never overwrites."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(requests_text(app, routes))
    except FileExistsError as error:
        raise UsageError(f"{path}: exists; edit it, or name another with --requests") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); make {path.parent} writable") from error


def requests_text(app: str, routes: Sequence[AppRoute]) -> str:
    """An entry for each route. Those that are not asked stand there as comments, with what is missing."""
    parts = [_HEAD.format(app=app)]
    for route in routes:
        note = _note(route)
        mark = "#" if note else ""
        lines = [f"# {printable(route.name)}{note}", *(mark + line for line in entry_lines(route.entry))]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def entry_lines(entry: RequestEntry) -> list[str]:
    """As it is written in the file: each key on one line. What is left out has its default."""
    entry = _without_null(entry)
    lines = ["[[request]]"]
    for name in RequestEntry.__struct_fields__:
        value = getattr(entry, name)
        is_left_out = not value if name in ("query", "headers", "ignore") else value is UNSET or value is None
        if not is_left_out:
            lines.append(f"{name} = {toml_value(value)}")
    return lines


def _note(route: AppRoute) -> str:
    """Why its lines are comments; empty: it is asked."""
    if route.method not in SAFE_METHODS:
        return ": may change something. It is sent, several times, when its lines are no comments any more"
    if route.method != "GET":
        return ": is sent when its lines are no comments any more"
    if route.missing:
        return f": {printable(route.missing)}{', or a value here' if route.missing.endswith('in the schema') else ''}"
    return ""


def _without_null(entry: RequestEntry) -> RequestEntry:
    """TOML has no null: JSON that holds one is written as text."""
    if entry.json is UNSET or not _holds_null(entry.json):
        return entry
    headers = entry.headers
    if "content-type" not in {name.lower() for name in headers}:
        headers = {**headers, "Content-Type": "application/json"}
    return msgspec.structs.replace(entry, json=UNSET, body=json_text(entry.json), headers=headers)


def _holds_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_null(each) for each in value.values())
    return any(_holds_null(each) for each in value) if isinstance(value, list) else value is None


def _read_request(path: Path, number: int, entry: Any) -> AppRequest:
    shown = f"{path}: request {number}"
    if isinstance(entry, dict) and isinstance(entry.get("path"), str):
        shown += f" ({printable(entry['path'])[:_SHOWN_CHARS]})"
    try:
        return msgspec.convert(entry, RequestEntry).request()
    except msgspec.ValidationError as error:
        raise UsageError(f"{shown}: {_in_words(str(error))}; the keys are {_KEYS}") from error
    except ValueError as error:
        raise UsageError(f"{shown}: {printable(str(error))}") from error


def _in_words(error: str) -> str:
    """ "status: Expected `int`, got `str`" of what msgspec says."""
    what, at, place = error.partition(" - at `$.")
    return f"{place.partition('[')[0].rstrip('`')}: {what}" if at else printable(what)
