"""The most that a cell can reach, however fast the machine: waiting takes its time. Pure."""

from __future__ import annotations

import math

from harness.judging.figures import Ceiling
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload

_TOLERANCE = 1.05
_CHANCE_DEVIATIONS = 4.0  # beyond them is one phase of drawn waits in 30,000


def waiting_ceiling(workload: Workload, variant: Variant, *, users: int) -> Ceiling | None:
    """Requests per second that injected waits leave possible; None where nothing waits.

    A request takes at least one wait, so `users` closed-loop users ask at most users / wait. Where one worker has a
    bounded number of upstream calls in flight (threads, or a blocked loop), its calls are bounded by that / wait. So
    are queries, and by the connections too: each waits with one of them. Where waits are drawn, their mean counts.
    """
    if workload.wait_ms <= 0 or workload.waits < 1:
        return None
    wait_s = workload.mean_wait_ms / 1000
    wait = f"{wait_s:.3g} s on average" if workload.wait_sigma else f"{wait_s:g} s"
    waits = wait if workload.waits == 1 else f"({workload.waits} x {wait})"
    workers = f" x {variant.workers} workers" if variant.workers > 1 else ""
    ceilings = [Ceiling(users / wait_s, f"{users} users / {wait}")]
    at_once = [(variant.in_flight, f"{variant.in_flight} in flight")]
    if workload.queries:
        at_once.append((variant.connections, f"{variant.connections} connections"))
    ceilings += [
        Ceiling(most * variant.workers / (workload.waits * wait_s), f"{named}{workers} / {waits}")
        for most, named in at_once
        if most is not None
    ]
    return min(ceilings, key=lambda ceiling: ceiling.rps)


def most_rps(ceiling: Ceiling, workload: Workload, duration_s: float) -> float:
    """How many right answers a second a phase may have counted. Each request in flight at its start may add one to it,
    and drawn waits have a mean of their own: the coefficient of variation of a log-normal is the root of
    exp(sigma^2) - 1."""
    waits_s = workload.waits * workload.mean_wait_ms / 1000
    variation = math.sqrt(math.expm1(workload.wait_sigma**2))
    by_chance = _CHANCE_DEVIATIONS * variation / math.sqrt(max(1.0, ceiling.rps * duration_s))
    return ceiling.rps * (1 + waits_s / duration_s) * _TOLERANCE * (1 + by_chance)


def cpu_ceiling(target_cores: int, cpu_s_per_1000: float) -> Ceiling:
    """Where the CPU is the limit: computed from the CPU time measured per right answer, so only an estimate."""
    rps = 1000 * target_cores / cpu_s_per_1000
    cores = "1 core" if target_cores == 1 else f"{target_cores} cores"
    return Ceiling(rps, f"{cores} / {cpu_s_per_1000:.3g} ms of CPU a request")
