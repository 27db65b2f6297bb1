"""One line that says why a server did not start: written in its process, read in ours."""

from __future__ import annotations

import traceback
from pathlib import Path

from harness.results.records.text import printable

ERROR_PREFIX = "BENCH-ERROR: "


def one_line(error: BaseException, target: str, root: Path) -> str:
    """`targets/foo.py:3: ImportError: ...`: where in the targets it was raised, or else the file that led there."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(root / "targets")]
    where = f"targets/{target}.py"
    if isinstance(error, SyntaxError) and error.filename:
        where = f"{_relative(error.filename, root)}:{error.lineno}"
    elif ours:
        where = f"{_relative(ours[-1].filename, root)}:{ours[-1].lineno}"
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{where}: {type(error).__name__}: {printable(message)}"


def _relative(path: str, root: Path) -> Path:
    return Path(path).relative_to(root) if Path(path).is_relative_to(root) else Path(path)
