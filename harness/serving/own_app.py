"""Somebody's own app as a target: what the command line says of it, checked before anything is started."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.inside.bench_inside.probe import OWN_HEALTH
from harness.results.records.errors import UsageError
from harness.results.records.strategy import ServerOptions
from harness.results.records.text import is_utf8, printable
from harness.serving.env_file import read_env_file
from harness.serving.server_arguments import server_arguments
from harness.serving.target import Target


def own_app(
    app: str,
    folder: Path,
    *,
    python: Path | None = None,
    env_file: Path | None = None,
    factory: bool = False,
    server_args: Sequence[str] = (),
) -> Target:
    """Raises UsageError."""
    module, colon, attribute = app.partition(":")
    if module.endswith(".py") or not (
        colon and all(part.isidentifier() for part in (*module.split("."), *attribute.split(".")))
    ):
        raise UsageError(f"{app!r}: is not MODULE:APP; name the module and the app in it, such as shop.main:app")
    if not folder.is_dir():
        package = module.partition(".")[0]
        raise UsageError(f"--dir {folder}: is no folder; name the one that {package!r} is imported from")
    if not is_utf8(str(folder.resolve())):
        raise UsageError(f"--dir {printable(str(folder.resolve()))}: its name is not UTF-8; rename it")
    return Target(
        name=app,
        app=app,
        folder=folder.resolve(),
        interpreter=sys.executable if python is None else _interpreter(python),
        environment={} if env_file is None else read_env_file(env_file),
        # What a plain `pip install uvicorn` has. What blocks one loop blocks the other.
        server=ServerOptions(loop="asyncio", http="h11"),
        factory=factory,
        arguments=server_arguments(server_args),
        health=OWN_HEALTH,
    )


def _interpreter(python: Path) -> str:
    """Absolute, but not resolved: that of a virtual environment is a link to one that has none of its packages."""
    path = python / "bin" / "python" if python.is_dir() else python
    if not path.exists():  # the name of one on the PATH
        path = Path(shutil.which(python) or path)
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise UsageError(f"--python {python}: is no interpreter and no virtual environment; name one of them")
    return str(path.absolute())
