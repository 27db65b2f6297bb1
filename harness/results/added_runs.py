"""`with.json` in a run's folder: the other runs whose sweeps and claims its report shows, too.

They are named relative to the folder that holds the run, which is usually `results/`: so all of it can be moved.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from harness.results.records.text import to_json
from harness.results.store import Run, StoreError, write_atomically

ADDED_FILE = "with.json"


class _Named(Struct, frozen=True):
    runs: tuple[str, ...]


def added_runs(run: Run) -> tuple[Path, ...]:
    """Where they are, or were; in the order in which they were added. Raises StoreError where that cannot be read."""
    folder = run.path.resolve().parent
    return tuple(folder / name for name in _names(run))


def add_runs(run: Run, others: Sequence[Run]) -> None:
    """Those that were added before stay. Raises StoreError when it cannot be read or written."""
    folder = run.path.resolve().parent
    new = [Path(os.path.relpath(other.path.resolve(), folder)).as_posix() for other in others]
    named = _Named(tuple(dict.fromkeys([*_names(run), *new])))
    write_atomically(run.path / ADDED_FILE, to_json(named))


def _names(run: Run) -> tuple[str, ...]:
    path = run.path / ADDED_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Named).runs
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise StoreError(
            f"{path}: is not a list of runs ({error}); delete it, and add them again with `bench report --with`"
        ) from error
