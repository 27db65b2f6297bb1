"""Who else used the CPUs while a calibration ran.

Only programs that still run at the end are seen. What others used shows in the machine's counters
(`harness.machine.noise`).
"""

from __future__ import annotations

from collections import defaultdict
from time import monotonic
from typing import NamedTuple

import psutil

from harness.calibration.conditions import OtherProcess


class _Key(NamedTuple):
    pid: int
    created_s: float  # the same pid may be used again


class OtherProcesses:
    """From construction to `finish()`."""

    def __init__(self) -> None:
        self._began_s = monotonic()
        self._own = psutil.Process().pid
        self._before = {key: cpu_s for key, (_, cpu_s) in _all_processes().items()}

    def finish(self) -> tuple[OtherProcess, ...]:
        """All programs that used some CPU time, the busiest first; those of the same name are added up."""
        elapsed_s = max(monotonic() - self._began_s, 1e-3)
        ours = {self._own, *(child.pid for child in psutil.Process().children(recursive=True))}
        used_s: dict[str, float] = defaultdict(float)
        for key, (name, cpu_s) in _all_processes().items():
            if key.pid not in ours:
                used_s[name] += cpu_s - self._before.get(key, 0.0)
        found = [OtherProcess(name, spent_s / elapsed_s) for name, spent_s in used_s.items() if spent_s > 0]
        return tuple(sorted(found, key=lambda one: (-one.cores, one.name)))


def _all_processes() -> dict[_Key, tuple[str, float]]:
    found = {}
    for process in psutil.process_iter():
        try:
            with process.oneshot():
                spent = process.cpu_times()
                found[_Key(process.pid, process.create_time())] = (process.name(), spent.user + spent.system)
        except psutil.Error:
            continue  # it has ended, or is another user's
    return found
