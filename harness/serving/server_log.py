"""A server's log, and the line of it that says why the server ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.inside.bench_inside.reason import ERROR_PREFIX, NOTE_PREFIX
from harness.results.records.text import printable
from harness.serving.asgi_server import AsgiServer

_ERROR = ERROR_PREFIX.encode()
_NOTE = NOTE_PREFIX.encode()
_TAIL_BYTES = 65536
_LINE_CHARS = 300
# uvicorn's, granian's, and with time and pid before it gunicorn's and hypercorn's.
_LEVEL = re.compile(r"^(\[[-\d: +]+\] \[\d+\] )?\[?(ERROR|CRITICAL)(\]|:) *")
_ANY_LEVEL = re.compile(r"(\[[^\]]*\] )*\[?[A-Z]+(\]|:) ")
_TRACEBACK = re.compile(r"Traceback |\s|$")  # the parts of one that are not the reason
# What Python writes when an extension module has no `Py_mod_gil` slot.
_GIL_MODULE = re.compile(r"\(GIL\) has been enabled to load module '([^']*)'")


class ServerLog:
    """What is written to `path` from now on: earlier servers may have written to the same file."""

    def __init__(self, path: Path, server: AsgiServer) -> None:
        self._path = path
        self._server = server
        self._since_bytes = path.stat().st_size if path.exists() else 0
        self._read_bytes = self._since_bytes
        self._last = {_ERROR: b"", _NOTE: b""}

    def last_words(self) -> str:
        """The line that best says why the server ended: the last of ours, else the last that is not routine. Empty when
        there is none."""
        telling = [_LEVEL.sub("", line) for line in _beginnings(self._tail()) if not self._is_routine(line)]
        return self._said(_ERROR) or (printable(telling[-1])[:_LINE_CHARS] if telling else "")

    def reported(self) -> str:
        """The last line that a worker wrote for the harness: why it cannot start, else a note. Empty when there is
        none. However much came after it."""
        return self._said(_ERROR) or self._said(_NOTE)

    def _said(self, prefix: bytes) -> str:
        *lines, unfinished = self._from(self._read_bytes).split(b"\n")
        self._read_bytes += sum(len(line) + 1 for line in lines)
        self._last |= {each: line for line in lines for each in self._last if line.startswith(each)}
        last = unfinished if unfinished.startswith(prefix) else self._last[prefix]
        return printable(last.removeprefix(prefix).decode(errors="replace"))[:_LINE_CHARS]

    def in_words(self) -> str:
        """ "its log says: no such table" or "its log says nothing", for a message."""
        words = self.last_words()
        return f"its log says: {words}" if words else "its log says nothing"

    def is_reported(self) -> bool:
        """Whether a worker has said that it cannot start."""
        return bool(self._said(_ERROR))

    def gil_needed_by(self) -> str:
        """The extension module that brought the GIL back, as Python warns of it; empty when it does not say."""
        found = [_GIL_MODULE.search(line) for line in self._tail()]
        return next((printable(match[1]) for match in found if match), "")

    def is_port_taken(self) -> bool:
        return any(self._server.port_taken.search(line) for line in self._tail())

    def refused_argument(self) -> str:
        """What the server says of an argument of its command line that it refuses; empty when it refuses none."""
        found = [line for line in self._tail() if self._server.refused.match(line)]
        return printable(self._server.refused.sub("", found[-1]))[:_LINE_CHARS].rstrip(".") if found else ""

    def _is_routine(self, line: str) -> bool:
        return bool(_TRACEBACK.match(line) or line.startswith(NOTE_PREFIX) or self._server.routine.match(line))

    def _tail(self) -> list[str]:
        return self._from(self._since_bytes, at_most=_TAIL_BYTES).decode(errors="replace").splitlines()

    def _from(self, begin: int, at_most: int | None = None) -> bytes:
        """What is there from the byte `begin` on, or the last part of it."""
        try:
            with self._path.open("rb") as log:
                end = log.seek(0, 2)
                log.seek(begin if at_most is None else max(begin, end - at_most))
                return log.read()
        except FileNotFoundError:
            return b""


def _beginnings(lines: list[str]) -> Iterator[str]:
    """Without what follows the first line of an exception's message, up to an empty line or one with a level."""
    in_traceback = in_message = False
    for line in lines:
        if "Traceback (most recent call last)" in line:
            in_traceback, in_message = True, False
        elif not line or _ANY_LEVEL.match(line):
            in_traceback = in_message = False
        elif in_message and not line.startswith((ERROR_PREFIX, NOTE_PREFIX)):
            continue
        elif in_traceback and not line.startswith((" ", "\t")):
            in_traceback, in_message = False, True
        yield line
