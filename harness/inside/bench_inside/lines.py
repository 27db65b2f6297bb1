"""What a thread of ours writes for the harness: lines of JSON, appended to a file of this process."""

from __future__ import annotations

import contextlib
import json
import os
from collections import deque
from pathlib import Path
from typing import Any

_encoded = json.JSONEncoder(separators=(",", ":")).encode


class Lines:
    """`add` may be called in any thread and never waits; `write` is called by one thread, now and then."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque()
        self._files: dict[str, int] = {}

    def add(self, kind: str, line: dict[str, Any]) -> None:
        self._waiting.append((kind, line))

    def write(self) -> None:
        while self._waiting:
            kind, line = self._waiting.popleft()
            with contextlib.suppress(OSError):  # the harness reports a full disk; the target goes on
                os.write(self._file(kind), _encoded(line).encode() + b"\n")

    def _file(self, kind: str) -> int:
        if kind not in self._files:
            path = self._folder / f"{os.getpid()}.{kind}.jsonl"
            self._files[kind] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        return self._files[kind]
