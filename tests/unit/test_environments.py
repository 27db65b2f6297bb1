"""An environment for another Python is made once, is whole or is made again, and is of one Python and one lock."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import tomllib
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from harness.interpreters.environments import (
    environment_of,
    installed_in,
    is_whole,
    left_out,
    provide,
    python_of,
    reason_in,
    why_not_the_same,
)
from harness.interpreters.interpreter import OLDEST, Interpreter, InterpreterError, ask_interpreter
from harness.interpreters.targets_lock import TARGETS_LOCK, Locked, read_lock
from tests.children import child
from tests.serving_kit import is_running, wait_until

ROOT = Path(__file__).parents[2]
OWN = ask_interpreter(Path(sys.executable))
assert isinstance(OWN, Interpreter)
NO_HASH = f" \\\n    --hash=sha256:{'0' * 64}\n"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """Of nothing: no network is needed for it."""
    path = tmp_path / "some.lock"
    path.write_text("# nothing\n")
    return path


@pytest.fixture
def no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip finds is in this folder."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))


def wheel(folder: Path, name: str) -> str:
    """Makes one of the package `name` 1.0, and gives what a lock says of it."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}.py", "it = 1\n")
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{name.replace('_', '-')}==1.0 \\\n    --hash=sha256:{digest}\n"


def test_it_is_made_once_and_can_run(tmp_path: Path, lock: Path) -> None:
    told: list[str] = []
    environment = provide(OWN, told.append, tmp_path, lock)
    assert environment == environment_of(OWN, lock) and environment.startswith(f"{OWN.name}-")
    assert is_whole(environment, tmp_path)
    assert [f"making its environment, once ({tmp_path / environment})" in line for line in told] == [True]
    where = [python_of(environment, tmp_path), "-c", "import sys; print(sys.prefix, sys.version_info[:2])"]
    said = subprocess.run(where, capture_output=True, text=True, timeout=30, check=True).stdout
    assert said == f"{(tmp_path / environment)} {sys.version_info[:2]}\n"
    assert provide(OWN, told.append, tmp_path, lock) == environment
    assert len(told) == 1


def test_one_whose_making_was_interrupted_is_made_anew(tmp_path: Path, lock: Path) -> None:
    half = tmp_path / environment_of(OWN, lock)
    (half / "bin").mkdir(parents=True)
    (half / "bin" / "left").touch()
    assert not is_whole(half.name, tmp_path)
    provide(OWN, print, tmp_path, lock)
    assert is_whole(half.name, tmp_path) and not (half / "bin" / "left").exists()


def test_two_who_want_it_at_once_make_it_once(tmp_path: Path, lock: Path) -> None:
    told: list[str] = []
    with ThreadPoolExecutor(2) as both:
        made = [both.submit(provide, OWN, told.append, tmp_path, lock) for _ in range(2)]
    assert len({one.result() for one in made}) == 1
    assert len([line for line in told if "making its environment" in line]) == 1


MAKES = """
import sys
from pathlib import Path
import msgspec
from harness.interpreters.environments import provide
from harness.interpreters.interpreter import ask_interpreter
script, folder, lock = map(Path, sys.argv[1:])
provide(msgspec.structs.replace(ask_interpreter(Path(sys.executable)), path=script), print, folder, lock)
"""


def test_one_who_is_killed_while_he_makes_it_leaves_nothing_that_goes_on(tmp_path: Path, lock: Path) -> None:
    """And who comes next begins when that is gone."""
    endless = tmp_path / "python"
    endless.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    endless.chmod(0o755)
    with child([sys.executable, "-c", MAKES, str(endless), str(tmp_path), str(lock)], cwd=ROOT) as maker:
        wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip() != "")
        making = int((tmp_path / "pid").read_text())
        maker.send_signal(signal.SIGKILL)
        maker.wait(10)
        environment = provide(OWN, print, tmp_path, lock)
    assert not is_running(making)
    assert is_whole(environment, tmp_path)


def test_another_build_and_another_lock_have_another_one_and_another_way_to_it_has_not(
    tmp_path: Path, lock: Path
) -> None:
    other_lock = tmp_path / "other.lock"
    other_lock.write_text("# something\n")
    other_build = msgspec.structs.replace(OWN, build="another")
    assert len({environment_of(OWN, lock), environment_of(OWN, other_lock), environment_of(other_build, lock)}) == 3
    through_a_venv = msgspec.structs.replace(OWN, path=Path("/some/venv/bin/python3"))
    assert environment_of(through_a_venv, lock) == environment_of(OWN, lock)


def test_whether_it_is_still_the_same(tmp_path: Path, lock: Path) -> None:
    environment = provide(OWN, print, tmp_path, lock)
    assert why_not_the_same(environment, tmp_path, lock) == ""
    before = lock.read_text()
    lock.write_text("# something else\n")
    assert why_not_the_same(environment, tmp_path, lock) == (
        f"has changed: targets.lock is another one, or that Python, which is {OWN.version} now"
    )
    lock.write_text(before)
    Path(python_of(environment, tmp_path)).unlink()
    assert why_not_the_same(environment, tmp_path, lock) == "is not there any more"
    assert provide(OWN, print, tmp_path, lock) == environment
    assert why_not_the_same(environment, tmp_path, lock) == ""


