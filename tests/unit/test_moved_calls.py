"""Calls that are changed while Python reads a file: where they run then, and what stays as it is."""

from __future__ import annotations

import ast
import asyncio
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.inside.bench_inside.moved_calls import MovedCalls
from harness.inside.bench_inside.remedied import Remedied
from harness.inside.bench_inside.remedies import RemedyError, RemedyOrder
from tests.remedied_shop import answered, make_app

SOURCE = '''
"""A module of the user's: é counts as two bytes."""
from __future__ import annotations
import asyncio, threading

NAME = "MainThread"

def where(*, é: str = "", again=None) -> str:
    return threading.current_thread().name if again is None else again()

async def plain():
    await asyncio.sleep(0)
    return {"é": where(é="x"), "stays": where()}

async def nested(prefix):
    def of_its_own():
        return where()

    async def parts():
        for _ in range(2):
            yield prefix + where()
            await asyncio.sleep(0)

    return [each async for each in parts()], of_its_own()

class View:
    async def get(self):
        return where(again=super().__repr__), [where() for _ in range(2)]

async def raises():
    return int("x")
'''
MODULE = "moved_calls_of_a_user"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    (tmp_path / f"{MODULE}.py").write_text(SOURCE)
    yield tmp_path
    sys.modules.pop(MODULE, None)


def span(text: str, number: int = 0) -> tuple[int, int, int, int]:
    """Of the call that is written like this."""
    calls = [node for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.Call)]
    found = sorted(
        (each.lineno, each.end_lineno, each.col_offset, each.end_col_offset)
        for each in calls
        if ast.unparse(each) == text
    )
    return found[number]  # type: ignore[return-value]


def read(folder: Path, *spans: tuple[int, int, int, int]) -> ModuleType:
    calls = MovedCalls([[str(folder / f"{MODULE}.py"), *each] for each in spans])
    calls.install()
    module = importlib.import_module(MODULE)
    assert list(calls.unmoved()) == []
    return module


def run(made: Any) -> Any:
    return asyncio.run(made)


def test_the_call_runs_in_a_thread_and_its_neighbour_does_not(folder: Path) -> None:
    module = read(folder, span("where(é='x')"))
    assert run(module.plain()) == {"é": "AnyIO worker thread", "stays": "MainThread"}


def test_also_in_a_generator_within_a_function_and_in_a_method(folder: Path) -> None:
    module = read(folder, span("where()", 2), span("where()", 3))
    assert run(module.nested("in ")) == (["in AnyIO worker thread"] * 2, "MainThread")
    assert run(module.View().get())[1] == ["AnyIO worker thread"] * 2


def test_what_it_raises_is_raised_at_its_line(folder: Path) -> None:
    module = read(folder, span("int('x')"))
    with pytest.raises(ValueError, match="invalid literal") as raised:
        run(module.raises())
    lines = [each.lineno + 1 for each in raised.traceback if each.path == folder / f"{MODULE}.py"]
    assert lines == [span("int('x')")[0]]


def test_nothing_is_written(folder: Path) -> None:
    read(folder, span("where(é='x')"))
    assert [path.name for path in folder.iterdir()] == [f"{MODULE}.py"]
    assert (folder / f"{MODULE}.py").read_text() == SOURCE


def test_without_calls_nothing_is_installed() -> None:
    before = list(sys.meta_path)
    MovedCalls([]).install()
    assert sys.meta_path == before


def test_a_file_that_has_changed_since_is_said(folder: Path) -> None:
    with pytest.raises(ImportError, match=rf"{MODULE}\.py:3: there is no such call any more$"):
        read(folder, (3, 3, 0, 9))


def test_a_file_that_is_not_read_in_the_startup_is_said(folder: Path) -> None:
    calls = MovedCalls([[str(folder / f"{MODULE}.py"), 12, 12, 4, 9]])
    calls.install()
    words = rf"^{MODULE}\.py:12: the app has not read this file in its startup, so the call in it stays where it is$"
    with pytest.raises(RemedyError, match=words):
        asyncio.run(answered(Remedied(make_app(), RemedyOrder(), calls), "/ping"))


def test_one_that_is_not_read_keeps_no_other_from_being_moved(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    calls = MovedCalls([[str(folder / f"{MODULE}.py"), *span("where(é='x')")], [str(folder / "late.py"), 1, 1, 0, 3]])
    calls.install()
    importlib.import_module(MODULE)
    answers = asyncio.run(answered(Remedied(make_app(), RemedyOrder(), calls), "/ping"))
    assert answers["/ping"].status == 200
    words = "late.py:1: the app has not read this file in its startup, so the call in it stays where it is"
    assert capsys.readouterr().err.splitlines() == [f"BENCH-NOTE: {words}"]
