"""A call in a coroutine that can be made in a worker thread, and how that is written. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harness.analysis.written_function import function_at, shown_line
from harness.results.records.blocked_stretch import HeldCoroutine

IMPORT = "from starlette.concurrency import run_in_threadpool"

# They mean another thing in another frame.
_OF_ITS_FRAME = {"super", "locals", "globals", "vars", "dir", "eval", "exec"}
# Code of its own, in which `await` is not that of the function around it.
_OTHER_CODE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.GeneratorExp)
# Where `await f()` needs no parentheses.
_LOOSE = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr, ast.Return, ast.Call, ast.keyword)


class ThreadedCall(NamedTuple):
    """The part of the source, columns in bytes, and the lines with the change."""

    file: str
    line: int
    end_line: int
    column: int
    end_column: int
    written: tuple[str, ...]

    @property
    def place(self) -> tuple[str, int, int, int, int]:
        return self.file, self.line, self.end_line, self.column, self.end_column


def threaded_call(source: str, at: HeldCoroutine, names: frozenset[str]) -> ThreadedCall | None:
    """The call that `at` stands still in; None where it is none, or none that a thread could make as it is. `names`:
    what it may be called; for Python 3.10 and older, which do not say which of a line it is."""
    function = function_at(source, at.first_line)
    if not isinstance(function, ast.AsyncFunctionDef):
        return None
    calls = [(call, parent) for call, parent in _own_calls(function) if _is_movable(call, parent)]
    if len(at.columns) == 4:
        calls = [each for each in calls if _span(each[0]) == at.columns]
    else:
        calls = [each for each in calls if each[0].lineno == at.line]
        if len(calls) > 1:
            calls = [each for each in calls if _last_name(each[0].func) in names]
    if len(calls) != 1:
        return None
    call, parent = calls[0]
    return ThreadedCall(at.file, *_span(call), written=_written(source, at.file, call, parent))


def _own_calls(node: ast.AST) -> Iterator[tuple[ast.Call, ast.AST]]:
    """Those in the body of a function, each with what it is in."""
    children = node.body if isinstance(node, ast.AsyncFunctionDef) else list(ast.iter_child_nodes(node))
    for each in children:
        if isinstance(each, ast.Call):
            yield each, node
        if not isinstance(each, _OTHER_CODE):
            yield from _own_calls(each)


def _is_movable(call: ast.Call, parent: ast.AST) -> bool:
    if isinstance(parent, ast.Await) or any(each.arg == "func" for each in call.keywords):
        return False
    name = ast.unparse(call.func)
    return name not in _OF_ITS_FRAME and not name.startswith("asyncio.")


def _span(call: ast.Call) -> tuple[int, int, int, int]:
    return call.lineno, call.end_lineno or call.lineno, call.col_offset, call.end_col_offset or call.col_offset


def _last_name(function: ast.expr) -> str:
    return ast.unparse(function).rpartition(".")[2]


def _words(source: str, parts: Sequence[ast.AST]) -> Iterator[str]:
    """As they are written, each on one line."""
    for part in parts:
        text = ast.get_source_segment(source, part)
        yield text if text and "\n" not in text else ast.unparse(part)


def _written(source: str, file: str, call: ast.Call, parent: ast.AST) -> tuple[str, ...]:
    line, end_line, column, end_column = _span(call)
    lines = source.split("\n")
    before = lines[line - 1].encode()[:column].decode(errors="replace")
    after = lines[end_line - 1].encode()[end_column:].decode(errors="replace")
    said = f"await run_in_threadpool({', '.join(_words(source, [call.func, *call.args, *call.keywords]))})"
    said = said if isinstance(parent, _LOOSE) else f"({said})"
    return f"# {shown_line(file, line)}", f"{before.lstrip()}{said}{after.rstrip()}"
