"""How much others used the machine while a slice ran, and waiting until they stop."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct

from harness.machine import cgroup
from harness.results.records.noise_record import Noise

# The canary takes 5 x about 4 ms on a server core of the 2020s.
_CANARY_ROUNDS = 50_000
_CANARY_REPEATS = 5
# /proc/stat counts in ticks of 10 ms, so over 50 ms the use of two CPUs is known to a tenth. A shorter look says
# nothing.
_LOOK_S = 0.05
QUIET_SHARE = 0.15  # of the machine, used by others. Daemons use less, one busy core of a small machine more


class CpuTimes(Struct, frozen=True):
    """What all CPUs together have done since boot. `steal_s` is None where the platform does not tell. `interrupts_s`:
    network traffic, mostly, which many kernels (CONFIG_IRQ_TIME_ACCOUNTING) count as no process's time."""

    total_s: float
    idle_s: float
    steal_s: float | None
    interrupts_s: float = 0.0


class Moment(Struct, frozen=True):
    """A reading of the machine's counters, each since boot."""

    monotonic_s: float
    cpu: CpuTimes
    own_s: float  # CPU time of this process
    throttled_s: float | None
    pressure_s: float | None


def canary_ms() -> float:
    """The time of a fixed pure-Python loop in milliseconds of wall time: the machine's speed right now, for the kind of
    work that targets do. The median of five passes: a single preemption does not change it, a slow machine does."""
    return statistics.median(_canary_pass_ms() for _ in range(_CANARY_REPEATS))


def _canary_pass_ms() -> float:
    began_s = time.perf_counter()
    value = 0
    for number in range(_CANARY_ROUNDS):
        value = (value * 31 + number) & 0xFFFF
    return (time.perf_counter() - began_s) * 1000


def steal_percent(before: CpuTimes, after: CpuTimes) -> float | None:
    """The share of all CPU time in which the hypervisor ran somebody else although we had work: `top`'s `st`."""
    elapsed_s = after.total_s - before.total_s
    if before.steal_s is None or after.steal_s is None or elapsed_s <= 0:
        return None
    return max(0.0, 100 * (after.steal_s - before.steal_s) / elapsed_s)


def busy_share(before: Moment, after: Moment, cpus: int) -> float:
    """The share of the machine, 0 to 1, that worked for others: neither idle nor for us. Stolen time counts as busy."""
    capacity_s = (after.monotonic_s - before.monotonic_s) * cpus
    if capacity_s <= 0:
        return 0.0
    idle_s = after.cpu.idle_s - before.cpu.idle_s
    return min(1.0, max(0.0, 1 - (idle_s + after.own_s - before.own_s) / capacity_s))


def difference(before: float | None, after: float | None) -> float | None:
    """How much a counter grew; None when it is missing. One that was reset in between has not grown."""
    return None if before is None or after is None else max(0.0, after - before)


def pressure_in(text: str) -> float | None:
    """Seconds in which some task was ready and had no CPU, from the text of /proc/pressure/cpu (see
    Documentation/accounting/psi.rst in Linux)."""
    for line in text.splitlines():
        kind, *values = line.split()
        if kind == "some":
            return int(dict(value.split("=") for value in values)["total"]) / 1e6
    return None


def noise_between(before: Moment, after: Moment, *, canary: float, load_1m: float | None) -> Noise:
    """The machine between two moments."""
    elapsed_s = after.monotonic_s - before.monotonic_s
    pressure_s = difference(before.pressure_s, after.pressure_s)
    return Noise(
        steal_percent=steal_percent(before.cpu, after.cpu),
        load_1m=load_1m,
        canary_ms=canary,
        throttled_s=difference(before.throttled_s, after.throttled_s),
        cpu_pressure_percent=None if pressure_s is None or elapsed_s <= 0 else 100 * pressure_s / elapsed_s,
    )


class NoiseWatch:
    """From construction, which takes the canary's 20 ms unless it is given, to `finish()`."""

    def __init__(self, canary: float | None = None) -> None:
        self._canary_ms = canary_ms() if canary is None else canary
        self._load_1m = os.getloadavg()[0]  # before the slice adds its own
        self._before = read_moment()

    def finish(self, ours_s: float | None = None) -> Noise:
        """`ours_s`: CPU time of all processes of the run but this one, since the construction."""
        after = read_moment()
        noise = noise_between(self._before, after, canary=self._canary_ms, load_1m=self._load_1m)
        return msgspec.structs.replace(noise, foreign_cores=foreign_cores(self._before, after, ours_s))


def foreign_cores(before: Moment, after: Moment, ours_s: float | None) -> float | None:
    """CPU time per second that was neither idle, nor stolen, nor of this process, nor `ours_s`. Nor of interrupts: a
    fast strategy has more of them, and its rounds must not be left out for that."""
    elapsed_s = after.monotonic_s - before.monotonic_s
    if ours_s is None or elapsed_s <= 0:
        return None
    busy_s = (after.cpu.total_s - before.cpu.total_s) - (after.cpu.idle_s - before.cpu.idle_s)
    stolen_s = difference(before.cpu.steal_s, after.cpu.steal_s) or 0.0
    busy_s -= difference(before.cpu.interrupts_s, after.cpu.interrupts_s) or 0.0
    return max(0.0, (busy_s - stolen_s - (after.own_s - before.own_s) - ours_s) / elapsed_s)


def wait_until_quiet(limit_s: float, look: Callable[[], float] | None = None) -> float:
    """Wait until others do not use the machine, `limit_s` at most. Returns the seconds until the quiet look began, or
    `limit_s` and more when there was none.

    `look` takes a moment and returns the share of the machine that was busy meanwhile. A quiet machine costs one look
    of 50 ms.
    """
    look = look or look_around
    began_s = time.monotonic()
    while (waited_s := time.monotonic() - began_s) < limit_s:
        if look() <= QUIET_SHARE:
            break
    return waited_s


def look_around() -> float:
    """The share of the machine that others use, over the next 50 ms."""
    before = read_moment()
    time.sleep(_LOOK_S)
    return busy_share(before, read_moment(), psutil.cpu_count() or 1)


def read_moment() -> Moment:
    times = psutil.cpu_times()
    return Moment(
        monotonic_s=time.monotonic(),
        cpu=CpuTimes(
            # Linux counts a guest's time as user time, too.
            total_s=sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0),
            idle_s=times.idle + getattr(times, "iowait", 0.0),
            steal_s=getattr(times, "steal", None),
            interrupts_s=getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0),
        ),
        own_s=time.process_time(),
        throttled_s=cgroup.throttled_s(),
        pressure_s=_pressure_s(),
    )


def _pressure_s() -> float | None:
    try:
        return pressure_in(Path("/proc/pressure/cpu").read_text())
    except OSError:  # another system, or a kernel without PSI
        return None
