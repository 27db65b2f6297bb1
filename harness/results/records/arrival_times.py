"""One line of `arrivals.jsonl`: when the requests of an open loop were due, and when they left."""

from __future__ import annotations

from msgspec import Struct

from harness.results.records.phase_record import PhaseSpec


class Arrivals(Struct, frozen=True):
    """One line of `arrivals.jsonl`: when the requests of an open loop should have left and did, of one generator.

    Microseconds since the phase's start, ascending by intention; the first 65,536 that were sent. `scheduled` counts
    all that fell due, those never sent too. `slice` is the slice's number within its boot.
    """

    phase: PhaseSpec
    scheduled: int
    intended_us: tuple[int, ...]
    sent_us: tuple[int, ...]
    slice: int = 0
