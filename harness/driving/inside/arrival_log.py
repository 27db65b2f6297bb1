"""When the requests of an open loop really left, beside when they should have: `arrivals.jsonl`, a line a phase.

Of the first 65,536 arrivals, which is plenty for a distribution test and bounds memory at a megabyte.
"""

from __future__ import annotations

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

    def add(self, intended_s: float, sent_s: float) -> None:
        if len(self._sent_s) < MOST:
            self._intended_s.append(intended_s)
            self._sent_s.append(sent_s)

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
