"""All tests: first those that only check, several at once; then those that measure, one at a time with nothing beside.

    python -m tests [--part together|alone] [ARGUMENTS OF PYTEST]        # make test ARGS="-k catalog"

Exits with the code of the part that failed first. A part in which nothing ran is a failure, too, unless the arguments
chose tests of the other part.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from math import ceil, inf
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.machine.cgroup import quota_cores
from harness.machine.partition import available_cpus
from tests.parts import PARTS

ROOT = Path(__file__).parents[1]
# One more than CPUs: the tests of the first part boot servers, and wait a little. A container may have fewer CPUs
# than its machine.
CPUS = ceil(min(len(available_cpus()), quota_cores() or inf))
WORKERS = {"together": CPUS + 1, "alone": 1}
TITLES = {"together": "what checks, {workers} at once", "alone": "what measures, one at a time"}
NOTHING_RAN = pytest.ExitCode.NO_TESTS_COLLECTED


class Ended(NamedTuple):
    """One test. Its time contains the fixtures that it was the first to need."""

    name: str
    seconds: float
    outcome: str


class Part(NamedTuple):
    code: int
    seconds: float
    tests: list[Ended]


def run_part(name: str, arguments: Sequence[str]) -> Part:
    print(f"\n{TITLES[name].format(workers=WORKERS[name])}", flush=True)
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tally = Path(folder) / "tally.json"
        command = [sys.executable, "-m", "pytest", "--part", name, "--tally", str(tally)]
        command += ["-n", str(WORKERS[name]), "--dist", "loadfile", "--no-loadscope-reorder", *arguments]
        code = subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode
        tests = [Ended(*line) for line in json.loads(tally.read_text())] if tally.exists() else []
    return Part(code, time.monotonic() - began_s, tests)


def environment() -> dict[str, str]:
    """Lets pytest keep its compiled files: each of its workers reads every test file. And each process multiplies small
    matrices on one thread: several would wait for each other on CPUs that the other workers use."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {"OPENBLAS_NUM_THREADS": "1", **kept}


def exit_code(codes: Sequence[int], *, chosen: bool) -> int:
    """`chosen`: arguments may have left one part without a test, though never both. Negative is the signal that ended
    pytest itself."""
    for code in codes:
        if code not in (pytest.ExitCode.OK, NOTHING_RAN):
            return code if code > 0 else 128 - code
    empty = [code for code in codes if code == NOTHING_RAN]
    return NOTHING_RAN if len(empty) == len(codes) or (empty and not chosen) else 0


def choose_tests(arguments: Sequence[str]) -> bool:
    return not all(re.fullmatch(r"-[qvxsl]+|--durations=\d+", argument) for argument in arguments)


def summary(parts: dict[str, Part], *, slowest: int = 10) -> str:
    tests = sorted((test for part in parts.values() for test in part.tests), key=lambda test: -test.seconds)
    outcomes = [test.outcome for test in tests]
    counts = [f"{outcomes.count(outcome)} {outcome}" for outcome in ("passed", "failed", "skipped")]
    times = [f"{name} {part.seconds:.0f} s" for name, part in parts.items()]
    total_s = sum(part.seconds for part in parts.values())
    return "\n".join(
        [
            f"\nthe {slowest} slowest:",
            *(f"{test.seconds:7.1f} s  {test.name}" for test in tests[:slowest]),
            f"{len(tests)} tests in {total_s:.0f} s ({', '.join(times)}): {', '.join(counts)}",
        ]
    )


def main(command_line: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("python -m tests", allow_abbrev=False, add_help=False)
    parser.add_argument("--part", choices=PARTS)
    chosen, arguments = parser.parse_known_args(command_line)
    parts = {}
    for name in [chosen.part] if chosen.part else PARTS:
        parts[name] = run_part(name, arguments)
        if parts[name].code == pytest.ExitCode.INTERRUPTED or (parts[name].code and "-x" in arguments):
            break
    print(summary(parts))
    return exit_code([part.code for part in parts.values()], chosen=choose_tests(arguments))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
