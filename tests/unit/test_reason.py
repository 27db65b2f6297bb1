from __future__ import annotations

from pathlib import Path

import pytest

from harness.inside.bench_inside.reason import one_line
from harness.serving.last_words import last_words

ROOT = Path("/somewhere")


def _raised(source: str, filename: str) -> BaseException:
    try:
        exec(compile(source, filename, "exec"), {})  # the file name is what is under test
    except BaseException as error:  # noqa: BLE001 - any: it is the value under test
        return error
    raise AssertionError("nothing was raised")


def test_names_the_line_in_the_target_that_raised() -> None:
    source = "import json\n\njson.loads('{')\n"
    error = _raised(source, str(ROOT / "targets/foo.py"))
    assert one_line(error, "foo", ROOT).startswith("targets/foo.py:3: JSONDecodeError: Expecting property name")


def test_names_the_target_when_the_line_is_elsewhere() -> None:
    error = _raised("1 / 0", "/usr/lib/other.py")
    assert one_line(error, "foo", ROOT) == "targets/foo.py: ZeroDivisionError: division by zero"


def test_names_the_line_of_a_syntax_error() -> None:
    error = _raised("x = 1\ndef f(:\n", str(ROOT / "targets/bad.py"))
    assert one_line(error, "foo", ROOT) == "targets/bad.py:2: SyntaxError: invalid syntax"


def test_looks_into_a_task_groups_exception_and_stays_one_line() -> None:
    error = ExceptionGroup("unhandled errors in a TaskGroup", [ValueError("first\n  second")])
    assert one_line(error, "foo", ROOT) == "targets/foo.py: ValueError: first second"


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("", ""),
        ("Traceback (most recent call last):\n  File 'x'\nValueError: a\nBENCH-ERROR: targets/a.py:1: b\nnoise\n",
         "targets/a.py:1: b"),
        ("ERROR:    Traceback (most recent call last):\n  File 'x'\nRuntimeError: no such table\n\n"
         "ERROR:    Application startup failed. Exiting.\n", "RuntimeError: no such table"),
        ("ERROR:    [Errno 98] address already in use\n", "[Errno 98] address already in use"),
        ("INFO:     Started\nWARNING:  old\n", ""),
        ("y" * 1000 + "\n", "y" * 300),
    ],
)  # fmt: skip
def test_last_words(tmp_path: Path, log: str, words: str) -> None:
    path = tmp_path / "server.log"
    path.write_text(log)
    assert last_words(path) == words


def test_no_log_has_no_words(tmp_path: Path) -> None:
    assert last_words(tmp_path / "missing.log") == ""
