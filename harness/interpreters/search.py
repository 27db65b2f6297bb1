"""Which Pythons are installed here, by the names of their files: nothing is started, so `bench list` stays quick.

A Python is called as its file is, without "python": `3.13`, or `3.14t` for a build without the GIL.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_FILE = re.compile(r"python(3\.\d{1,3}t?)\Z")  # not python3.13-config, not python3
_NAME = re.compile(r"3\.\d{1,3}t?\Z")


def installed_pythons(environ: Mapping[str, str], home: Path) -> dict[str, tuple[Path, ...]]:
    """Files by name, oldest Python first: those on the PATH, then pyenv's, then those that uv has installed; of each
    place the newest first. A file may still not start."""
    found: dict[str, dict[Path, Path]] = {}
    for path in _candidates(environ, home):
        match, real = _FILE.match(path.name), path.resolve()
        renamed = _FILE.match(real.name)  # a build without the GIL may also install itself as python3.14
        if match and (renamed is None or renamed[1] == match[1]) and real.is_file() and os.access(real, os.X_OK):
            found.setdefault(match[1], {}).setdefault(real, path)  # /bin is often /usr/bin
    return {name: tuple(found[name].values()) for name in sorted(found, key=age)}


def age(name: str) -> tuple[tuple[int, ...], str]:
    """Sorts names: 3.9 before 3.14 before 3.14t."""
    return _numbers(name), name


def is_python_name(text: str) -> bool:
    return _NAME.match(text) is not None


def _candidates(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    pyenv = Path(environ.get("PYENV_ROOT") or home / ".pyenv")
    for folder in environ.get("PATH", "").split(os.pathsep):
        # pyenv's shims have the names of all its Pythons and start only the chosen one.
        if folder and Path(folder) != pyenv / "shims":
            yield from _files(Path(folder), "python3.*")
    yield from _files(pyenv, "versions/*/bin/python3.*")
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    yield from _files(Path(environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python"), "*/bin/python3.*")


def _files(folder: Path, pattern: str) -> list[Path]:
    """The highest version first. A folder that is not there, or not ours to read, has none."""
    try:
        return sorted(folder.glob(pattern), key=lambda path: _numbers(path.as_posix()), reverse=True)
    except OSError:
        return []


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))
