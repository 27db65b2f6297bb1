"""The two parts of `make test`: what only checks runs several at once, what measures runs alone."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

PARTS = ("together", "alone")
UNIT = "tests/unit/"
# Unit tests that simulate for many seconds. As one piece of work such a file, late in the alphabet, would keep one
# worker busy long after the others have nothing left to do.
SIMULATING = {
    "tests/unit/test_accuracy.py",
    "tests/unit/test_quantile_ratios.py",
    "tests/unit/test_simulated_runs.py",
    "tests/unit/test_simultaneous.py",
}


class KeepsSharedSetUpsTogether(LoadScopeScheduling):
    """A file whose tests share a set-up, or are quick, goes to one worker as a whole. Other files are split, so that
    the end of a run does not wait for one file with many slow tests."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        is_quick = path.startswith(UNIT) and path not in SIMULATING
        return path if is_quick or _shares_a_set_up(self.config.rootpath / path) else nodeid

    def remove_node(self, node: WorkerController) -> str | None:
        """Called when a worker has died or was stopped at its time limit. xdist would run the same test again and
        again."""
        units = self.assigned_work.pop(node)
        left = [(unit, nodeid) for unit in units.values() for nodeid, done in unit.items() if not done]
        if not left:
            return None
        unit, crashed = left[0]
        unit[crashed] = True
        self.workqueue.update({scope: unit for scope, unit in units.items() if not all(unit.values())})
        for other in self.assigned_work:
            self._reschedule(other)
        return crashed


@cache
def _shares_a_set_up(path: Path) -> bool:
    return 'scope="module"' in path.read_text(encoding="utf-8")


class Tally:
    """Writes one line a test, once it has ended: its name, what it took, how it ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seconds: dict[str, float] = {}
        self._outcome: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid
        self._seconds[name] = self._seconds.get(name, 0.0) + report.duration
        if report.outcome != "passed":
            self._outcome[name] = report.outcome
        self._outcome.setdefault(name, report.outcome)

    def pytest_sessionfinish(self) -> None:
        lines = [[name, seconds, self._outcome[name]] for name, seconds in self._seconds.items()]
        self._path.write_text(json.dumps(lines))