@pytest.mark.usefixtures("no_index")
def test_what_has_no_wheel_and_what_needs_that_is_left_out(tmp_path: Path, lock: Path) -> None:
    there = wheel(tmp_path, "is_there")
    useless = wheel(tmp_path, "useless")
    lock.write_text(f"{there}no-wheel==2.0{NO_HASH}    # via useless\n{useless}")
    environment = provide(OWN, print, tmp_path, lock)
    assert installed_in(environment, tmp_path) == {"is-there"}
    assert left_out(environment, tmp_path) == {"no-wheel": "no-wheel==2.0", "useless": "no-wheel==2.0"}
    imported = [python_of(environment, tmp_path), "-I", "-c", "import is_there"]
    assert subprocess.run(imported, timeout=30, check=False).returncode == 0


@pytest.mark.usefixtures("no_index")
def test_without_what_every_target_needs_it_is_one_line_and_nothing_is_whole(tmp_path: Path, lock: Path) -> None:
    lock.write_text(
        f"fastapi==1.0{NO_HASH}    # via the project (pyproject.toml)\nno-wheel==2.0{NO_HASH}    # via fastapi\n"
    )
    with pytest.raises(InterpreterError) as caught:
        provide(OWN, print, tmp_path, lock)
    environment = environment_of(OWN, lock)
    assert str(caught.value) == (
        f"Python {OWN.version}: not used: there is no wheel of fastapi==1.0 for it "
        f"(all of it: {tmp_path / environment}.log); name other Pythons with --python"
    )
    assert not is_whole(environment, tmp_path)


@pytest.mark.usefixtures("no_index")
def test_what_the_shell_says_to_python_and_pip_does_not_reach_it(
    tmp_path: Path, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("VIRTUAL_ENV", "/nowhere")
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    lock.write_text(wheel(tmp_path, "is_there"))
    environment = provide(OWN, print, tmp_path, lock)
    assert installed_in(environment, tmp_path) == {"is-there"}
    assert not (tmp_path / "elsewhere").exists()
    assert list((tmp_path / environment).glob("lib/python*/site-packages/__pycache__/is_there.*.pyc"))


def test_a_python_that_is_gone_is_one_line(tmp_path: Path, lock: Path) -> None:
    gone = msgspec.structs.replace(OWN, path=Path("/nowhere/python"))
    with pytest.raises(InterpreterError, match=r"not used: cannot run /nowhere/python: .*; name other Pythons"):
        provide(gone, print, tmp_path, lock)


def test_one_older_than_the_lock_is_for_is_one_line(tmp_path: Path, lock: Path) -> None:
    old = msgspec.structs.replace(OWN, release="3.10.13", free_threaded=False)
    with pytest.raises(InterpreterError, match=r"^Python 3\.10\.13: not used: .* is locked for Python 3\.11 and newer"):
        provide(old, print, tmp_path, lock)
    assert [path.name for path in tmp_path.iterdir()] == ["some.lock"]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, lock: Path) -> None:
    with pytest.raises(InterpreterError, match=r"not used: .*some\.lock: .*; name other Pythons with --python$"):
        provide(OWN, print, lock, lock)


RETRYING = (
    "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection "
    "broken by 'NewConnectionError('Failed to establish a new connection: [Errno 111] Connection refused')': "
    "/simple/aiohttp/\n"
)


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (f"{sys.executable}: No module named pip\n", f"{sys.executable} has no pip to install with; run `make setup`"),
        (
            "ERROR: Could not find a version that satisfies the requirement uvloop==0.23.0 (from versions: none)\n"
            "ERROR: No matching distribution found for uvloop==0.23.0\n",
            "there is no wheel of uvloop==0.23.0 for it",
        ),
        (
            RETRYING + "ERROR: No matching distribution found for aiohttp==3.14.5\n",
            "the package index cannot be reached (NewConnectionError('Failed to establish a new connection: [Errno "
            "111] Connection refused'))",
        ),
        ("Error: [Errno 28] No space left on device\n", "Error: [Errno 28] No space left on device"),
        ("ERROR: a\x1b[31m\n\n", "a\N{REPLACEMENT CHARACTER}[31m"),
        ("", "it exited with 2 and said nothing"),
    ],
)
def test_the_reason_is_one_line(log: str, reason: str) -> None:
    assert reason_in(log, 2) == reason


def test_the_targets_lock_is_a_part_of_the_whole_one() -> None:
    """So a target has the same packages under every Python. What is for one of the two only has a marker more."""
    pinned = {package.pinned: hashes(package) for package in read_lock((ROOT / "requirements.lock").read_text())}
    ours = {package.pinned: hashes(package) for package in read_lock(TARGETS_LOCK.read_text())}
    assert len(ours) > 10
    assert ours.items() <= pinned.items()


def hashes(package: Locked) -> str:
    return package.text.partition("\n")[2]


def test_the_targets_lock_has_what_targets_need_and_no_tool_of_the_harness() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = {package.name for package in read_lock(TARGETS_LOCK.read_text())}
    assert {re.split(r"[\[;<>=\s]", name)[0] for name in project["dependency-groups"]["targets"]} <= names
    assert not names & {"locust", "gevent", "numpy", "pandas", "scipy", "msgspec", "pytest"}
    assert project["project"]["requires-python"] == f">={OLDEST[0]}.{OLDEST[1]}"
