from __future__ import annotations

from pathlib import Path

import pytest

from harness.inside.bench_inside import reason
from harness.inside.bench_inside.reason import one_line, source_of

APP = "targets.foo:app"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "foo.py").touch()
    return tmp_path


def _raised(source: str, filename: Path | str) -> BaseException:
    try:
        exec(compile(source, str(filename), "exec"), {})  # the file name is what is under test
    except BaseException as error:  # noqa: BLE001 - any: it is the value under test
        assert error.__traceback__ is not None
        return error.with_traceback(error.__traceback__.tb_next)  # without the frame of this test
    raise AssertionError("nothing was raised")


def test_names_the_line_in_the_target_that_raised(root: Path) -> None:
    error = _raised("import json\n\njson.loads('{')\n", root / "targets/foo.py")
    assert one_line(error, APP, root).startswith("targets/foo.py:3: JSONDecodeError: Expecting property name")


@pytest.mark.parametrize("elsewhere", ["/usr/lib/other.py", ".venv/lib/python3.11/site-packages/other.py"])
def test_names_the_target_when_the_line_is_elsewhere(root: Path, elsewhere: str) -> None:
    error = _raised("1 / 0", root / elsewhere)
    assert one_line(error, APP, root) == "targets/foo.py: ZeroDivisionError: division by zero"


def test_a_line_of_ours_is_never_named() -> None:
    folder = Path(reason.__file__).parents[3]  # where the repository's own targets are imported from
    error = _raised("1 / 0", reason.__file__)
    assert one_line(error, "targets.sync_def:app", folder) == "targets/sync_def.py: ZeroDivisionError: division by zero"


def test_names_the_line_of_a_syntax_error(root: Path) -> None:
    error = _raised("x = 1\ndef f(:\n", root / "targets/bad.py")
    assert one_line(error, APP, root) == "targets/bad.py:2: SyntaxError: invalid syntax"


def test_looks_into_a_task_groups_exception_and_stays_one_line(root: Path) -> None:
    error = ExceptionGroup("unhandled errors in a TaskGroup", [ValueError("first\n  second")])
    assert one_line(error, APP, root) == "targets/foo.py: ValueError: first second"


def test_the_source_of_an_app_is_its_file_or_what_it_is_called(root: Path) -> None:
    (root / "shop").mkdir()
    (root / "shop" / "__init__.py").touch()
    assert source_of("targets.foo:app", root) == "targets/foo.py"
    assert source_of("shop:application.asgi", root) == "shop/__init__.py"
    (root / "src" / "paid").mkdir(parents=True)
    (root / "src" / "paid" / "main.py").touch()
    assert source_of("paid.main:app", root) == "src/paid/main.py"
    assert source_of("installed.app:app", root) == "installed.app:app"
