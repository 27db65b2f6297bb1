"""What a thread does, seen from another one: is it on a CPU, in the queue for one, or neither?"""

from __future__ import annotations

import os
import sys
import time
from typing import NamedTuple


class ThreadTimes(NamedTuple):
    """Since the thread began. The last two are 0 where the system does not tell them (they are Linux's)."""

    cpu_s: float
    queued_s: float = 0.0  # ready, and without a CPU
    runs: int = 0  # how many times it got one

    def since(self, before: ThreadTimes) -> ThreadTimes:
        return ThreadTimes(self.cpu_s - before.cpu_s, self.queued_s - before.queued_s, self.runs - before.runs)


def thread_cpu_s(native_id: int) -> float:
    """Of one thread of this process; of a thread that has ended it is 0. Other systems than Linux tell only what all
    threads together have used.

    The number is what `time.pthread_getcpuclockid` gives. That one reads the memory of the thread, which may be gone;
    the kernel answers for any number.
    """
    if sys.platform != "linux":
        return time.process_time() - time.thread_time()
    try:
        return time.clock_gettime((~native_id << 3) | 6)
    except OSError:
        return 0.0


class ThreadClock:
    """Of a thread of this process that lives as long as this object is used."""

    def __init__(self, native_id: int) -> None:
        self._native_id = native_id
        try:
            self._fd = os.open(f"/proc/self/task/{native_id}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._fd = -1

    def cpu_s(self) -> float:
        return thread_cpu_s(self._native_id)

    def read(self) -> ThreadTimes:
        """All of it. It lets go of the GIL, which `cpu_s` does not."""
        cpu_s = self.cpu_s()
        if self._fd < 0:
            return ThreadTimes(cpu_s)
        try:
            _, queued_ns, runs = os.pread(self._fd, 100, 0).split()
        except (OSError, ValueError):
            return ThreadTimes(cpu_s)
        return ThreadTimes(cpu_s, int(queued_ns) / 1e9, int(runs))

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
