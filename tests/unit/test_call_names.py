from __future__ import annotations

import pytest

from harness.analysis.call_names import call_name

SOURCE = """
import time
from time import sleep as pause
import numpy as np
def f(name):
    time.sleep(1)
    pause(2)
    return {"valid": NAME.match(name.strip()) is not None}
    total = a + b
    np.linalg.inv(x)
"""


def columns(line: int, part: str) -> tuple[int, int, int, int]:
    begin = SOURCE.splitlines()[line - 1].index(part)
    return line, line, begin, begin + len(part)


@pytest.mark.parametrize(
    ("line", "part", "name"),
    [
        (6, "time.sleep(1)", "time.sleep"),
        (7, "pause(2)", "time.sleep"),
        (8, "NAME.match(name.strip())", "NAME.match"),
        (8, "name.strip()", "name.strip"),
        (8, "NAME.match(name.strip()) is not None", "NAME.match"),  # the GIL was given away after the call
        (9, "a + b", None),
        (10, "np.linalg.inv(x)", "numpy.linalg.inv"),
    ],
)
def test_the_call_in_the_part_that_was_executed(line: int, part: str, name: str | None) -> None:
    assert call_name(SOURCE, line, columns(line, part)) == name


def test_without_columns_the_first_call_of_the_line() -> None:
    """Python 3.9 and 3.10 do not tell them."""
    assert call_name(SOURCE, 7, ()) == "time.sleep"
    assert call_name(SOURCE, 8, ()) == "NAME.match"
    assert call_name(SOURCE, 9, ()) is None


def test_what_this_python_cannot_read_has_no_name() -> None:
    assert call_name("def f(:\n  sleep()\n", 2, ()) is None
    assert call_name("", 2, ()) is None
