"""A Python says itself what it is; its file's name is only where to look."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.catalog.requirement import running_python
from harness.interpreters.interpreter import Interpreter, InterpreterError, ask_interpreter, check_pythons, choose
from harness.results.records.errors import UsageError

OWN = running_python().name
# Says what a build without the GIL would say.
NO_GIL = """#!/bin/sh
echo '{"implementation": "CPython", "release": "3.14.2", "free_threaded": true, "build": "3.14.2 free-threading build"}'
"""


def program(path: Path, content: str) -> Path:
    path.write_text(content)
    path.chmod(0o755)
    return path


def test_this_one() -> None:
    found = ask_interpreter(Path(sys.executable))
    assert isinstance(found, Interpreter)
    assert (found.name, found.version) == (OWN, str(running_python()))
    assert found.implementation == sys.implementation.name.replace("cpython", "CPython")


def test_one_without_the_gil(tmp_path: Path) -> None:
    found = ask_interpreter(program(tmp_path / "python3.14t", NO_GIL))
    assert isinstance(found, Interpreter)
    assert (found.name, found.version, found.free_threaded) == ("3.14t", "3.14.2t", True)
    assert choose("3.14t", {"3.14t": [found.path]}, "--python") == found


@pytest.mark.parametrize("content", ["", "#!/bin/sh\necho hello\n", "#!/bin/sh\necho '{}'\n", "#!/nowhere/python\n"])
def test_what_does_not_say_what_it_is(tmp_path: Path, content: str) -> None:
    said = ask_interpreter(program(tmp_path / "python3.14", content))
    assert isinstance(said, str) and said.startswith("does not start (")


def test_the_first_that_starts_and_is_what_its_name_says(tmp_path: Path) -> None:
    paths = [program(tmp_path / "python-a", ""), program(tmp_path / "python-b", NO_GIL), Path(sys.executable)]
    assert choose(OWN, {OWN: paths}, "--python").path == Path(sys.executable)


def test_one_that_is_not_there_is_one_line_that_lists_those_that_are() -> None:
    with pytest.raises(InterpreterError) as caught:
        choose("3.15", {"3.9": [], "3.12": [], "3.13": []}, "--python")
    assert str(caught.value) == (
        "--python 3.15: not available here: it is not on the PATH, and neither pyenv nor uv has it; "
        "there are: 3.12, 3.13"
    )


def test_one_that_is_something_else_is_one_line(tmp_path: Path) -> None:
    path = program(tmp_path / "python3.14", NO_GIL)
    with pytest.raises(InterpreterError) as caught:
        choose("3.14", {"3.14": [path]}, "--python")
    assert str(caught.value) == f"--python 3.14: not available here: {path} is CPython 3.14.2t; there are none"


@pytest.mark.parametrize("name", ["python3.13", "3.12.1", "3", "newest"])
def test_what_is_no_name_of_a_python_is_one_line(name: str) -> None:
    check_pythons(["3.12", "3.14t"], "--python")
    with pytest.raises(UsageError) as caught:
        check_pythons(["3.12", name], "--python")
    assert str(caught.value) == (f"--python {name}: is not a Python; write it like 3.13, or 3.14t without the GIL")
