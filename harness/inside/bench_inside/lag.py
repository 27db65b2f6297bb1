"""Event-loop lag: how late the loop runs a tick that fell due, and what one late tick stands for."""

from __future__ import annotations

TICK_S = 0.02
TICK_US = round(TICK_S * 1e6)


def lags_us(late_us: int) -> list[int]:
    """The lags that one tick which came `late_us` after its time stands for.

    A loop that is blocked for 100 ms runs one tick, 100 ms late, and none of those that fell due meanwhile; counting
    the one alone would make a stall a rare event, however long it is ("coordinated omission"). What the others would
    have seen is added as HdrHistogram does in `recordValueWithExpectedInterval`: 100, 80, 60, 40 and 20 ms.
    """
    return [late_us, *range(late_us - TICK_US, TICK_US - 1, -TICK_US)]
