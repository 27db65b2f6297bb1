"""The most that a cell can reach, however fast the machine: waiting takes its time. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from harness.judging.figures import Ceiling
from harness.results.records.phase_record import PhaseKind, PhaseRecord
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload

_TOLERANCE = 1.05
_CHANCE_DEVIATIONS = 4.0  # beyond them is one phase of drawn waits in 30,000
_ROUNDING = 1e-6  # of a wait: three of 0.1 s do fit into 0.3 s, which floats deny


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


class CountedWindow(NamedTuple):
    """Where `answered` right answers were counted. `waiting`: how many requests may have been under way when it began.
    `since_idle_s`: from when nothing was under way, before it or at its start, until its end. `answered_before`: right
    answers in the part of that time which is before it."""

    answered: int
    length_s: float
    waiting: int
    since_idle_s: float
    answered_before: int


def counted_window(phases: Sequence[PhaseRecord], name: str) -> CountedWindow:
    """Of the phase of that name; `phases` are all of its slice, in order. A load begins when nothing is under way. A
    warm-up and the closed loop after it are one load, without a drain between them."""
    at = next(number for number, phase in enumerate(phases) if phase.spec.name == name)
    phase = phases[at]
    # An open loop counts answers for as long after its end as its fastest one took.
    later_s = (phase.min_service_ms or 0.0) / 1000 if phase.spec.kind is PhaseKind.RATE else 0.0
    first = at
    while first and phases[first - 1].end_s >= phases[first].start_s:
        first -= 1
    return CountedWindow(
        answered=phase.ok_in_window,
        length_s=phase.end_s - phase.start_s + later_s,
        waiting=phase.spec.users,
        since_idle_s=phase.end_s - phases[first].start_s + later_s,
        answered_before=sum(before.ok_in_window for before in phases[first:at]),
    )


def most_answers(ceiling: Ceiling, workload: Workload, window: CountedWindow) -> float:
    """How many right answers a window may have counted.

    Rate x length is not it, since answers may come in waves. Let n waits at once be possible, each of w. FastAPI runs a
    `def` endpoint and then the check of its answer on the same threads. With 10 threads and 64 users, ten at a time
    wait, for 0.6 s in which nobody is answered; then all are answered at once.

    1. A request that is answered in a window of T was under way when it began, or came later. Whoever came later has
       spent whole waits within it. Of one place's waits, which follow each other, floor(T / w) at most lie within. So
       no more than (requests under way) + n floor(T / w) are answered. Of those under way each may have had all its
       waits before: they are the users, and not n.
    2. Since the load began, with nothing under way, everybody has spent whole waits. So until the window's end, D after
       that, no more than n floor(D / w) are answered in all: what was answered before the window is taken off.

    Both hold, and so does the smaller one. Where a request has several waits, a place's waits are shared by as many
    fewer requests. With the users for n it is the same, since each of them waits for one request after the other.

    Drawn waits have no floor. The number that ends in T has a mean of at most T / w + v^2 a place, where w is their
    mean and v their coefficient of variation, for a log-normal law the root of exp(sigma^2) - 1 (Lorden, "On excess
    over the boundary", Annals of Mathematical Statistics 41, 1970). Chance is allowed for.
    """
    whole = _TOLERANCE * _ended(ceiling, workload, window.length_s)
    since_idle = _TOLERANCE * _ended(ceiling, workload, window.since_idle_s)
    return min(window.waiting + whole, since_idle - window.answered_before)


def _ended(ceiling: Ceiling, workload: Workload, length_s: float) -> float:
    """How many requests may have had all their waits within it."""
    waits = length_s / (workload.mean_wait_ms / 1000)
    in_each = ceiling.rps * workload.mean_wait_ms / 1000  # requests, of one wait in each place
    if not workload.wait_sigma:
        return in_each * math.floor(waits + _ROUNDING)
    variation = math.sqrt(math.expm1(workload.wait_sigma**2))
    by_chance = _CHANCE_DEVIATIONS * variation * math.sqrt(max(1.0, in_each * waits))
    return in_each * (waits + variation**2) + by_chance


def cpu_ceiling(target_cores: int, cpu_s_per_1000: float) -> Ceiling:
    """Where the CPU is the limit: computed from the CPU time measured per right answer, so only an estimate."""
    rps = 1000 * target_cores / cpu_s_per_1000
    cores = "1 core" if target_cores == 1 else f"{target_cores} cores"
    return Ceiling(rps, f"{cores} / {cpu_s_per_1000:.3g} ms of CPU a request")
