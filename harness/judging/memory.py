"""Memory that grows with the requests, from a boot's samples. Pure.

Every server's memory rises at first: pools fill, caches fill, the allocator keeps what the busiest moment needed. That
comes in steps, and ends. What is kept for each request goes on at the same pace through all of them, so growth is told
only where every third of the answers had its part in it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.results.records.boot_record import BootRecord
from harness.results.records.phase_record import PhaseRecord
from harness.results.records.sample import Sample

_THIRDS = 3
ENOUGH_ANSWERS = 100  # fewer are hardly past what each of the users needs once


@dataclass(frozen=True)
class MemoryGrowth:
    """The target's RSS over the load on one server. `per_answer_bytes` is over all its right answers;
    `least_third_bytes` is the same over that third of them in which it grew the least."""

    first_bytes: int
    last_bytes: int
    answers: int
    per_answer_bytes: float
    least_third_bytes: float

    @property
    def grown_bytes(self) -> int:
        return self.last_bytes - self.first_bytes


def memory_growth(boot: BootRecord, samples: Sequence[Sample]) -> MemoryGrowth | None:
    """Over all slices of the boot; None where there are too few samples."""
    own = sorted((s for s in samples if s.tree == "target"), key=lambda sample: sample.t_s)
    points = list(_points([phase for slice in boot.slices for phase in slice.phases], own))
    if not points or points[-1][0] < ENOUGH_ANSWERS:
        return None
    answers = [many for many, _ in points]
    total = answers[-1]
    # At each third's edge the sample next to it: there are several a second.
    edges = [0, *(min(bisect_left(answers, total * n / _THIRDS), len(points) - 1) for n in range(1, _THIRDS)), -1]
    marks = [points[edge] for edge in edges]
    pairs = list(pairwise(marks))
    if any(after[0] <= before[0] for before, after in pairs):
        return None  # too few samples to tell the thirds apart
    first, last = marks[0][1], marks[-1][1]
    return MemoryGrowth(
        first_bytes=first,
        last_bytes=last,
        answers=total,
        per_answer_bytes=(last - first) / (total - answers[0]),
        least_third_bytes=min((after[1] - before[1]) / (after[0] - before[0]) for before, after in pairs),
    )


def _points(phases: Sequence[PhaseRecord], samples: Sequence[Sample]) -> Iterator[tuple[int, int]]:
    """Right answers so far and RSS, at each sample within the load of one server."""
    before = 0
    for phase in phases:
        if not phase.spec.kind.is_load or not phase.ok_per_tenth:
            continue
        for sample in samples:
            if phase.start_s <= sample.t_s <= phase.end_s:
                tenths = int((sample.t_s - phase.start_s) * 10)
                yield before + sum(phase.ok_per_tenth[:tenths]), sample.rss_bytes
        before += sum(phase.ok_per_tenth)
