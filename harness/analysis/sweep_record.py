"""What a sweep says."""

from __future__ import annotations

from msgspec import Struct

from harness.analysis.filled_sizes import Filling
from harness.analysis.gaps import Gap
from harness.analysis.scalability_law import NoLaw, ScalabilityLaw
from harness.judging.estimate import Estimate


class SweepPoint(Struct, frozen=True):
    """One size. `gap`: how far it is from the best size; None: it has no valid slice, or cannot be filled."""

    size: float
    variant: str
    capacity: Estimate | None
    gap: Gap | None


class Sweep(Struct, frozen=True, kw_only=True):
    """One strategy on one workload, by ascending `size` of `what`.

    Sizes that the users cannot fill are among the `points`, and nothing is said of them. `knee`: the sizes that may be
    the smallest within 5 % of the best of the others; empty without enough data. `law`: the universal scalability law's
    parameters, or why there are none.
    """

    workload: str
    strategy: str
    what: str
    filling: Filling
    points: tuple[SweepPoint, ...]
    knee: tuple[float, ...]
    law: ScalabilityLaw | NoLaw

    @property
    def of(self) -> str:
        """The strategy, with what else was changed of it: `pure_async[client=httpx2] @ granian`."""
        changed, at, served_by = self.points[0].variant.removeprefix(self.strategy).partition(" @ ")
        rest = ",".join(each for each in changed.strip("[]").split(",") if not each.startswith(f"{self.what}="))
        return f"{self.strategy}{f'[{rest}]' if rest else ''}{at}{served_by}"

    @property
    def filled(self) -> tuple[SweepPoint, ...]:
        return tuple(point for point in self.points if self.filling.reaches(point.size))

    @property
    def unfilled(self) -> tuple[float, ...]:
        """The sizes that the users cannot fill."""
        return tuple(point.size for point in self.points if not self.filling.reaches(point.size))

    @property
    def known(self) -> tuple[tuple[float, Gap], ...]:
        """The filled sizes that have a valid slice."""
        return tuple((point.size, point.gap) for point in self.filled if point.gap is not None)

    @property
    def unknown(self) -> tuple[float, ...]:
        """The filled sizes that have none."""
        return tuple(point.size for point in self.filled if point.gap is None)

    @property
    def has_no_effect(self) -> bool:
        """All sizes are within 5 % of the best, for certain."""
        return bool(self.knee) and not self.unknown and all(gap.is_near for _, gap in self.known)

    @property
    def shows_no_effect(self) -> bool:
        """No size is more than 5 % worse than the best for certain, and none is that near to it for certain."""
        return len(self.knee) == len(self.known) and all(gap.may_be_near for _, gap in self.known)

    @property
    def has_an_effect(self) -> bool:
        """Some sizes are better than others, for certain."""
        return bool(self.knee) and not self.has_no_effect and not self.shows_no_effect

    @property
    def too_large(self) -> tuple[float, ...]:
        """The sizes above the knee that are more than 5 % worse than the best, for certain."""
        return tuple(size for size, gap in self.known if self.knee and size > max(self.knee) and not gap.may_be_near)

    @property
    def may_rise_beyond(self) -> bool:
        """The largest size may be the knee, or is the best for certain: what is larger might be better yet."""
        if not self.knee or self.has_no_effect:
            return False
        *smaller, (largest, _) = self.known
        return largest in self.knee or all(gap.low > 0 for _, gap in smaller)
