"""Event-loop lag: how late the loop runs a tick that fell due, and what one late tick stands for."""

from __future__ import annotations

TICK_S = 0.02
TICK_US = round(TICK_S * 1e6)


def lags_us(late_us: int) -> list[int]:
    """The lags of all ticks that fell due by the time when one tick came, `late_us` after its own time.

    A loop that is blocked for 100 ms runs one tick, 100 ms late, and none of those that fell due meanwhile; counting
    the one alone would make a stall a rare event, however long it is ("coordinated omission"). So what the others would
    have seen is added: 100, 80, 60, 40 and 20 ms. HdrHistogram's `recordValueWithExpectedInterval` does the same, but
    leaves out what is shorter than the interval: there the next real value takes that place. Here no tick comes for it,
    since the next one is the first that falls due later; so 25 ms are 25 and 5.
    """
    return [late_us, *range(late_us - TICK_US, 0, -TICK_US)]
