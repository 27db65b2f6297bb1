"""The arrival schedule of an open-loop phase: fixed in advance, from a seed."""

from __future__ import annotations

from array import array
from random import Random
from typing import Literal


def schedule(law: Literal["poisson", "constant"], rate_rps: float, duration_s: float, seed: int) -> array[float]:
    """Intended starts in seconds from the phase's start, ascending, all below `duration_s`.

    "poisson": independent exponential gaps, so bursts happen as they do when many people act independently, and the
    number of arrivals itself varies. "constant": one every 1/rate, beginning with a seeded fraction of a gap so that
    several generators do not send at the same moments.
    """
    random = Random(seed)
    starts = array("d")
    if law == "poisson":
        start_s = random.expovariate(rate_rps)
        while start_s < duration_s:
            starts.append(start_s)
            start_s += random.expovariate(rate_rps)
        return starts
    first_s = random.random() / rate_rps
    index = 0
    while (start_s := first_s + index / rate_rps) < duration_s:
        starts.append(start_s)
        index += 1
    return starts
