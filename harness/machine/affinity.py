"""Keeps the harness off the CPUs that its target is measured on."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.results.records.machine_record import Partition

_THREADS = Path("/proc/self/task")


@contextlib.contextmanager
def kept_off_the_target(partition: Partition) -> Iterator[None]:
    """Keeps this process (harness, sampler, display) on the reserved CPUs. Where all share the CPUs, nothing changes.

    Processes that are started meanwhile inherit this. It is what we want: a supervisor also stays on the reserved CPUs,
    and pins the command that it starts to the CPUs for that command.
    """
    if not partition.pinned:
        yield
        return
    before = os.sched_getaffinity(0)
    _pin_all_threads(partition.generator)
    try:
        yield
    finally:
        _pin_all_threads(sorted(before))


def _pin_all_threads(cpus: Sequence[int]) -> None:
    """Each thread has its own affinity (sched_setaffinity(2)); only threads that start later inherit it."""
    os.sched_setaffinity(0, cpus)  # first, so that no thread of ours can be started elsewhere any more
    for thread in _THREADS.iterdir():
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread.name), cpus)
