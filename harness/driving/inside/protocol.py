"""What the harness and the load generator say to each other: JSON lines over a socket pair.

Harness: Load ... Load, Quit. Generator: Ready, then for each Load: Started/Progress/Ended per phase, and Done.
A generator whose warm-up has settled says Warm and goes on; when all have said so, EndAt tells them when it ends.
When the harness's end closes, the generator ends.
"""

from __future__ import annotations

from msgspec import Struct

from harness.results.records.phase_record import PhaseRecord, PhaseSpec


class Load(Struct, frozen=True, tag=True):
    """Run `phases` one after the other without a pause, then drain for at most `drain_s`."""

    address: tuple[str, int]
    phases: tuple[PhaseSpec, ...]
    drain_s: float
    request_timeout_s: float
    health_rate_rps: float
    server: int


class Abort(Struct, frozen=True, tag=True):
    """End the load under way now; Done follows."""


class EndAt(Struct, frozen=True, tag=True):
    """The warm-up `phase` ends at this moment of CLOCK_MONOTONIC, the same for all generators."""

    phase: str
    at_s: float


class Quit(Struct, frozen=True, tag=True):
    pass


class Ready(Struct, frozen=True, tag=True):
    """All users are spawned and wait at the gate."""

    users: int


class Started(Struct, frozen=True, tag=True):
    phase: str


class Progress(Struct, frozen=True, tag=True):
    """For the live display only: right answers in the last half second, and the p99 of their response times."""

    phase: str
    goodput_rps: float
    p99_ms: float | None


class Warm(Struct, frozen=True, tag=True):
    """The answers of the warm-up `phase` have settled, as far as this generator sees; it is said once."""

    phase: str


class Ended(Struct, frozen=True, tag=True):
    """The window of `phase` is over (its requests may still be open)."""

    phase: str


class Done(Struct, frozen=True, tag=True):
    records: tuple[PhaseRecord, ...]
    drain_s: float


class GeneratorFailed(Struct, frozen=True, tag=True):
    """The generator itself failed; one line."""

    message: str


ToGenerator = Load | Abort | EndAt | Quit
ToHarness = Ready | Started | Progress | Warm | Ended | Done | GeneratorFailed
