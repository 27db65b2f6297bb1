"""What a latency histogram holds."""

from __future__ import annotations

from enum import StrEnum


class Metric(StrEnum):
    """What a histogram of the `.hlog` holds, in microseconds. Its tag is `<phase>.<outcome>.<metric>`."""

    SERVICE = "service"  # send -> done
    RESPONSE = "response"  # intended start -> done
    SEND_LAG = "send_lag"  # intended start -> send
    HEALTH = "health"  # the /health prober: intended start -> done
