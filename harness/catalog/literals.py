"""Reads what a Python file says about itself - docstring, literal constants, routes - without running any of it.

Files are read with `ast` only. So a file that has side effects, imports slowly or is hostile does no harm here.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from harness.results.records.errors import UsageError

MAX_FILE_BYTES = 1_000_000  # a larger file is a mistake, not a strategy
_SHOWN_CHARACTERS = 80
_ROUTE_DECORATORS = frozenset({"get", "route", "api_route"})
_ROUTE_CALLS = frozenset({"add_api_route", "add_route"})


class NotPythonError(UsageError):
    """The running Python cannot parse the file."""


class Constant(Struct, frozen=True):
    """A module-level assignment of a literal, and the line it is on."""

    value: Any
    line: int


class Module(Struct, frozen=True):
    """What was read. `routes`: the paths in decorators, where they are literals; sorted."""

    title: str
    description: str
    constants: dict[str, Constant]
    routes: tuple[str, ...]


def read_module(path: Path, shown: str, names: Collection[str]) -> Module:
    """The module at `path`, its constants limited to `names`; `shown` is how errors call it.

    Raises UsageError, one line with file and line: unreadable, not Python (NotPythonError), a constant that is no
    literal or is assigned more than once (then only running the file could tell its value).
    """
    source = _source(path, shown)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as for "\d" in a string
            tree = ast.parse(source, filename=shown)
            title, description = _docstring(tree)
            return Module(title, description, dict(_constants(tree, shown, names)), tuple(sorted(set(_routes(tree)))))
    except SyntaxError as error:
        line = f":{error.lineno}" if error.lineno else ""
        raise NotPythonError(
            f"{shown}{line}: is not Python ({error.msg}); fix it, or move it out of the folder"
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:  # NUL bytes; nested too deeply
        reason = str(error) or type(error).__name__
        raise UsageError(f"{shown}: cannot be parsed ({reason}); fix it, or move it out of the folder") from error


def find_string(path: Path, name: str) -> str | None:
    """The value in a line `name = "..."`, for a file that the running Python cannot parse."""
    found = re.search(rf"""^{name}\s*=\s*(["'])([^"'\\]*)\1""".encode(), _source(path, str(path)), re.MULTILINE)
    return found[2].decode("utf-8", "replace") if found else None


def brief(value: object) -> str:
    """A value on one line, cut to a length that fits an error message."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 3]}..."


def _source(path: Path, shown: str) -> bytes:
    try:
        if not path.is_file():  # reading a FIFO would never end
            raise UsageError(f"{shown}: is not a file; move it out of the folder")
        with path.open("rb") as file:
            source = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{shown}: cannot be read ({error.strerror}); fix it, or move it out of the folder") from error
    if len(source) > MAX_FILE_BYTES:
        raise UsageError(f"{shown}: is larger than {MAX_FILE_BYTES} bytes; move data out of it")
    return source


def _docstring(tree: ast.Module) -> tuple[str, str]:
    """First line, and the rest."""
    first, _, rest = (ast.get_docstring(tree, clean=False) or "").strip().partition("\n")
    return _printable(first.strip()), "\n".join(_printable(line.strip()) for line in rest.strip().splitlines())


def _printable(line: str) -> str:
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)


def _constants(tree: ast.Module, shown: str, names: Collection[str]) -> Iterator[tuple[str, Constant]]:
    seen: dict[str, int] = {}
    for statement in tree.body:
        for name in _assigned(statement):
            if name not in names:
                continue
            if name in seen:
                raise UsageError(
                    f"{shown}:{statement.lineno}: {name} is assigned on line {seen[name]} already; "
                    "it is read without running the file, so assign it once, as a literal"
                )
            seen[name] = statement.lineno
            yield name, Constant(_literal(statement, name, shown), statement.lineno)


def _assigned(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.Assign(targets=targets):
            nodes = [node for target in targets for node in ast.walk(target)]
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            nodes = list(ast.walk(target))
        case _:
            return
    for node in nodes:
        if isinstance(node, ast.Name):
            yield node.id


def _literal(statement: ast.stmt, name: str, shown: str) -> Any:
    match statement:
        case ast.Assign(targets=[*targets], value=value) if all(isinstance(target, ast.Name) for target in targets):
            node: ast.expr | None = value
        case ast.AnnAssign(target=ast.Name(), value=value):
            node = value
        case _:
            node = None
    try:
        if node is None:
            raise ValueError(name)
        return ast.literal_eval(node)
    except (ValueError, TypeError) as error:  # TypeError: an unhashable key
        written = " ".join(ast.unparse(statement).split())
        raise UsageError(
            f"{shown}:{statement.lineno}: {brief(written)[1:-1]}: not a literal; {name} is read without running the "
            "file, so write its value out"
        ) from error


def _routes(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                yield from _route(decorator, _ROUTE_DECORATORS)
        elif isinstance(node, ast.Call):
            yield from _route(node, _ROUTE_CALLS)


def _route(node: ast.expr, methods: Collection[str]) -> Iterator[str]:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods):
        return
    candidates = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "path")]
    for candidate in candidates:
        match candidate:
            case ast.Constant(value=str(route)) if route.startswith("/") and route.isprintable():
                yield route
