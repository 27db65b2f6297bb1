"""What the machine has to give to a test that needs two cores: others may use a part of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from targets._work import crunch

TWO_FREE_CORES, FREE_WITHIN_S = 1.9, 20.0  # times the work of one process; how long that is waited for


def loops_in(duration_s: float) -> int:
    end_s = time.monotonic() + duration_s
    loops = 0
    while time.monotonic() < end_s:
        crunch(1, 2_000)
        loops += 1
    return loops


def speedup(pool: ProcessPoolExecutor) -> float:
    """Of two processes that compute at once over one: 2 where two cores are free, 1 where there is only one."""
    one = pool.submit(loops_in, 0.3).result()
    both = [pool.submit(loops_in, 0.3) for _ in range(2)]
    return sum(future.result() for future in both) / one


@contextmanager
def two_processes() -> Iterator[ProcessPoolExecutor]:
    """That have started."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for future in [pool.submit(loops_in, 0.2) for _ in range(2)]:
            future.result()
        yield pool


def once_two_cores_are_free(pool: ProcessPoolExecutor) -> float:
    """What two processes gain, as soon as that is what two free cores give; where others never leave them free, what
    they gain in the end."""
    deadline_s = time.monotonic() + FREE_WITHIN_S
    while (gain := speedup(pool)) < TWO_FREE_CORES and time.monotonic() < deadline_s:
        pass
    return gain


def least_gain(available: float) -> float:
    """Of what uses both cores, over what uses one. Where two processes gain less than two cores give, three quarters of
    what they gain; but always more than work on one core would reach by chance."""
    return 1.5 if available >= TWO_FREE_CORES else max(1.2, 0.75 * available)
