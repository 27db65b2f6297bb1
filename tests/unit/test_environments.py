"""An environment for another Python is made once, is whole or is made again, and is of one Python and one lock."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from harness.interpreters.environments import TARGETS_LOCK, environment_of, is_whole, provide, python_of, reason_in
from harness.interpreters.interpreter import OLDEST, Interpreter, InterpreterError, ask_interpreter

ROOT = Path(__file__).parents[2]
OWN = ask_interpreter(Path(sys.executable))
assert isinstance(OWN, Interpreter)
NOWHERE = f"nothing-like-this==1.0 --hash=sha256:{'0' * 64}\n"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """Of nothing: no network is needed for it."""
    path = tmp_path / "some.lock"
    path.write_text("# nothing\n")
    return path


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
    assert len(told) == 1


def test_another_build_and_another_lock_have_another_one(tmp_path: Path, lock: Path) -> None:
    other_lock = tmp_path / "other.lock"
    other_lock.write_text("# something\n")
    other_build = msgspec.structs.replace(OWN, build="another")
    other_place = msgspec.structs.replace(OWN, path=Path("/elsewhere/python"))
    names = {environment_of(OWN, lock), environment_of(OWN, other_lock)}
    names |= {environment_of(other, lock) for other in (other_build, other_place)}
    assert len(names) == 4
    assert environment_of(OWN, lock) in names


def test_a_package_that_it_cannot_have_is_one_line_and_nothing_is_whole(
    tmp_path: Path, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    lock.write_text(NOWHERE)
    with pytest.raises(InterpreterError) as caught:
        provide(OWN, print, tmp_path, lock)
    environment = environment_of(OWN, lock)
    assert str(caught.value) == (
        f"Python {OWN.version}: not used: there is no wheel of nothing-like-this==1.0 for it "
        f"(all of it: {tmp_path / environment}.log); name other Pythons with --python"
    )
    assert not is_whole(environment, tmp_path)


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
    "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken "
    "by 'NewConnectionError('Failed to establish a new connection: [Errno 111] Connection refused')': /simple/aiohttp/\n"
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


def blocks(path: Path) -> set[str]:
    """What is pinned, with its marker and hashes, and without the comments."""
    text = "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))
    return {block.replace(" \\", "").strip() for block in re.split(r"\n(?=\S)", text)}


def test_the_targets_lock_is_a_part_of_the_whole_one() -> None:
    """So a target has the same packages under every Python."""
    ours, all_of_them = blocks(TARGETS_LOCK), blocks(ROOT / "requirements.lock")
    assert len(ours) > 10
    assert {block.partition("\n")[0] for block in ours - all_of_them} == set()


def test_the_targets_lock_has_what_targets_need_and_no_tool_of_the_harness() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = {re.split(r"[=\s]", block)[0] for block in blocks(TARGETS_LOCK)}
    assert {re.split(r"[;<>=\s]", name)[0] for name in project["dependency-groups"]["targets"]} <= names
    assert not names & {"locust", "gevent", "numpy", "pandas", "scipy", "msgspec", "pytest"}
    assert project["project"]["requires-python"] == f">={OLDEST[0]}.{OLDEST[1]}"
