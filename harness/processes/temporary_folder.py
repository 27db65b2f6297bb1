"""A folder that is gone when we are, also when we are killed: what is in it may hold credentials."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.processes.process import ProcessError

# The kernel closes our end of the pipe, however we end. Servers that still write into the folder are killed by their
# supervisors at that moment, so it may take more than one try.
_REMOVE = 'cat; for i in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$0" && exit; sleep 0.2; done'


@contextlib.contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Nobody else can read it. Raises ProcessError when it cannot be made."""
    try:
        folder = tempfile.mkdtemp(prefix=prefix)
    except OSError as error:
        raise ProcessError(f"no temporary folder can be made ({error}); free space, or name one in TMPDIR") from error
    try:
        with _removed_after_us(folder):
            yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _removed_after_us(folder: str) -> Iterator[None]:
    try:
        # In a session of its own: what ends us by a signal to our group, such as Ctrl-C, must not end it.
        remover = subprocess.Popen(
            ["/bin/sh", "-c", _REMOVE, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise ProcessError(f"/bin/sh: cannot be started ({error})") from error
    with remover:  # closes the pipe, and waits until the folder is gone
        yield
