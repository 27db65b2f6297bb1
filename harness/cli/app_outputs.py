"""Where `bench app` writes to, looked at before anything is started: what was measured is not lost then."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from harness.results.records.errors import UsageError


def check_outputs(results: Path | None, files: Mapping[str, Path | None]) -> None:
    """Raises UsageError for a folder or a file that cannot be made. `files`: by the option that names it."""
    if results is not None and not _takes_files(_there(results)):
        raise UsageError(f"--results {results}: cannot be written to; choose another folder")
    for option, path in files.items():
        if path is not None and (path.is_dir() or not _takes_files(path.parent)):
            raise UsageError(f"{option} {path}: cannot be written; name a file in a folder that is there and writable")


def _there(folder: Path) -> Path:
    """It, or the nearest folder above it that exists."""
    folder = folder.absolute()
    return next(each for each in (folder, *folder.parents) if each.exists())


def _takes_files(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
