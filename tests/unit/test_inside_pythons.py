"""What runs in a target's process is standard library only and runs on Python 3.9 to 3.14; so does the supervisor."""

from __future__ import annotations

import ast
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import inside
from harness.analysis.blocking_lines import cause_of
from harness.inside.bench_inside.settings import InsideSettings
from harness.processes import supervisor
from harness.results.records.probe_line import ProbeLine
from harness.results.store import read_lines
from harness.results.watch_files import WatchFiles
from tests.pythons import pythons

INSIDE = Path(inside.__file__).parent
SUPERVISOR = Path(supervisor.__file__)
SOURCES = [*sorted((INSIDE / "bench_inside").glob("*.py")), SUPERVISOR]
PLAIN_SERVER = Path(__file__).parents[1] / "plain_asgi_server.py"

# Newer than 3.9, but no syntax: these fail only when they run.
NEWER_NAMES = {
    *("BaseExceptionGroup", "ExceptionGroup", "EncodingWarning", "aiter", "anext", "add_note", "bit_count"),
    *("TaskGroup", "Runner", "timeout_at", "Barrier", "pairwise", "batched", "aclosing", "file_digest"),
    *("Self", "TypeAlias", "ParamSpec", "Concatenate", "TypeGuard", "assert_never", "override", "StrEnum", "UTC"),
    *("orig_argv", "stdlib_module_names", "process_cpu_count", "tomllib"),
}
NEWER_KEYWORDS = {
    "zip": {"strict"},
    "dataclass": {"slots", "kw_only", "weakref_slot"},
    "bisect": {"key"},
    "field": {"kw_only"},
    "glob": {"root_dir", "include_hidden"},
    "TemporaryDirectory": {"delete", "ignore_cleanup_errors"},
    "rmtree": {"onexc", "dir_fd"},
}
ONE_ARGUMENT_SINCE_3_10 = {"print_exception", "format_exception", "format_exception_only"}


def newer_than_3_9(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in NEWER_NAMES:
            yield f"{node.lineno}: {node.id}"
        if isinstance(node, ast.Attribute) and node.attr in NEWER_NAMES:
            yield f"{node.lineno}: .{node.attr}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            yield from (f"{node.lineno}: import {name}" for name in names if name in NEWER_NAMES)
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
            newer = NEWER_KEYWORDS.get(name, set()) & {keyword.arg for keyword in node.keywords}
            yield from (f"{node.lineno}: {name}({keyword}=...)" for keyword in newer)
            if name in ONE_ARGUMENT_SINCE_3_10 and len(node.args) < 2:
                yield f"{node.lineno}: {name} of one argument"


def imported(tree: ast.AST) -> Iterator[str]:
    """What it names, also in functions; relative imports stay inside the package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_its_source_is_python_3_9_and_imports_the_standard_library_only(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    assert list(newer_than_3_9(tree)) == []
    assert set(imported(tree)) <= sys.stdlib_module_names
    # With it `X | Y` in an annotation is never evaluated, which 3.9 cannot.
    assert any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body) or not [
        node for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)
    ]


@pytest.mark.parametrize(
    "source",
    [
        "zip(a, b, strict=True)",
        "traceback.print_exception(error)",
        "isinstance(e, ExceptionGroup)",
        "from typing import Self",
        "import tomllib",
        "asyncio.TaskGroup()",
        "@dataclass(slots=True)\nclass A: pass",
    ],
)
def test_what_fails_only_when_it_runs_is_seen(source: str) -> None:
    assert list(newer_than_3_9(ast.parse(source)))


PLAIN_APP = """
import time

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return
    if scope["path"] == "/block":
        time.sleep(0.25)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})
"""


def run_plain(python: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "probe").mkdir()
    (folder / "watch").mkdir()
    settings = InsideSettings("shop.main:app", folder, "secret", folder / "probe", watch_dir=folder / "watch")
    return subprocess.run(
        [python, "-I", "-S", str(PLAIN_SERVER), str(INSIDE)],
        env={**os.environ, **settings.variables()},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def write_app(folder: Path, content: str) -> None:
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").touch()
    (folder / "shop" / "main.py").write_text(content)


@pytest.mark.parametrize("version", pythons())
def test_a_plain_asgi_app_is_watched_without_any_package_installed(tmp_path: Path, version: str) -> None:
    """No AnyIO, no FastAPI: `-S` hides what this interpreter may have."""
    write_app(tmp_path, PLAIN_APP)
    done = run_plain(pythons()[version], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("'x-bench-token': 'secret'") == 2
    assert done.stdout.count("'x-bench-in-flight': '0'") == 2
    (path,) = (tmp_path / "probe").glob("*.jsonl")
    lines = read_lines(path, ProbeLine)
    assert (lines[-1].requests, lines[-1].in_flight) == (1, 0)
    assert max(lag for line in lines for lag in line.lags_us) >= 200_000
    assert any(line.overdue_us for line in lines)

    watched = WatchFiles.read(tmp_path / "watch")
    (request,) = [each for each in watched.requests if each.path == "/block"]
    (stretch,) = [each for each in watched.stretches if each.request == request.number]
    place = max(stretch.places, key=lambda each: each.ms)
    assert (place.file, place.line, place.function) == (str(tmp_path / "shop" / "main.py"), 11, "app")
    assert cause_of(place) == "waits"
    assert 240 <= stretch.ms <= 350


@pytest.mark.parametrize("version", pythons())
def test_an_app_that_does_not_import_is_one_line_and_an_exit(tmp_path: Path, version: str) -> None:
    write_app(tmp_path, "import os\nimport nowhere_to_be_found\n")
    done = run_plain(pythons()[version], tmp_path)
    assert done.returncode == 3
    line = "BENCH-ERROR: shop/main.py:2: ModuleNotFoundError: No module named 'nowhere_to_be_found'"
    assert line in done.stderr.splitlines()


@pytest.mark.parametrize("version", pythons())
def test_the_supervisor_runs_on_it(tmp_path: Path, version: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [pythons()[version], "-I", "-S", str(SUPERVISOR), "--fd", str(theirs.fileno()), "--nice", "0"]
        command += ["--", sys.executable, "-I", "-S", "-c", "print('hello'); raise SystemExit(7)"]
        log_path = tmp_path / "log"
        with log_path.open("wb") as log, subprocess.Popen(command, pass_fds=[theirs.fileno()], stderr=log) as process:
            theirs.close()
            ours.settimeout(30)
            heard = b""
            while not heard.endswith(b"gone\n"):
                heard += ours.recv(4096)
            ours.close()
            assert process.wait(30) == 0
    assert heard.split(b"\n")[1:] == [b"exit 7", b"gone", b""]
    assert log_path.read_text() == "hello\n"
