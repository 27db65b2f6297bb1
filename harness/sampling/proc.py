"""Processes on Linux, read from /proc directly and not through psutil, for four reasons:

- `clock_gettime` on a process's CPU clock (clock_getcpuclockid(3)) counts in nanoseconds; /proc/<pid>/stat, psutil's
  source, cuts user and system to 10 ms each. At 10 % load a phase uses about 0.1 s of CPU: 10 ms is not "exact".
- psutil's `num_ctx_switches` is that of the main thread; 40 pool threads would count as nothing.
- One read of `stat` also has the start time, so a reused PID is seen without a second look.
- Cost. Minimum CPU time per call, 2-core VM, Linux 6.18, Python 3.11:

      stat + parse                          13 us     psutil oneshot: cpu_times + memory_info       42 us
      statm                                  7 us       ... + num_threads + num_ctx_switches        70 us
      CPU clock                              1.4 us   psutil is_running (has the PID been reused?)  22 us
      children, 1 thread / 41 threads    7 / 270 us   psutil children(recursive), 79 PIDs         1600 us
      context switches of 41 threads       690 us
      smaps_rollup (PSS)                    18 us per MiB of RSS: 610 us at 41 MiB, 2,000 us at 112 MiB

So CPU and RSS are read at every sample, children and context switches once a second, and PSS, by far the most
expensive, as often as its share allows (sampler.py). Reading smaps_rollup takes the target's mmap lock for reading;
page faults go on meanwhile, and since Linux 5.10 the read lets a waiting mmap or munmap go first (commit ff9f47f6f00c).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from harness.sampling.portable import PortableSource
from harness.sampling.process_tree import Reading, Source

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SHORT_BYTES = 2048
# Field numbers of proc_pid_stat(5), counted from the one after the command's closing parenthesis (field 3).
_UTIME, _STIME, _CUTIME, _CSTIME, _THREADS, _STARTED, _RSS = (number - 3 for number in (14, 15, 16, 17, 20, 22, 24))


class ProcSource:
    """Linux. `children_files` False (a kernel without CONFIG_PROC_CHILDREN): find children by everybody's parent."""

    slack_s = 2 * _TICK_S  # a reaped process's user and system time are cut to a tick each

    def __init__(self, *, children_files: bool | None = None) -> None:
        pid = os.getpid()
        here = Path(f"/proc/{pid}/task/{pid}/children").exists()
        self._children_files = here if children_files is None else children_files

    def descendants(self, root: int) -> list[int]:
        if not self._children_files:
            return PortableSource().descendants(root)
        pids = [root]
        for pid in pids:  # grows while it is walked: breadth first, so that parents come before children
            pids += [child for tid in _threads(pid) for child in _children(pid, tid)]
        return pids

    def read(self, pid: int) -> Reading | None:
        stat = _content(f"/proc/{pid}/stat")
        if not stat:
            return None
        fields = stat[stat.rindex(b")") + 2 :].split(maxsplit=_RSS + 1)
        try:
            # The clock's id is made of the PID's complement and CPUCLOCK_SCHED (include/linux/posix-timers_types.h).
            # Exact but for threads running right now: they are as of their last scheduler tick, 1-10 ms ago.
            own_s = time.clock_gettime((~pid << 3) | 2)
        except OSError:  # gone since, or a sandbox without such clocks
            own_s = (int(fields[_UTIME]) + int(fields[_STIME])) * _TICK_S
        return Reading(
            started=float(fields[_STARTED]),
            cpu_s=own_s + (int(fields[_CUTIME]) + int(fields[_CSTIME])) * _TICK_S,
            # Off by some pages for each CPU, says proc_pid_stat(5); the figure for memory is PSS, and that is exact.
            rss_bytes=int(fields[_RSS]) * _PAGE_BYTES,
            threads=int(fields[_THREADS]),
        )

    def switches(self, pid: int) -> Mapping[int, tuple[int, int]]:
        counts: dict[int, tuple[int, int]] = {}
        for tid in _threads(pid):
            status = _content(f"/proc/{pid}/task/{tid}/status")
            if status:
                end = status[status.index(b"\nvoluntary_ctxt_switches:") :].split(maxsplit=4)
                counts[tid] = int(end[1]), int(end[3])  # the next line is that of the nonvoluntary ones
        return counts

    def pss_bytes(self, pid: int) -> int | None:
        try:
            rollup = _content(f"/proc/{pid}/smaps_rollup").split()
        except PermissionError:  # another user's process
            return None
        return int(rollup[rollup.index(b"Pss:") + 1]) * 1024 if rollup else 0


def platform_source() -> Source:
    """The best source of this machine."""
    return ProcSource() if sys.platform == "linux" else PortableSource()


def _content(path: str) -> bytes:
    """A file of /proc, empty when its process is gone. Without a buffer: half the cost of `open`."""
    try:
        file = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, ProcessLookupError):
        return b""
    try:
        content = chunk = os.read(file, _PAGE_BYTES)
        while len(chunk) > _SHORT_BYTES:  # a long list comes in pieces of about a page
            chunk = os.read(file, _PAGE_BYTES)
            content += chunk
        return content
    except ProcessLookupError:
        return b""
    finally:
        os.close(file)


def _threads(pid: int) -> list[int]:
    try:
        with os.scandir(f"/proc/{pid}/task") as entries:
            return [int(entry.name) for entry in entries]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _children(pid: int, tid: int) -> list[int]:
    """The children that this thread started; those of an exited thread pass to another of its process."""
    return [int(child) for child in _content(f"/proc/{pid}/task/{tid}/children").split()]
