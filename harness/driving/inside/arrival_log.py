"""When the requests of an open loop really left, beside when they should have: `arrivals.jsonl`, a line a phase.

The times are of the first 65,536 that ended: enough for a test of their distribution, and a megabyte at most.
"""

from __future__ import annotations

import math
from array import array
from pathlib import Path

import msgspec
import numpy as np

from harness.driving.inside.bulk_histogram import RankCounts
from harness.results.records.arrival_times import Arrivals
from harness.results.records.phase_record import PhaseSpec

MOST = 1 << 16
_AT_ONCE = 1_024  # some 30 us of a phase
_ENCODER = msgspec.json.Encoder()


class SentTimes:
    """Of one phase, in the order in which the requests ended. Seconds of CLOCK_MONOTONIC."""

    def __init__(self) -> None:
        self._intended_s = array("d")
        self._sent_s = array("d")
        self._own_lags_s = array("d")  # those that are not in the histogram yet
        self._own_lags = RankCounts()

    def add(self, intended_s: float, sent_s: float, queued_s: float | None) -> None:
        """`queued_s`: when the request began to wait for a free user; None when one was free. What came before that is
        the generator's own delay: after a pause of the generator all users look busy, though their answers are there.
        """
        self._own_lags_s.append((sent_s if queued_s is None else queued_s) - intended_s)
        if len(self._own_lags_s) == _AT_ONCE:
            self._count_own_lags()
        if len(self._sent_s) < MOST:
            self._intended_s.append(intended_s)
            self._sent_s.append(sent_s)

    def _count_own_lags(self) -> None:
        self._own_lags.add(np.frombuffer(self._own_lags_s))
        self._own_lags_s = array("d")

    @property
    def own_lag_p99_ms(self) -> float | None:
        """p99 of the generator's own delay, over all requests that were sent: until the send where a user was free,
        else until the request began to wait for one. By nearest rank, so of fewer than 100 it is the largest; None when
        nothing was sent."""
        self._count_own_lags()
        total = self._own_lags.total
        return self._own_lags.at_rank(math.ceil(0.99 * total)) / 1e3 if total else None

    def record(self, spec: PhaseSpec, scheduled: int, start_s: float) -> Arrivals:
        pairs = sorted(zip(self._intended_s, self._sent_s, strict=True))
        return Arrivals(
            phase=spec,
            scheduled=scheduled,
            intended_us=tuple(round((intended_s - start_s) * 1e6) for intended_s, _ in pairs),
            sent_us=tuple(round((sent_s - start_s) * 1e6) for _, sent_s in pairs),
        )


def append(path: Path, arrivals: Arrivals) -> None:
    with path.open("ab") as file:
        file.write(_ENCODER.encode(arrivals) + b"\n")
