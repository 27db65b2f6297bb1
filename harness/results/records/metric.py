"""What a latency histogram holds."""

from __future__ import annotations

from enum import StrEnum

# What every histogram holds: 1 us to 60 s, three significant figures (hdrhistogram.org).
LOWEST_US = 1
HIGHEST_US = 60_000_000
SIGNIFICANT_FIGURES = 3


class Metric(StrEnum):
    """What a histogram of the `.hlog` holds, in microseconds. Its tag is `<phase>@<slice>.<outcome>.<metric>`."""

    SERVICE = "service"  # send -> done
    RESPONSE = "response"  # intended start -> done
    SEND_LAG = "send_lag"  # intended start -> send
    HEALTH = "health"  # the /health prober: intended start -> done


def slice_mark(number: int) -> str:
    """What follows a phase's name in a tag: the number of its slice within the boot; nothing for 0, which is no boot's
    (`bench calibrate`)."""
    return f"@{number}" if number else ""
