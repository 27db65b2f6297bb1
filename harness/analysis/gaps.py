"""How far each variant is from the best, with intervals that all hold at once. Pure.

Edwards and Hsu, "Multiple comparisons with the best treatment" (Journal of the American Statistical Association 78,
1983). Were the best known, Dunnett's two-sided intervals with it as the control would say how far the others are from
it. It is not known. But its own intervals hold with 95 % confidence, and when they do, nobody surely beats it. So what
spans the intervals of all whom nobody surely beats holds with the same confidence: for all variants at once, and with
all that is read off them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from msgspec import Struct

from harness.judging import stats
from harness.judging.simultaneous import ONLY_LOOK, Look, RoundsFit
from harness.judging.stats import LogRatio


class Gap(Struct, frozen=True):
    """The interval of the logarithm of best / this; 0 is the best itself. `high` may be infinite."""

    low: float
    high: float

    @property
    def may_be_near(self) -> bool:
        """It may be within 5 % of the best."""
        return self.low <= stats.SAME_WITHIN

    @property
    def is_near(self) -> bool:
        """It is within 5 % of the best, for certain."""
        return self.high <= stats.SAME_WITHIN


def gaps(fitted: RoundsFit, look: Look = ONLY_LOOK) -> dict[str, Gap]:
    """Of all variants that have a value."""
    over = {control: fitted.against(control, look=look) for control in fitted.names}
    unbeaten = [name for name, others in over.items() if not any(_interval(each)[0] > 0 for each in others.values())]
    return {name: _gap(list(_spans(name, unbeaten, over))) for name in fitted.names}


def _spans(name: str, unbeaten: list[str], over: Mapping[str, Mapping[str, LogRatio]]) -> Iterator[tuple[float, float]]:
    """What each that may be the best says."""
    for best in unbeaten:
        if best == name:
            yield 0.0, 0.0
        else:
            low, high = _interval(over[best].get(name))
            yield max(0.0, -high), max(0.0, -low)


def _gap(spans: list[tuple[float, float]]) -> Gap:
    return Gap(min(low for low, _ in spans), max(high for _, high in spans))


def _interval(ratio: LogRatio | None) -> tuple[float, float]:
    found = None if ratio is None else ratio.interval
    return (-math.inf, math.inf) if found is None else found
