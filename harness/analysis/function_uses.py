"""Whether an app uses a function of its own otherwise than FastAPI does: then it cannot become `def` alone. Pure."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping
from pathlib import PurePath

from harness.analysis.call_names import parsed

# They call what they are given, be it `def` or `async def`.
_FRAMEWORK = {
    *("Depends", "Security", "add_api_route", "add_route", "Route", "APIRoute", "add_task", "BackgroundTask"),
}
_TAKE_COROUTINES = {
    *("gather", "create_task", "ensure_future", "wait_for", "wait", "shield", "run", "start_soon", "partial", "start"),
}
_ITS_OWN = {"self", "cls", "super()"}
_ANYWHERE = ""
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Use = tuple[str, str]  # of the module with this last name, and of the function


def is_used(name: str, file: str, sources: Mapping[str, str]) -> bool:
    """Whether the app itself calls the function of that name in `file`, or hands it on: it would get no coroutine."""
    modules = frozenset(map(_module, sources))
    packages = {part for each in sources for part in PurePath(each).parts[:-1]}
    mentioned = {each: source for each, source in sources.items() if name in source}
    found = {use for each, source in mentioned.items() for use in _uses(source, _module(each), modules)}
    return any(
        used == name and (module in (_ANYWHERE, _module(file)) or (module not in modules and module in packages))
        for module, used in found
    )


def _module(file: str) -> str:
    path = PurePath(file)
    return path.parent.name if path.stem == "__init__" else path.stem


@functools.lru_cache(maxsize=512)
def _uses(source: str, module: str, modules: frozenset[str]) -> frozenset[_Use]:
    tree = parsed(source)
    imports = [alias for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in _names(node)]
    imports += [alias for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in _modules(node)]
    known = dict(imports)
    unknown = _ANYWHERE if "*" in known else module
    return frozenset(_Uses(known, unknown, modules).of(tree, frozenset()))


def _names(node: ast.ImportFrom) -> Iterator[tuple[str, _Use]]:
    module = (node.module or "").rpartition(".")[2]
    for alias in node.names:
        yield alias.asname or alias.name, (module, alias.name)


def _modules(node: ast.Import) -> Iterator[tuple[str, _Use]]:
    for alias in node.names:
        if alias.asname:
            parent, _, last = alias.name.rpartition(".")
            yield alias.asname, (parent, last)


class _Uses:
    """Of one file. `known`: where each name that it imports is from; others are of the module `unknown`."""

    def __init__(self, known: Mapping[str, _Use], unknown: str, modules: frozenset[str]) -> None:
        self._known = known
        self._unknown = unknown
        self._modules = modules

    def of(self, node: ast.AST, hidden: frozenset[str]) -> Iterator[_Use]:
        """`hidden`: names that mean something else there, which the function around it has set."""
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load) and node.id not in hidden:
                yield self._known.get(node.id, (self._unknown, node.id))
            return
        if isinstance(node, ast.Attribute):
            yield from self._of_attribute(node, is_coroutine=False)
            if isinstance(node.value, ast.Name):  # a module or an object: nothing is done with it itself
                return
        if isinstance(node, ast.Await):
            yield from self._of_coroutine(node.value)
        if isinstance(node, ast.Call) and _last_name(node.func) in _TAKE_COROUTINES:
            for each in _given(node):
                yield from self._of_coroutine(each)
        own = _bound(node) if isinstance(node, _FUNCTIONS) else frozenset()
        bodies = (node.body if isinstance(node.body, list) else [node.body]) if isinstance(node, _FUNCTIONS) else []
        left = _left_to_the_framework(node)
        for child in ast.iter_child_nodes(node):
            if child not in left:
                yield from self.of(child, hidden | own if child in bodies else hidden)

    def _of_coroutine(self, node: ast.expr) -> Iterator[_Use]:
        function = node.func if isinstance(node, ast.Call) else node
        if isinstance(function, ast.Attribute):
            yield from self._of_attribute(function, is_coroutine=True)

    def _of_attribute(self, node: ast.Attribute, *, is_coroutine: bool) -> Iterator[_Use]:
        whole = ast.unparse(node.value)
        known = self._known.get(whole)
        last = known[1] if known is not None else whole.rpartition(".")[2]
        if last in self._modules:
            yield last, node.attr
        elif is_coroutine or whole in _ITS_OWN:
            yield _ANYWHERE, node.attr


def _bound(function: _FUNCTIONS) -> frozenset[str]:
    arguments = [node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)]
    stored = [
        node.id for node in ast.walk(function) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    ]
    return frozenset([*arguments, *stored])


def _given(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(each.value for each in call.keywords)]


def _left_to_the_framework(node: ast.AST) -> list[ast.AST]:
    """Those parts of `node` that are functions which the framework is to call, or to call no more."""
    if isinstance(node, ast.Subscript):
        return [node.slice] if _last_name(node.value) == "dependency_overrides" else []
    if not isinstance(node, ast.Call):
        return []
    of_a_route = isinstance(node.func, ast.Call) and isinstance(node.func.func, ast.Attribute)  # app.get("/")(f)
    if not (of_a_route or _last_name(node.func) in _FRAMEWORK):
        return []
    named = [each for each in (*node.args, *(one.value for one in node.keywords)) if _is_name(each)]
    return [*named, *(one for one in node.keywords if _is_name(one.value))]


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, (ast.Name, ast.Attribute))


def _last_name(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]
