"""Names that a newcomer can search for: each public name of the harness means one thing."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "harness").rglob("*.py"))
# Names that a convention outside the project asks for: ASGI servers look for `app`, scripts have a `main`.
CONVENTIONAL = {"app", "main"}
# A command's file is named as the command, which is how a reader looks for it.
COMMANDS = {path.stem for path in (ROOT / "harness" / "cli").glob("*.py")}
MOST_LINES = 350


def public_names(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                names = [node.name]
            case ast.Assign(targets=targets):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name() as target):
                names = [target.id]
            case _:
                names = []
        yield from (name for name in names if not name.startswith("_"))


def test_no_two_public_things_share_a_name() -> None:
    where: dict[str, list[str]] = defaultdict(list)
    for path in MODULES:
        for name in set(public_names(path)) - CONVENTIONAL:
            where[name].append(path.relative_to(ROOT).as_posix())
    assert {name: paths for name, paths in where.items() if len(paths) > 1} == {}


def test_no_two_modules_share_a_name() -> None:
    where: dict[str, list[str]] = defaultdict(list)
    for path in MODULES:
        if not path.stem.startswith("__"):
            where[path.stem].append(path.relative_to(ROOT).as_posix())
    assert {name: paths for name, paths in where.items() if len(paths) > 1} == {}


def test_a_module_has_one_noun_and_so_a_bounded_length() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in MODULES}
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES} == {}


def test_at_the_root_of_the_harness_stand_rooms_the_plan_and_what_a_workload_imports() -> None:
    loose = {path.name for path in (ROOT / "harness").glob("*.py")}
    assert loose == {"__init__.py", "__main__.py", "plan.py", "scenario.py"}


def test_what_is_cited_can_be_opened_by_a_reader() -> None:
    """Working papers of the authors cannot."""
    tracked = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files"], check=True, capture_output=True, text=True, timeout=30
    ).stdout.splitlines()
    private = re.compile(r"DESIGN(\.md| section)|FACTS\.md|STYLE\.md|\b[Ii]ssue \d+ (asks|of)|\.\./shared")
    cited = [
        f"{name}:{number}"
        for name in tracked
        if name.endswith((".py", ".md", ".toml", ".j2")) and Path(name).name != Path(__file__).name
        for number, line in enumerate((ROOT / name).read_text(errors="replace").splitlines(), start=1)
        if private.search(line)
    ]
    assert cited == []


def test_every_file_that_the_documentation_names_is_there() -> None:
    for document in (*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        named = re.findall(r"`((?:harness|targets|scenarios|tests|docs|notebooks)/[\w./-]*)`", document.read_text())
        assert named or document.name == "cross-check.md", document
        missing = [name for name in named if not (ROOT / name).exists() and "<" not in name]
        assert missing == [], document
