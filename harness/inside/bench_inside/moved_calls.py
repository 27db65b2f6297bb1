"""Calls of the user's that run in a worker thread: `f(x)` becomes `await run_in_threadpool(f, x)` when Python reads the
file. Nothing is written: neither the file nor what Python keeps of it."""

from __future__ import annotations

import ast
import importlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

Span = tuple[int, ...]  # line, end line, column, end column, in bytes
_NAME = "bench_inside_run_in_threadpool"


class MovedCalls(MetaPathFinder):
    """`calls`: file, line, end line, column, end column of each."""

    def __init__(self, calls: Iterable[Sequence[Any]]) -> None:
        self._spans: dict[str, set[Span]] = {}
        for file, *span in calls:
            self._spans.setdefault(os.path.realpath(file), set()).add(tuple(span))
        self._read: set[str] = set()

    def install(self) -> None:
        """From now on, the files are read with the changes."""
        if self._spans:
            sys.meta_path.insert(0, self)

    def has_moved(self) -> bool:
        """Whether any file of them has been read."""
        return bool(self._read)

    def unmoved(self) -> Iterator[str]:
        """Where those are that have not been read."""
        for file, spans in self._spans.items():
            if file not in self._read:
                yield from (f"{Path(file).name}:{span[0]}" for span in sorted(spans))

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = None if finder is self or find is None else find(fullname, path, target)
            if spec is not None:
                return self._changed(spec)
        return None

    def _changed(self, spec: ModuleSpec) -> ModuleSpec:
        file = os.path.realpath(spec.origin or "")
        if file in self._spans and type(spec.loader) is SourceFileLoader:
            spec.loader = _ChangedFile(spec.loader.name, spec.loader.path, self._spans[file])
            self._read.add(file)  # an error in it ends the startup
        return spec


class _ChangedFile(SourceFileLoader):
    def __init__(self, name: str, path: str, spans: set[Span]) -> None:
        super().__init__(name, path)
        self._spans = spans

    def get_code(self, fullname: str) -> CodeType:
        mover = _Mover(self._spans)
        tree = mover.visit(ast.parse(self.get_data(self.path), self.path))
        if mover.left:
            raise ImportError(f"{self.path}:{min(mover.left)[0]}: there is no such call any more")
        return compile(ast.fix_missing_locations(tree), self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__[_NAME] = importlib.import_module("starlette.concurrency").run_in_threadpool
        super().exec_module(module)


class _Mover(ast.NodeTransformer):
    def __init__(self, spans: set[Span]) -> None:
        self.left = set(spans)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        span: Any = (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset)
        self.generic_visit(node)
        if span not in self.left:
            return node
        self.left.remove(span)
        runs = ast.Call(ast.Name(_NAME, ast.Load()), [node.func, *node.args], node.keywords)
        return ast.copy_location(ast.Await(ast.copy_location(runs, node)), node)
