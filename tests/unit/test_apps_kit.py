from __future__ import annotations

from pathlib import Path

import pytest

from tests.apps_kit import corpus, read_app

HEADER = '# /// app\n# route = "GET /a"\n{}# ///\n'
EXPECTED = '# cause = "waits"\n# where = "endpoint"\n# ms = 60\n'


def written(folder: Path, expected: str, body: str) -> Path:
    path = folder / "small.py"
    path.write_text(HEADER.format(expected) + body)
    return path


def test_the_line_and_the_function_are_those_of_the_mark(tmp_path: Path) -> None:
    body = "def outer():\n    async def inner():\n        wait()  # FAULT\n    return inner\n"
    app = read_app(written(tmp_path, EXPECTED, body))
    assert app.fault is not None
    assert (app.fault.lines, app.fault.function, app.path) == ((9,), "inner", "/a")


@pytest.mark.parametrize(("expected", "body"), [(EXPECTED, "x = 1\n"), ("", "def f():\n    wait()  # FAULT\n")])
def test_a_mark_without_a_statement_or_the_reverse_is_refused(tmp_path: Path, expected: str, body: str) -> None:
    with pytest.raises(ValueError, match="one fault has"):
        read_app(written(tmp_path, expected, body))


def test_an_app_without_a_statement_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.py"
    path.write_text("app = None\n")
    with pytest.raises(ValueError, match="no statement"):
        read_app(path)


def test_the_corpus_has_every_cause_and_place() -> None:
    faults = [app.fault for app in corpus() if app.fault]
    assert len(faults) >= 24
    assert len(corpus()) - len(faults) >= 10
    assert {fault.cause for fault in faults} == {"waits", "computes", "cannot_run"}
    places = {"endpoint", "dependency", "middleware", "background", "generator", "startup", "other"}
    assert {fault.where for fault in faults} == places
