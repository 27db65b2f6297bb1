"""How long the sessions of a run took. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.results.records.boot_record import BootRecord


def time_spent_s(boots: Sequence[BootRecord]) -> float:
    """On sessions so far: the time in which any of their servers lived. The pause before a --resume is none of it."""
    sessions: dict[tuple[str, int], list[BootRecord]] = {}
    for boot in boots:
        sessions.setdefault((boot.workload, boot.session), []).append(boot)
    return sum(map(_covered_s, sessions.values()))


def _covered_s(boots: Sequence[BootRecord]) -> float:
    spent_s, until_s = 0.0, -math.inf
    for boot in sorted(boots, key=lambda boot: boot.origin_monotonic_s):
        end_s = boot.origin_monotonic_s + _lived_s(boot)
        spent_s += max(0.0, end_s - max(boot.origin_monotonic_s, until_s))
        until_s = max(until_s, end_s)
    return spent_s


def _lived_s(boot: BootRecord) -> float:
    """Of a boot that was never ended, until its last slice was over."""
    return boot.lived_s or max((phase.drained_s for s in boot.slices for phase in s.phases), default=boot.boot_s)
