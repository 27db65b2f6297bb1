"""One line that says why a server did not start: written in its process, read in ours."""

from __future__ import annotations

import traceback
from pathlib import Path

ERROR_PREFIX = "BENCH-ERROR: "
NOTE_PREFIX = "BENCH-NOTE: "  # of what does not keep the server from starting
_INSIDE = Path(__file__).parent


def one_line(error: BaseException, app: str, folder: Path) -> str:
    """`targets/foo.py:3: ImportError: ...`: the line of the target that raised it, or else the file of the app."""
    error = _innermost(error)
    where = source_of(app, folder)
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(frame.filename, folder)]
    if isinstance(error, SyntaxError) and error.filename:
        where = f"{_relative(error.filename, folder)}:{error.lineno}"
    elif own:
        where = f"{_relative(own[-1].filename, folder)}:{own[-1].lineno}"
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{where}: {type(error).__name__}: {_printable(message)}"


def source_of(app: str, folder: Path) -> str:
    """The file of `package.module:attribute`, relative to `folder`; `app` itself when it is not there."""
    path = app.partition(":")[0].replace(".", "/")
    for name in (f"{path}.py", f"{path}/__init__.py", f"src/{path}.py", f"src/{path}/__init__.py"):
        if (folder / name).exists():
            return name
    return app


def _innermost(error: BaseException) -> BaseException:
    """The first exception of a group. Found by the name of the type, which exists from Python 3.11 on only."""
    while any(kind.__name__ == "BaseExceptionGroup" for kind in type(error).__mro__):
        error = error.exceptions[0]  # type: ignore[attr-defined]
    return error


def _is_own(filename: str, folder: Path) -> bool:
    """Whether the file is the target's: in its folder, not ours, and not in a virtual environment in that folder."""
    path = Path(filename)
    inside = path.is_relative_to(folder) and not path.is_relative_to(_INSIDE)
    return inside and not {"site-packages", "dist-packages"} & set(path.parts)


def _relative(filename: str, folder: Path) -> Path:
    path = Path(filename)
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _printable(text: str) -> str:
    """On one line and without control characters, as `harness.results.records.text.printable` makes it."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))
