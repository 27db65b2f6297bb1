"""What a line of source calls, as its author wrote it: for calls of functions that are not written in Python."""

from __future__ import annotations

import ast
import functools
import warnings


def call_name(source: str, line: int, columns: tuple[int, ...]) -> str | None:
    """`time.sleep`, also when it was imported as `sleep`; None where that part of the source calls nothing.

    `columns` is the part that was being executed: line, end line, column, end column, in bytes. Without it the first
    call of the line is taken.
    """
    tree = parsed(source)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    if len(columns) == 4:
        start, end = (columns[0], columns[2]), (columns[1], columns[3])
        inside = [call for call in calls if start <= _start(call) and _end(call) <= end]
    else:
        inside = [call for call in calls if call.lineno == line]
    if not inside:
        return None
    outermost = min(inside, key=lambda call: (_start(call), [-part for part in _end(call)]))
    return _dotted(outermost.func, _imported(tree))


@functools.lru_cache(maxsize=64)
def parsed(source: str) -> ast.Module:
    """Empty where it is a newer Python's, or no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as for "\\d" in a string
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


def _start(node: ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _end(node: ast.expr) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or node.col_offset


def _imported(tree: ast.Module) -> dict[str, str]:
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update({alias.asname: alias.name for alias in node.names if alias.asname})
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return names


def _dotted(function: ast.expr, imported: dict[str, str]) -> str:
    first, dot, rest = ast.unparse(function).partition(".")
    return imported.get(first, first) + dot + rest
