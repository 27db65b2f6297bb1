"""The files of somebody's own app that lie beside the one that is served: whatever of it uses a function of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from harness.serving.target import Target

_MOST_FILES = 300
_MOST_BYTES = 2_000_000
_NOT_ITS_OWN = {"venv", "env", "site-packages", "dist-packages", "node_modules", "__pycache__"}


def package_sources(target: Target) -> dict[str, str]:
    """By the file's name. Those of its package, or of the folder of a module that is in none; the nearest first, up to
    so many. What cannot be read is left out. None where it is imported from elsewhere."""
    if target.source == target.app:
        return {}
    found: dict[str, str] = {}
    left_bytes = _MOST_BYTES
    for path in _python_files(_package(target)):
        if len(found) == _MOST_FILES:
            break
        try:
            size_bytes = path.stat().st_size
            if size_bytes <= left_bytes:
                found[str(path)] = path.read_text(errors="replace")
                left_bytes -= size_bytes
        except OSError:
            continue
    return found


def _package(target: Target) -> Path:
    file = target.folder / target.source
    depth = target.app.partition(":")[0].count(".") + (file.name == "__init__.py")
    return file.parents[max(depth - 1, 0)]


def _python_files(folder: Path) -> Iterator[Path]:
    """Folder by folder, those with fewest folders above them first."""
    level = [folder]
    while level:
        below: list[Path] = []
        for each in level:
            try:
                entries = sorted(os.scandir(each), key=lambda entry: entry.name)
            except OSError:
                continue
            yield from (path for path in map(Path, entries) if path.suffix == ".py" and path.is_file())
            below += [Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False) and _is_its_own(entry)]
        level = below


def _is_its_own(folder: os.DirEntry[str]) -> bool:
    is_environment = (Path(folder) / "pyvenv.cfg").exists()
    return not (folder.name.startswith(".") or folder.name in _NOT_ITS_OWN or is_environment)
