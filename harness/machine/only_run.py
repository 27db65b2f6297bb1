"""Only one process measures on a machine: two at once would make the figures of both wrong, and neither would know."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.results.records.errors import UsageError

_NAME = "fastapi-bench.measuring"


class AnotherRunError(UsageError):
    """Another process is measuring on this machine."""


@contextlib.contextmanager
def alone_on_this_machine() -> Iterator[None]:
    """Raises AnotherRunError while another process is in here, whoever's it is, wherever its results go.

    A lock on an empty file in the folder for temporary files, which users share; containers do not see each other. The
    file is only locked and never written, so a link that somebody puts there does no harm. The kernel removes the lock,
    however this process ends. Where the file cannot be made, nothing is refused.
    """
    path = Path(tempfile.gettempdir()) / _NAME
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except PermissionError:  # Linux lets nobody create another user's file again in a shared folder (protected_regular)
        descriptor = _open_existing(path)
    except OSError:
        descriptor = -1
    try:
        if descriptor >= 0:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise AnotherRunError(
            f"another process is measuring on this machine (it holds {path}), and two at once would make both wrong; "
            "wait until it has ended"
        ) from error
    try:
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _open_existing(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return -1
