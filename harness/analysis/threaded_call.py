"""A call in a coroutine that can be made in a worker thread, and how that is written. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harness.analysis.written_function import function_at, shown_line
from harness.results.records.blocked_stretch import HeldCoroutine

IMPORT = "from starlette.concurrency import run_in_threadpool"

# They mean another thing in another frame.
_OF_ITS_FRAME = {"super", "locals", "globals", "vars", "dir", "eval", "exec"}
# Code of its own, in which `await` is not that of the function around it.
_OTHER_CODE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.GeneratorExp)
# What is entered in a `with` and keeps no other request out. Of all else, that is not known.
_HOLDS_NOTHING = {
    *(
        "open",
        "urlopen",
        "create_connection",
        "closing",
        "suppress",
        "nullcontext",
        "redirect_stdout",
        "redirect_stderr",
    ),
    *("TemporaryDirectory", "TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "ZipFile", "TarFile"),
    *("ExitStack", "SessionLocal", "ThreadPoolExecutor", "ProcessPoolExecutor", "catch_warnings"),
}
_MADE_FOR_ONE = ("Session", "Client")  # how the names of such classes end
_FULL_NAMES = re.compile(r"(requests|httpx)\.(get|post|put|patch|delete|head|options|request|stream)$")
_INTO_A_DEF = "into a `def` and call it with `await run_in_threadpool(...)`"
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


class _OwnCall(NamedTuple):
    """A call in the body of a function, what it is in, and what the `with` blocks around it have entered."""

    call: ast.Call
    parent: ast.AST
    entered: tuple[ast.expr, ...]


def threaded_call(source: str, at: HeldCoroutine, names: frozenset[str]) -> ThreadedCall | str:
    """The call that `at` stands still in; else why no thread can make it as it is, which is empty where nothing more is
    known than that. `names`: what it may be called; for Python 3.10 and older, which do not say which of a line it is.
    """
    function = function_at(source, at.first_line)
    if not isinstance(function, ast.AsyncFunctionDef):
        return ""
    own = list(_own_calls(function))
    calls = [each for each in own if _is_movable(each)]
    if len(at.columns) == 4:
        calls = [each for each in calls if _span(each.call) == at.columns]
    else:
        calls = [each for each in calls if each.call.lineno == at.line]
        if len(calls) > 1:
            calls = [each for each in calls if _last_name(each.call.func) in names]
    if len(calls) != 1:
        return ""
    if why := _why_on_loop(calls[0], own):
        return why
    return ThreadedCall(
        at.file, *_span(calls[0].call), written=_written(source, at.file, calls[0].call, calls[0].parent)
    )


def _own_calls(node: ast.AST, entered: tuple[ast.expr, ...] = ()) -> Iterator[_OwnCall]:
    """Those in the body of a function."""
    children = node.body if isinstance(node, ast.AsyncFunctionDef) else list(ast.iter_child_nodes(node))
    for each in children:
        if isinstance(each, ast.Call):
            yield _OwnCall(each, node, entered)
        if not isinstance(each, _OTHER_CODE):
            yield from _own_calls(each, entered)
        if isinstance(node, ast.With) and isinstance(each, ast.withitem):  # what follows is inside it
            entered = (*entered, each.context_expr)


def _is_movable(own: _OwnCall) -> bool:
    if isinstance(own.parent, ast.Await) or any(each.arg == "func" for each in own.call.keywords):
        return False
    name = ast.unparse(own.call.func)
    return name not in _OF_ITS_FRAME and not name.startswith("asyncio.")


def _why_on_loop(own: _OwnCall, others: Sequence[_OwnCall]) -> str:
    """Why it must not be awaited. While a thread makes the call, other requests run on the loop: one that waits there
    for a lock that this one holds keeps the loop from ever coming back to this one, which would let go of it."""
    name = ast.unparse(own.call.func)
    if name == "next":
        return (
            "`next(...)` ends with StopIteration, which a coroutine cannot get from a thread: go through it with "
            "`async for ... in iterate_in_threadpool(...)` of starlette.concurrency"
        )
    held = next((each for each in own.entered if not _holds_nothing(each)), None)
    if held is not None:
        block = f"with {ast.unparse(held)}:"
        return (
            f"it is inside `{block}`, and if that is a lock, another request could wait for it on the loop for ever: "
            f"put the whole `with` block {_INTO_A_DEF}"
        )
    taken = next((each for each in others if _acquires(each) and each.call.lineno <= own.call.lineno), None)
    if taken is not None:
        return (
            f"the function calls `{ast.unparse(taken.call.func)}`, and another request could wait for that on the loop "
            f"for ever: put all from there to the release {_INTO_A_DEF}"
        )
    return ""


def _holds_nothing(entered: ast.expr) -> bool:
    if not isinstance(entered, ast.Call):
        return False
    name = _last_name(entered.func)
    is_known = name in _HOLDS_NOTHING or name.endswith(_MADE_FOR_ONE)
    return is_known or _FULL_NAMES.match(ast.unparse(entered.func)) is not None


def _acquires(own: _OwnCall) -> bool:
    return not isinstance(own.parent, ast.Await) and _last_name(own.call.func) == "acquire"


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
