"""The line of a server's log that says why it ended."""

from __future__ import annotations

import re
from pathlib import Path

from harness.inside.bench_inside.reason import ERROR_PREFIX
from harness.results.records.text import printable

_TAIL_BYTES = 65536
_LINE_CHARS = 300
# What uvicorn says after the reason, and the parts of a traceback that are not it.
_NOISE = re.compile(
    r"(INFO|WARNING): |ERROR: +(Application (startup|shutdown) failed|Traceback|Child process)|Traceback |\s|$"
)
_LEVEL = re.compile(r"^(ERROR|CRITICAL): +")


def last_words(log_path: Path, since_bytes: int = 0) -> str:
    """The line of a server's log that best says why it ended: the last of ours, else the last that is not routine.
    Empty when there is none."""
    lines = _tail(log_path, since_bytes)
    ours = [line.removeprefix(ERROR_PREFIX) for line in lines if line.startswith(ERROR_PREFIX)]
    telling = ours or [_LEVEL.sub("", line) for line in lines if not _NOISE.match(line)]
    return printable(telling[-1])[:_LINE_CHARS] if telling else ""


def is_reported(log_path: Path, since_bytes: int = 0) -> bool:
    """Whether a worker has said that it cannot start."""
    return any(line.startswith(ERROR_PREFIX) for line in _tail(log_path, since_bytes))


def _tail(log_path: Path, since_bytes: int) -> list[str]:
    try:
        with log_path.open("rb") as log:
            end = log.seek(0, 2)
            log.seek(max(since_bytes, end - _TAIL_BYTES))
            return log.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
