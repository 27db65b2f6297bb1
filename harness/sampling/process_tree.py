"""One process tree: a supervisor, its live descendants, and what the exited ones used.

How exited processes count exactly once (Linux): when a process is reaped, the kernel adds its times, and those of its
own reaped children, to the process that reaps it. Only then does it take it out of /proc (`wait_task_zombie` in
kernel/exit.c). So the sum of "own + reaped children" over the live processes and the zombies is the whole tree's CPU,
if a reaper is read *before* the processes that it may reap. One race is left: a process that was alive when its reaper
was read, and is gone before it is read itself, is not counted. This is noticed: its PID was listed and cannot be read.
Then everything is read again. Nothing can be counted twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

# Where processes come and go faster than the tree can be read, the totals are a little too low until the next read.
MAX_PASSES = 4


class Reading(Struct, frozen=True):
    """One process at one moment. `started` tells a PID from the same PID used again; `cpu_s` is its own CPU time and
    that of the children it has reaped, user + system."""

    started: float
    cpu_s: float
    rss_bytes: int
    threads: int


class Source(Protocol):
    """What the platform tells about processes. Reading one that is gone is no error: it returns None, or nothing."""

    @property
    def slack_s(self) -> float:
        """How far a process's CPU may seem to shrink when it is reaped, from rounding."""

    def descendants(self, root: int) -> list[int]:
        """The root and all its descendants, every parent before its children."""

    def read(self, pid: int) -> Reading | None: ...

    def switches(self, pid: int) -> Mapping[int, tuple[int, int]]:
        """Voluntary and involuntary context switches so far, by thread."""

    def pss_bytes(self, pid: int) -> int | None:
        """None where the platform has no PSS or does not let us read it; 0 for a process that is gone."""


class Totals(Struct, frozen=True):
    """The tree at one moment; `cpu_s` over its whole life."""

    cpu_s: float
    rss_bytes: int
    processes: int
    threads: int


def continued(
    previous_s: float, total_s: float, lost_s: float, *, slack_s: float, settled: bool
) -> tuple[float, float]:
    """The tree's cumulative CPU, which never falls, and what was lost of it so far.

    A total below the previous one means one of three things. It may be rounding (within `slack_s`) or an unsettled
    pass: then the series stays as it is until the total has caught up. Or processes have ended whose CPU time nobody
    counts: macOS does not count exited children, and Linux does not for a parent that ignores SIGCHLD (wait(2), notes).
    Then what was last seen of them is kept in `lost_s`.
    """
    fallen_s = previous_s - (total_s + lost_s)
    if settled and fallen_s > slack_s:
        lost_s += fallen_s
    return max(previous_s, total_s + lost_s), lost_s


class ProcessTree:
    """A process tree under one root. Not thread-safe."""

    def __init__(self, source: Source, root: int) -> None:
        self._source = source
        self._root = root
        self._ended = False  # the root is gone; its PID may be another's by now
        self._known: dict[int, float] = {}  # PID -> started, parents first
        self._cpu_s = 0.0
        self._lost_s = 0.0
        self._switches: dict[int, tuple[int, int]] = {}
        self._exited_switches = (0, 0)

    def read(self, *, discover: bool) -> Totals:
        """The totals now. `discover` looks for new processes first; without it only the known ones are read, and a
        new one counts from the next discovery on, with all it has used since it started."""
        for _ in range(MAX_PASSES):
            readings, settled = self._pass(discover or not self._known)
            if self._root not in readings:  # then what was listed may be the descendants of a stranger with its PID
                self._ended = True
                readings = {pid: reading for pid, reading in readings.items() if pid in self._known}
            self._known = {pid: reading.started for pid, reading in readings.items()}
            if settled:
                break
        total_s = sum(reading.cpu_s for reading in readings.values())
        self._cpu_s, self._lost_s = continued(
            self._cpu_s,
            total_s,
            self._lost_s,
            slack_s=self._source.slack_s * max(1, len(readings)),
            settled=settled,
        )
        return Totals(
            cpu_s=self._cpu_s,
            rss_bytes=sum(reading.rss_bytes for reading in readings.values()),
            processes=len(readings),
            threads=sum(reading.threads for reading in readings.values()),
        )

    def switches(self) -> tuple[int, int]:
        """Voluntary and involuntary context switches of the known processes' threads, cumulative. A thread that has
        exited counts with what was last seen of it, so the sums are lower bounds, and never fall."""
        live: dict[int, tuple[int, int]] = {}
        for pid in self._known:
            live.update(self._source.switches(pid))
        gone = [counts for tid, counts in self._switches.items() if tid not in live]
        self._exited_switches = _added(self._exited_switches, *gone)
        self._switches = live
        return _added(self._exited_switches, *live.values())

    def pss_bytes(self) -> int | None:
        """Proportional set size of the known processes; None when one of them cannot be told."""
        total = 0
        for pid in self._known:
            pss = self._source.pss_bytes(pid)
            if pss is None:
                return None
            total += pss
        return total

    def _pass(self, discover: bool) -> tuple[dict[int, Reading], bool]:
        """Read every process once, parents first; and whether none of them had gone."""
        listed = self._source.descendants(self._root) if discover and not self._ended else []
        # When a list of children changes while it is read, the kernel may leave a process out (proc_tid_children(5)).
        # So a process that was seen before is read by its PID.
        order = dict.fromkeys((*listed, *self._known))
        readings: dict[int, Reading] = {}
        for pid in order:
            reading = self._source.read(pid)
            if reading is not None and self._known.get(pid, reading.started) == reading.started:
                readings[pid] = reading
        return readings, len(readings) == len(order)


def _added(*counts: tuple[int, int]) -> tuple[int, int]:
    return sum(voluntary for voluntary, _ in counts), sum(involuntary for _, involuntary in counts)
