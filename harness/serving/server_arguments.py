"""What somebody's own app needs on uvicorn's command line (`--server-arg NAME=VALUE`)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.results.records.errors import UsageError
from harness.results.records.text import printable

_NAME = re.compile(r"[a-z][a-z0-9-]*\Z")
# Said by the harness itself, or the harness could not ask the server any more.
_OURS = (*("app-dir", "factory", "fd", "host", "http", "interface", "loop", "port", "reload", "uds", "workers"),)
_OURS_PREFIXES = ("reload-", "ssl-")


def server_arguments(given: Sequence[str]) -> tuple[str, ...]:
    """`limit-concurrency=10` as `--limit-concurrency 10`, and a name without a value as a flag. Raises UsageError."""
    arguments: list[str] = []
    for each in given:
        name, equals, value = each.removeprefix("--").partition("=")
        shown = printable(each)
        if not _NAME.match(name):
            raise UsageError(f"--server-arg {shown}: is not NAME=VALUE, such as limit-concurrency=10")
        if name == "root-path":
            raise UsageError(
                f"--server-arg {shown}: is for an app behind a proxy; bench asks it directly, leave it out"
            )
        if name.removeprefix("no-") in _OURS or name.startswith(_OURS_PREFIXES):
            raise UsageError(f"--server-arg {shown}: bench must set {name} itself; leave it out")
        arguments += [f"--{name}", *([value] if equals else [])]
    return tuple(arguments)
