"""Whether a closed loop's answers have stopped changing: what ends a warm-up.

The unit is a batch: an answer for every second user, and at least 75 ms of them. Four batches in a row, two answers for
each user, whose means lie within 20 % are settled: the means of 32 answers scatter by 5 to 10 %, while connections,
caches and pools that still fill change them by half or more. A strategy too slow for four batches never settles; its
warm-up ends at the limit.

The mean and not the median: a pool that serves 40 of 64 at once answers after one wait or after two, so the median of a
batch keeps jumping from one to the other. And users = goodput x mean time (Little's law): when the mean has settled, so
has what the capacity phase is about to count.
"""

from __future__ import annotations

from collections import deque

SETTLED_BATCHES = 4
TOLERANCE = 0.20  # of the middle one of the means
SHORTEST_BATCH_S = 0.075
FEWEST_BATCH_ANSWERS = 8  # a mean of fewer jumps


class Warmth:
    """Told of every right answer, in order of time."""

    def __init__(self, users: int, start_s: float) -> None:
        self._answers = max(users // 2, FEWEST_BATCH_ANSWERS)
        self._batch_began_s = start_s
        self._batch_answers = 0
        self._batch_sum_s = 0.0
        self._means_s: deque[float] = deque(maxlen=SETTLED_BATCHES)

    def answered(self, service_s: float, now_s: float) -> None:
        self._batch_answers += 1
        self._batch_sum_s += service_s
        if self._batch_answers >= self._answers and now_s - self._batch_began_s >= SHORTEST_BATCH_S:
            self._means_s.append(self._batch_sum_s / self._batch_answers)
            self._batch_answers, self._batch_sum_s, self._batch_began_s = 0, 0.0, now_s

    @property
    def is_settled(self) -> bool:
        if len(self._means_s) < SETTLED_BATCHES:
            return False
        ordered = sorted(self._means_s)
        return ordered[-1] - ordered[0] <= TOLERANCE * ordered[SETTLED_BATCHES // 2]
