"""A closed loop on a server with few places to wait in, as it would be without a processor: who is answered when."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus


def answer_times(
    users: int, at_once: int, wait_s: Callable[[], float], until_s: float, *, checks: bool, check_s: float = 0.0
) -> list[float]:
    """All users ask at 0, and again when they are answered. Each request waits in one of the places, and where answers
    are checked it then queues for a place once more, behind everybody who waits: they come in waves."""
    queue = deque([False] * users)  # whether it has waited
    busy: list[tuple[float, int, bool]] = []
    order = count()
    answered: list[float] = []
    now_s = 0.0
    while now_s < until_s:
        while queue and len(busy) < at_once:
            has_waited = queue.popleft()
            heappush(busy, (now_s + (check_s if has_waited else wait_s()), next(order), has_waited))
        now_s, _, has_waited = heappop(busy)
        if checks and not has_waited:
            queue.append(True)
        else:
            answered.append(now_s)
            queue.append(False)
    return answered


def closed_loop(times_s: list[float], users: int, warmup_s: float, length_s: float) -> tuple[PhaseRecord, PhaseRecord]:
    """A warm-up, and the phase after it, as the generator counts them."""
    ends_s = warmup_s + length_s
    return (
        counted_phase("warmup", PhaseKind.WARMUP, users, 0.0, warmup_s, sum(at < warmup_s for at in times_s)),
        counted_phase(
            "capacity", PhaseKind.CAPACITY, users, warmup_s, ends_s, sum(warmup_s <= at < ends_s for at in times_s)
        ),
    )


def counted_phase(
    name: str,
    kind: PhaseKind,
    users: int,
    start_s: float,
    end_s: float,
    right: int,
    min_service_ms: float | None = None,
) -> PhaseRecord:
    return PhaseRecord(
        spec=PhaseSpec(name, kind, max(1e-3, end_s - start_s), users, rate_rps=None),
        status=PhaseStatus.COMPLETE,
        start_s=start_s,
        end_s=end_s,
        ok_in_window=right,
        min_service_ms=min_service_ms,
    )
