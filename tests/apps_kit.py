"""The corpus of `tests/apps`: each app's statement, in TOML between `# /// app` and `# ///`, as scripts carry their own
metadata in a comment (PEP 723); where the fault is, the source itself says (`# FAULT`)."""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Cause = Literal["waits", "computes", "cannot_run"]
Where = Literal["endpoint", "dependency", "middleware", "background", "generator", "startup", "other"]

APPS = Path(__file__).parent / "apps"
STATEMENT = re.compile(r"^# /// app\n((?:# .*\n)+)# ///$", re.MULTILINE)


@dataclass(frozen=True)
class Fault:
    file: Path
    lines: tuple[int, ...]  # several where a loop computes: any of them is right
    function: str
    cause: Cause
    where: Where
    ms: float


@dataclass(frozen=True)
class CorpusApp:
    name: str
    module: str
    app: str = "app"
    factory: bool = False
    route: str | None = None  # a template, with prefixes and mounts; none where no request is to blame
    path: str = "/health"
    status: int = 200
    env: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    fault: Fault | None = None  # a healthy app has none

    @property
    def target(self) -> str:
        return f"{self.module}:{self.app}"


def corpus(folder: Path = APPS) -> list[CorpusApp]:
    return [read_app(path) for path in sorted([*folder.glob("*.py"), *folder.glob("*/main.py")])]


def read_app(path: Path) -> CorpusApp:
    found = STATEMENT.search(path.read_text())
    if found is None:
        raise ValueError(f"{path}: no statement; begin it with `# /// app` and end it with `# ///`")
    stated = tomllib.loads("".join(line.removeprefix("# ") for line in found[1].splitlines(keepends=True)))
    expected = {key: stated.pop(key) for key in ("cause", "where", "ms") if key in stated}
    packaged = path.name == "main.py"
    name = path.parent.name if packaged else path.stem
    marked = [each for file in (path.parent.glob("*.py") if packaged else [path]) for each in _marked(file)]
    if bool(marked) != bool(expected) or len({(file, function) for file, _, function in marked}) > 1:
        raise ValueError(f"{path}: one fault has cause, where, ms and `# FAULT` in one function; a healthy app none")
    fault = None
    if marked:
        fault = Fault(marked[0][0], tuple(line for _, line, _ in marked), marked[0][2], **expected)
    if "route" in stated:
        stated.setdefault("path", stated["route"].partition(" ")[2])
    return CorpusApp(name, f"{name}.main" if packaged else name, fault=fault, **stated)


def _marked(file: Path) -> list[tuple[Path, int, str]]:
    source = file.read_text()
    lines = [i for i, line in enumerate(source.splitlines(), 1) if line.endswith("# FAULT")]
    return [(file, line, _function_at(source, line)) for line in lines]


def _function_at(source: str, line: int) -> str:
    """The innermost function around it."""
    functions = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    around = [f for f in functions if f.lineno <= line <= (f.end_lineno or f.lineno)]
    return max(around, key=lambda f: f.lineno).name
