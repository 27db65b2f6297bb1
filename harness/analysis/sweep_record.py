"""What a sweep says."""

from __future__ import annotations

from msgspec import Struct

from harness.analysis.scalability_law import NoLaw, ScalabilityLaw
from harness.judging.estimate import Estimate


class SweepPoint(Struct, frozen=True):
    """One size. `may_be_best`: within 5 % of the best, as far as one can tell; `is_surely`: and that for certain."""

    size: float
    variant: str
    capacity: Estimate | None
    may_be_best: bool
    is_surely: bool


class Sweep(Struct, frozen=True, kw_only=True):
    """One strategy on one workload, by ascending `size` of `what`.

    `knee`: the sizes that may be the smallest within 5 % of the best; empty without enough data. `law`: the universal
    scalability law's parameters, or why there are none.
    """

    workload: str
    strategy: str
    what: str
    points: tuple[SweepPoint, ...]
    knee: tuple[float, ...]
    law: ScalabilityLaw | NoLaw

    @property
    def has_no_effect(self) -> bool:
        """All sizes are surely within 5 % of the best."""
        return bool(self.points) and all(point.is_surely for point in self.points)

    @property
    def too_large(self) -> tuple[float, ...]:
        """The sizes above the knee that are surely more than 5 % worse than the best."""
        return tuple(
            point.size
            for point in self.points
            if self.knee and point.size > max(self.knee) and point.capacity is not None and not point.may_be_best
        )
