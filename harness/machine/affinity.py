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
    """This process on the reserved CPUs: the harness, its sampler and its display. Where all share, nothing changes.

    What is started meanwhile inherits that, as it should: a supervisor stays on the reserved CPUs, too, and pins the
    command that it starts to that command's own.
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
    """An affinity is each thread's own (sched_setaffinity(2)); only threads that start later inherit it."""
    os.sched_setaffinity(0, cpus)  # first, so that no thread of ours can be started elsewhere any more
    for thread in _THREADS.iterdir():
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(int(thread.name), cpus)
