"""What the harness and a local load generator say to each other: JSON lines over a socket pair.

Harness: Load ... Load, Quit. Generator: Ready, then for each Load: LoadBegan, Started/Progress/Ended per phase, and
Done. A generator whose warm-up has settled says Warm and goes on; when all have said so, EndAt tells them when it ends.
When the harness's end closes, the generator ends.
"""

from __future__ import annotations

from msgspec import Struct

from harness.driving.load import Done, Ended, Load, Progress, Started


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


class LoadBegan(Struct, frozen=True, tag=True):
    """The first phase began at this moment of CLOCK_MONOTONIC, which all processes of a machine share."""

    at_s: float


class Warm(Struct, frozen=True, tag=True):
    """The answers of the warm-up `phase` have settled, as far as this generator sees; it is said once."""

    phase: str


class GeneratorFailed(Struct, frozen=True, tag=True):
    """The generator itself failed; one line."""

    message: str


ToGenerator = Load | Abort | EndAt | Quit
ToHarness = Ready | LoadBegan | Started | Progress | Warm | Ended | Done | GeneratorFailed
