"""A function with the change, as its author wrote it."""

from __future__ import annotations

import pytest

from harness.analysis.written_function import written_as

SOURCE = """
import time
from fastapi import APIRouter

router = APIRouter(prefix="/v1")

class Orders:
    @router.get(
        "/orders/{order}",

        tags=["def"],
    )
    @cached
    async   def show(
        order: int,
    ):
        return await stored(order)

    def ping(self): return {}  # def
"""
FILE = "/shop/main.py"


def written(becomes: str, line: int, source: str = SOURCE) -> list[str]:
    return written_as(becomes, "show", (FILE, line), {FILE: source})


def test_the_decorators_and_the_line_that_changes_are_shown_as_they_are() -> None:
    assert written("def", 8) == [
        "# main.py:14",
        "@router.get(",
        '    "/orders/{order}",',
        '    tags=["def"],',
        ")",
        "@cached",
        "def show(  # was: async def",
    ]
    assert written("async def", 19) == ["# main.py:19", "async def ping(self): return {}  # def  # was: def"]


@pytest.mark.parametrize("source", ["", "x = (", "async def other():\n    pass\n"])
def test_without_its_source_it_has_no_decorators(source: str) -> None:
    assert written("def", 8, source) == ["def show(...):  # was: async def"]
