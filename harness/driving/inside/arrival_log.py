"""When the requests of an open loop really left, beside when they should have: `arrivals.jsonl`, a line a phase.

Of the first 65,536 arrivals, which is plenty for a distribution test and bounds memory at a megabyte.
"""

from __future__ import annotations

import math
from array import array
from pathlib import Path

import msgspec

from harness.model import Arrivals, PhaseSpec

MOST = 1 << 16
_ENCODER = msgspec.json.Encoder()


class SentTimes:
    """Of one phase, in the order in which the requests ended. Seconds of CLOCK_MONOTONIC."""

    def __init__(self) -> None:
        self._intended_s = array("d")
        self._sent_s = array("d")
        self._own_lags_s = array("d")

    def add(self, intended_s: float, sent_s: float, *, queued: bool) -> None:
        """`queued`: it had to wait for a free user."""
        if len(self._sent_s) < MOST:
            self._intended_s.append(intended_s)
            self._sent_s.append(sent_s)
            if not queued:
                self._own_lags_s.append(sent_s - intended_s)

    @property
    def own_lag_p99_ms(self) -> float | None:
        """How late requests left that found a free user: the generator's own doing. By nearest rank, so the largest of
        fewer than 100; None of none."""
        if not self._own_lags_s:
            return None
        return sorted(self._own_lags_s)[math.ceil(0.99 * len(self._own_lags_s)) - 1] * 1e3

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
