"""Processes that a test starts and signals: none outlives its block, and none is waited for without end."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

END_S = 30.0


@contextmanager
def child(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdout: int | IO[str] | None = None,
    stderr: int | IO[str] | None = None,
    stdin: int | IO[str] | None = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[str]]:
    """Waited for at the end of the block, for `END_S` at most; killed when that or the block itself fails."""
    with subprocess.Popen(command, cwd=cwd, env=env, stdin=stdin, stdout=stdout, stderr=stderr, text=True) as process:
        try:
            yield process
            process.wait(END_S)
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str], timeout_s: float = END_S) -> str:
    """The next line that it prints, without the line end."""
    assert process.stdout is not None
    end_s = time.monotonic() + timeout_s
    line = b""
    # A byte at a time, without Python's buffer: select(2) does not see what is in the buffer.
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, end_s - time.monotonic()))
        assert ready, f"said no line within {timeout_s:g} s, only {line!r}: {process.args!r}"
        byte = os.read(process.stdout.fileno(), 1)
        assert byte, f"ended after {line!r}: {process.args!r}"
        line += byte
    return line.decode().removesuffix("\n")
