"""A figure with its uncertainty."""

from __future__ import annotations

from msgspec import Struct


class Estimate(Struct, frozen=True):
    """A figure over `slices` slices. `low`..`high` is its 95 % confidence interval; None with fewer than 2 slices."""

    value: float
    low: float | None
    high: float | None
    slices: int
