"""Event-loop lag: how late the loop runs a tick, and which other ticks did not run because of it."""

from __future__ import annotations

TICK_S = 0.02
ASLEEP_TICK_S = 0.5  # while nothing happens
TICK_US = round(TICK_S * 1e6)


def lags_us(late_us: int) -> list[int]:
    """The lags of one tick that came `late_us` too late, and of all ticks that were due before it came.

    A loop that is blocked for 100 ms runs one tick, 100 ms late, and none of the ticks that were due meanwhile. If only
    that tick were counted, a stall would be one rare value, however long it is ("coordinated omission"). So the lags of
    the others are added: 100, 80, 60, 40 and 20 ms. HdrHistogram's `recordValueWithExpectedInterval` does the same, but
    leaves out values shorter than the interval, because there the next real value follows. Here the missed ticks are
    never run: the next tick is the first that is due afterwards. So 25 ms are counted as 25 and 5.
    """
    return [late_us, *range(late_us - TICK_US, 0, -TICK_US)]
