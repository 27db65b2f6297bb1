"""Who may use which CPUs. Where there are enough, the load generator gets its own, so that it disturbs no target."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from harness.machine import cgroup
from harness.results.records.machine_record import Partition

# Where all share the cores, this is added to the target's niceness, so that generator and upstream go first: the
# generator would count its own wait for a CPU as the target's time. It is the same for every strategy, so no comparison
# changes. What was measured: docs/priority.md.
TARGET_NICE = 10
MIN_CORES = 4  # with fewer, a core for the generator would take a third of the machine or more from the target


def available_cpus() -> tuple[int, ...]:
    """The CPUs this process may run on; all of them where the platform has no affinity (macOS)."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def partition(
    available: tuple[int, ...], quota_cores: float | None, can_pin: bool, core_of: Mapping[int, int] | None = None
) -> Partition:
    """With 4 or more cores to use, a quarter of them is reserved for generator and services and the target is pinned to
    the rest; with fewer, or where nothing can be pinned, all share.

    `core_of` names the physical core of each logical CPU, so that the hyperthreads of a core are kept together as far
    as the numbers allow: two threads of one core slow each other down.
    """
    cores = min(len(available), int(quota_cores or len(available)))
    if cores < MIN_CORES or not can_pin:
        return Partition(available=available, target=available, generator=(), quota_cores=quota_cores, pinned=False)
    near = core_of or {}
    by_core = sorted(available, key=lambda cpu: (near.get(cpu, cpu), cpu))
    reserved = cores // 4
    return Partition(
        available=available,
        target=tuple(sorted(by_core[:-reserved])),
        generator=tuple(sorted(by_core[-reserved:])),
        quota_cores=quota_cores,
        pinned=True,
    )


def detect() -> Partition:
    """The partition of this machine."""
    available = available_cpus()
    return partition(
        available,
        cgroup.quota_cores(),
        can_pin=hasattr(os, "sched_setaffinity"),
        core_of={cpu: _first_sibling(cpu) for cpu in available},
    )


def _first_sibling(cpu: int) -> int:
    """The lowest of the logical CPUs that share this one's physical core; itself where Linux does not say."""
    try:
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text()
    except OSError:
        return cpu
    return int(siblings.replace("-", ",").split(",")[0])
