"""A job summary is tables, whatever an app is called and says."""

from __future__ import annotations

import re

import msgspec

from harness.report.app_markdown import app_markdown
from harness.report.wording import TIMES
from tests import handmade_app as made


def test_it_says_what_failed_and_what_helps() -> None:
    said = app_markdown(made.report(made.analysis(), max_blocked_ms=20))
    assert said.startswith(
        "### `shop.main:app`: what blocks its event loop\n\n- **failed**: GET /slow: blocked for 57.9"
    )
    lines = said.splitlines()
    for line in (
        "| `GET /slow` | async def | 60.4 ms | 57.9 ms | 0 ms | 1.20 ms |",
        "| `shop/main.py:15 slow` | waits for 57.9 ms in time.sleep | endpoint | `GET /slow` |",
        "| `GET /slow` | closed loop | 100/s [90.0, 110] | 101 ms | 134 ms | 9.00 ms |",
        "| all routes | 30.0/s | 100/s [90.0, 110] | 101 ms | 134 ms | 9.00 ms |",
        f"| `GET /slow` | `def` in place of `async def` | {TIMES}14.0 [12.1, 17.2] |",
        f"| all routes | 2 workers | {TIMES}1.10 [0.900, 1.30] (open) |",
        "- granian in place of uvicorn, all routes: does not apply: `granian` is not installed",
        "    time.sleep(0.06)",
    ):
        assert line in lines, said


def test_without_load_there_is_nothing_of_it() -> None:
    said = app_markdown(made.report())
    assert "GET /slow" in said and "/health" not in said and "granian" not in said


def test_hostile_words_make_no_markup_and_no_further_cell() -> None:
    said = app_markdown(made.hostile_report(made.analysis()))
    assert "\x1b" not in said and "\u202e" not in said
    # In code, between two backticks or behind a fence, nothing is markup; there are no other backticks.
    outside = re.sub(r"^(`{3,})\n.*?^\1$", "", said, flags=re.DOTALL | re.MULTILINE)
    outside = re.sub(r"`[^`\n]*`", "", outside)
    assert "`" not in outside
    assert re.findall(r"<(?!/?code>)", outside) == []
    assert "![x]" not in outside
    for table in re.findall(r"(?:^\|.*\n)+", said, flags=re.MULTILINE):
        assert len({row.count("|") for row in table.splitlines()}) == 1, table


def test_a_change_cannot_leave_its_fence() -> None:
    said = app_markdown(made.hostile_report(made.analysis()))
    assert said.count("\n````\n") == 2  # the change itself has a line of three


def test_it_stays_small_whatever_the_size_of_the_app() -> None:
    report = made.report()
    many = msgspec.structs.replace(report, findings=(made.LINE,) * 5000)
    said = app_markdown(many)
    assert "| and 4900 more | | | |" in said
    assert len(said) < 100_000
