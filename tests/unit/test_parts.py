"""`make test` itself: no part is empty by accident, and no hanging test stops the rest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.__main__ import NOTHING_RAN, Ended, Part, choose_tests, exit_code, summary
from tests.conftest import CHECKING, MEASURING, TESTS
from tests.parts import SIMULATING

ROOT = TESTS.parent


@pytest.mark.parametrize(
    ("codes", "chosen", "code"),
    [
        ([0, 0], False, 0),
        ([0, 1], False, 1),
        ([1, 0], False, 1),
        ([0, NOTHING_RAN], True, 0),
        ([NOTHING_RAN, 0], True, 0),
        ([0, NOTHING_RAN], False, NOTHING_RAN),
        ([1, NOTHING_RAN], False, 1),
        ([NOTHING_RAN, NOTHING_RAN], True, NOTHING_RAN),
        ([2], False, 2),
        ([-9, 0], False, 137),
    ],
)
def test_a_part_that_fails_or_is_empty_by_accident_fails_the_whole(codes: list[int], chosen: bool, code: int) -> None:
    assert exit_code(codes, chosen=chosen) == code


@pytest.mark.parametrize(
    ("arguments", "choose"),
    [([], False), (["-q", "-x", "--durations=5"], False), (["-k", "catalog"], True), (["tests/unit"], True)],
)
def test_only_arguments_that_choose_tests_may_leave_a_part_empty(arguments: list[str], choose: bool) -> None:
    assert choose_tests(arguments) is choose


def test_the_end_shows_the_slowest_of_both_parts_and_one_line_of_totals() -> None:
    together = Part(0, 100.0, [Ended(f"quick{number}", number / 10, "passed") for number in range(30)])
    alone = Part(1, 50.4, [Ended("slow", 40.0, "passed"), Ended("bad", 2.85, "failed"), Ended("not", 0.0, "skipped")])
    said = summary({"together": together, "alone": alone}).splitlines()
    assert [line.split()[-1] for line in said[2:5]] == ["slow", "quick29", "bad"]
    assert len(said) == 2 + 10 + 1
    assert said[-1] == "33 tests in 150 s (together 100 s, alone 50 s): 31 passed, 1 failed, 1 skipped"


def test_every_name_that_conftest_marks_is_there() -> None:
    for entry in MEASURING | CHECKING:
        file, _, name = entry.partition("::")
        assert not name or f"def {name}(" in (TESTS / file).read_text(encoding="utf-8"), entry


def test_every_file_that_is_split_is_there() -> None:
    assert all((ROOT / path).is_file() for path in SIMULATING)


HANGS = """
import time
import pytest

def test_before(): pass

def test_that_waits_for_ever(): time.sleep(600)

def test_after(): pass

@pytest.mark.measures
def test_that_measures(): assert False, "in the other part"
"""


def test_a_test_that_waits_for_ever_fails_once_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "test_hangs.py").write_text(HANGS)
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-p", "tests.conftest"]
    command += ["--rootdir", str(tmp_path), "-p", "no:cacheprovider", "-o", "faulthandler_timeout=2"]
    command += ["-n", "1", "--dist", "loadfile", "--part", "together", "-q", str(tmp_path / "test_hangs.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 2 passed" in done.stdout, done.stdout + done.stderr
    assert "test_that_waits_for_ever" in done.stdout
    assert "in test_that_waits_for_ever" in done.stderr, "its stack"
