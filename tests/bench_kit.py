"""Runs the real `bench` command in a small project for one test, and proves that no process is left."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.judging.validity import DISTURBANCES
from harness.results.raw_slice import recorded_boots
from harness.results.records.boot_record import BootRecord
from harness.results.records.slice_record import SliceRecord
from harness.results.store import BootFolder, Run
from tests.children import child

CHECKOUT = Path(__file__).parents[1]
_MARK = "TEST_OF_BENCH"

# Every step once, and short: for tests that do not depend on the profile.
TINY = """
title = "tiny"
workloads = ["io"]
users = 8
sessions = 1
rounds = 1
warmup_s = 0.2
capacity_s = 0.4
rates = [{ percent = 30, duration_s = 0.4 }]
pilot_warmup_s = 0.2
pilot_capacity_s = 0.3
pilot_idle_s = 0.3
max_in_flight = 32
drain_s = 0.5
request_timeout_s = 5.0
health_rate_rps = 20.0
ready_s = 30.0
shutdown_s = 1.0
quiet_s = 0.0
# Other tests run at the same time.
others_most_cores = 100.0
"""


# `bench`, for `Project`, with separate CPUs, as on a machine with four or more: the first for the target, the second
# reserved.
PARTITIONED = (
    "-c",
    """
from harness.machine import partition
from harness.results.records.machine_record import Partition
cpus = partition.available_cpus()[:2]
partition.detect = lambda: Partition(cpus, cpus[:1], cpus[1:], None, True)
from harness.cli.command_line import main
main()
""",
)


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def measured_everything(self) -> bool:
        """Exit code 0, or 3 for nothing but a cell that was disturbed: a neighbour on a shared machine can do that to
        the only slice of half a second, so that it may have no answer at all, and only the tests about validity
        are about it."""
        lines = [line for line in self.err.splitlines() if line.startswith(("problem: ", "not measured: ", "bench: "))]
        found = [re.fullmatch(r"problem: \S+ on \w+: no valid data \((.*)\)", line) for line in lines]
        return self.code == 0 or (
            self.code == 3
            and bool(found)
            and all(match is not None and _is_disturbed(set(match[1].split(", "))) for match in found)
        )


def _is_disturbed(codes: set[str]) -> bool:
    return bool(codes & DISTURBANCES) and codes - DISTURBANCES <= {"no_answer"}


class Project:
    """A folder with `targets/` and `scenarios/`, where `bench` is run."""

    def __init__(
        self,
        root: Path,
        strategies: Sequence[str],
        profile: str = TINY,
        command: Sequence[str] = ("-m", "harness"),
    ) -> None:
        self.root = root
        self._mark = uuid.uuid4().hex
        self._command = command
        for folder in ("targets", "scenarios"):
            (root / folder).mkdir(parents=True)
            (root / folder / "__init__.py").touch()
        for shared in (CHECKOUT / "targets").glob("_[a-z]*.py"):
            shutil.copy(shared, root / "targets")
        for name in strategies:
            shutil.copy(CHECKOUT / f"targets/{name}.py", root / "targets")
        for scenario in (CHECKOUT / "scenarios").glob("[a-z]*.py"):
            shutil.copy(scenario, root / "scenarios")
        (root / "tiny.toml").write_text(profile)

    @classmethod
    def copy_of(cls, original: Path, root: Path) -> Project:
        """With its runs."""
        shutil.copytree(original, root, dirs_exist_ok=True)
        copy = cls.__new__(cls)
        copy.root, copy._mark, copy._command = root, uuid.uuid4().hex, ("-m", "harness")
        return copy

    def target(self, name: str, source: str) -> None:
        (self.root / "targets" / f"{name}.py").write_text(source)

    def ask_less(self) -> None:
        """Two of the requests of `io` instead of eight: the pre-flight check asks each of every target, one by one. For
        targets whose answers do not depend on what is asked."""
        path = self.root / "scenarios" / "io.py"
        kept, many = re.subn(r'^    \["/io\?wait_ms=100&key=[3-8]", .*\n', "", path.read_text(), flags=re.MULTILINE)
        assert many in (0, 6)
        path.write_text(kept)

    def start(self, *arguments: str) -> AbstractContextManager[subprocess.Popen[str]]:
        return child(
            [sys.executable, *self._command, *arguments],
            cwd=self.root,
            env={**os.environ, _MARK: self._mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def bench(self, *arguments: str, timeout_s: float = 240.0) -> Ended:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=timeout_s)
        return Ended(process.returncode, out, err)

    def run(self, *arguments: str) -> Ended:
        return self.bench("run", "--profile", "tiny.toml", *arguments)

    @property
    def run_folder(self) -> Path:
        (folder,) = (path.parent for path in (self.root / "results").glob("*/run.json"))
        return folder

    def boots(self) -> list[BootRecord]:
        """Of each variant, oldest first."""
        run = Run.open(self.run_folder)
        broken: list[str] = []
        boots = [boot for _, boot in recorded_boots(run, run.read(), broken)]
        assert broken == []
        return boots

    def slices(self) -> dict[str, SliceRecord]:
        """In the order of the plan; of one that was measured again, the later."""
        measured = {slice.spec: slice for boot in self.boots() for slice in boot.slices}
        return {spec.id: measured[spec] for spec in Run.open(self.run_folder).read().plan if spec in measured}

    def slices_so_far(self, round: int | None = None) -> list[SliceRecord]:
        """Of a run that goes on."""
        paths = self.root.glob("results/*/boots/*/*/boot.json")
        slices = [slice for path in paths for slice in BootFolder(path.parent).read().slices]
        return [slice for slice in slices if round is None or slice.spec.round == round]

    def processes(self) -> list[psutil.Process]:
        """Every process that has this project's mark in its environment."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(_MARK) == self._mark:
                    found.append(process)
            except psutil.Error:
                continue  # it ended meanwhile, or is another user's
        return found

    def assert_nothing_is_left(self, within_s: float = 10.0) -> None:
        wait_for(lambda: not self.processes(), within_s, lambda: str([*map(command_of, self.processes())]))


def command_of(process: psutil.Process) -> list[str]:
    """Empty when it has ended meanwhile."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def wait_for(condition: Callable[[], object], timeout_s: float, explain: Callable[[], str] = str) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, f"did not come true within {timeout_s} s: {explain()}"
        time.sleep(0.02)
