"""One question for a server's health, asked at a steady rate."""

from __future__ import annotations

from msgspec import Struct


class AskedHealth(Struct, frozen=True):
    """`due_s`: when it was to be asked (CLOCK_MONOTONIC). `ms`: from then to the answer; None: there was none in time,
    and `waited_ms` is for how long it was waited for."""

    due_s: float
    ms: float | None
    waited_ms: float
