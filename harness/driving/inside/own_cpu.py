"""What the generator itself used of the CPU, and how long it was ready and had none.

All of Locust's greenlets run in one thread. The harness samples the CPU of the whole process tree from outside, a few
times a second and summed over generators; this is exact, and of one.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple, Self

# "time spent on the cpu (in ns), time spent waiting on a runqueue (in ns), # of timeslices" of the process's first
# thread (Documentation/scheduler/sched-stats.rst in Linux); not everywhere: CONFIG_SCHED_INFO, and Linux only.
_SCHEDSTAT = Path("/proc/self/schedstat")


class OwnCpu(NamedTuple):
    """Since the process began. `waited_s` None: the system does not tell."""

    used_s: float
    waited_s: float | None

    @classmethod
    def read(cls) -> Self:
        used_s = time.process_time()
        try:
            return cls(used_s, int(_SCHEDSTAT.read_bytes().split()[1]) / 1e9)
        except (OSError, IndexError, ValueError):
            return cls(used_s, None)

    def since(self, before: OwnCpu) -> OwnCpu:
        waited = None if self.waited_s is None or before.waited_s is None else self.waited_s - before.waited_s
        return OwnCpu(self.used_s - before.used_s, waited)
