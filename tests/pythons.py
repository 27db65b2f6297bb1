"""The Pythons of this machine that a target may run on: those on the PATH, and pyenv's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

VERSIONS = [f"3.{minor}" for minor in range(9, 15)]


@cache
def pythons() -> dict[str, str]:
    """Path by version, at least this one's; a name on the PATH may be a shim that starts nothing."""
    found = {f"3.{sys.version_info.minor}": sys.executable}
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for version in VERSIONS:
        installed = sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))
        for candidate in (shutil.which(f"python{version}"), *map(str, installed)):
            if candidate is not None and _runs(candidate, version):
                found.setdefault(version, candidate)
    return found


def _runs(candidate: str, version: str) -> bool:
    command = [candidate, "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.strip() == version
