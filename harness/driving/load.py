"""A load: what any generator is asked to run, what it says on its way, what it has counted at the end."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from harness.results.records.phase_record import PhaseRecord, PhaseSpec


class Load(Struct, frozen=True, tag=True):
    """Run `phases` one after the other without a pause, then drain for at most `drain_s`.

    What is recorded of each request goes to `folder` (empty: where the generator was told at its start), marked with
    `slice`, the number of the slice within its boot. `health_path` is asked `health_rate_rps` times a second.
    """

    address: tuple[str, int]
    phases: tuple[PhaseSpec, ...]
    drain_s: float
    request_timeout_s: float
    health_rate_rps: float
    folder: str = ""
    slice: int = 0
    health_path: str = "/health"


class Started(Struct, frozen=True, tag=True):
    """`phase` begins now."""

    phase: str


class Progress(Struct, frozen=True, tag=True):
    """For the live display only: right answers in the last half second, and the p99 of their response times."""

    phase: str
    goodput_rps: float
    p99_ms: float | None


class Ended(Struct, frozen=True, tag=True):
    """The window of `phase` is over (its requests may still be open)."""

    phase: str


class Done(Struct, frozen=True, tag=True):
    """The times in `records` are seconds since the first phase began. A load that was ended early may have fewer
    records than phases."""

    records: tuple[PhaseRecord, ...]
    drain_s: float


def placed(record: PhaseRecord, load_began_s: float) -> PhaseRecord:
    """The record on another time axis, on which its load began at `load_began_s`."""
    return msgspec.structs.replace(
        record,
        start_s=record.start_s + load_began_s,
        end_s=record.end_s + load_began_s,
        drained_s=record.drained_s + load_began_s,
    )
