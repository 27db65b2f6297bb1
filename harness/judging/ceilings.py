"""The most that a cell can reach, however fast the machine: waiting takes its time. Pure."""

from __future__ import annotations

from harness.judging.figures import Ceiling
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload


def waiting_ceiling(workload: Workload, variant: Variant, *, users: int) -> Ceiling | None:
    """Requests per second that injected waits leave possible; None where nothing waits.

    A request takes at least one wait, so `users` closed-loop users ask at most users / wait. Where one worker has a
    bounded number of upstream calls in flight (threads, or a blocked loop), its calls are bounded by that / wait. So
    are queries, and by the connections too: each waits with one of them.
    """
    if workload.wait_ms <= 0 or workload.waits < 1:
        return None
    wait_s = workload.wait_ms / 1000
    waits = f"{wait_s:g} s" if workload.waits == 1 else f"({workload.waits} x {wait_s:g} s)"
    workers = f" x {variant.workers} workers" if variant.workers > 1 else ""
    ceilings = [Ceiling(users / wait_s, f"{users} users / {wait_s:g} s")]
    at_once = [(variant.in_flight, f"{variant.in_flight} in flight")]
    if workload.queries:
        at_once.append((variant.connections, f"{variant.connections} connections"))
    ceilings += [
        Ceiling(most * variant.workers / (workload.waits * wait_s), f"{named}{workers} / {waits}")
        for most, named in at_once
        if most is not None
    ]
    return min(ceilings, key=lambda ceiling: ceiling.rps)


def cpu_ceiling(target_cores: int, cpu_s_per_1000: float) -> Ceiling:
    """Where the CPU is the limit: computed from the CPU time measured per right answer, so only an estimate."""
    rps = 1000 * target_cores / cpu_s_per_1000
    cores = "1 core" if target_cores == 1 else f"{target_cores} cores"
    return Ceiling(rps, f"{cores} / {cpu_s_per_1000:.3g} ms of CPU a request")
