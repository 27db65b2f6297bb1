"""A function of somebody's own app as its author wrote it, and the line of it that changes. Pure."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Mapping

from harness.analysis.call_names import parsed

_MOST_LINES = 8  # of decorators
_DEF = {"def": re.compile(r"\basync\s+def\b"), "async def": re.compile(r"\bdef\b")}

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef


def function_at(source: str, first_line: int) -> AnyFunction | None:
    """The one that begins there, its decorators included."""
    functions = [node for node in ast.walk(parsed(source)) if isinstance(node, AnyFunction)]
    return next((each for each in functions if _first_line(each) == first_line), None)


def written_as(becomes: str, name: str, place: tuple[str, int], sources: Mapping[str, str]) -> list[str]:
    """Its decorators and its first line, where `becomes` is "def" or "async def". `place`: its file and first line."""
    file, first_line = place
    was = "async def" if becomes == "def" else "def"
    found = function_at(sources.get(file, ""), first_line)
    if found is None:
        return [f"{becomes} {name or '...'}(...):  # was: {was}"]
    lines = textwrap.dedent("\n".join(sources[file].split("\n")[first_line - 1 : found.lineno])).split("\n")
    changed = f"{_DEF[becomes].sub(becomes, lines[-1], count=1).rstrip()}  # was: {was}"
    decorators = [line.rstrip() for line in lines[:-1] if line.strip()]
    return [f"# {shown_line(file, found.lineno)}", *decorators[-_MOST_LINES:], changed]


def shown_line(file: str, line: int) -> str:
    return f"{file.rpartition('/')[2]}:{line}"


def _first_line(function: AnyFunction) -> int:
    return min([function.lineno, *(each.lineno for each in function.decorator_list)])
