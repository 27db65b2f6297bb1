"""The laws that the truth server obeys, and what follows from them by arithmetic. Pure; nothing is measured here.

`fixed`       every answer takes FIXED_MS.
`lognormal`   answers take a log-normal time. The delays are dealt from a deck that holds the law's DECK mid-rank
              quantiles once each, shuffled anew for each deck: so the quantiles of the law are those of the delays
              really dealt, without the sampling error of independent draws (3 % at the p99 of 3,000).
`freeze`      the whole process stands still for FREEZE_S in every CYCLE_S and answers at once otherwise.
`drop`        one answer in DROP_ONE_IN breaks off in its middle: the connection is closed.
`wrong`       one answer in WRONG_ONE_IN is a wrong one.
`fast`        the smallest possible answer, as fast as it goes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import StrEnum
from random import Random
from statistics import NormalDist

from msgspec import Struct

FIXED_MS = 20.0
MEDIAN_MS = 20.0
SIGMA = 0.5
DECK = 300
FREEZE_S = 1.4
CYCLE_S = 5.0
DROP_ONE_IN = 50
WRONG_ONE_IN = 100

RIGHT = b'{"right":true}'
WRONG = b'{"right":false}'
ANSWER = "/answer"


class Law(StrEnum):
    FIXED = "fixed"
    LOGNORMAL = "lognormal"
    FREEZE = "freeze"
    DROP = "drop"
    WRONG = "wrong"
    FAST = "fast"


class Seen(Struct, frozen=True, kw_only=True):
    """The server's own record since it was told which law to obey; moments are seconds of CLOCK_MONOTONIC.

    `delays_us`: request read -> answer written, in the order of the answers. `freezes_s`: when each freeze began and
    ended. `ticks`: every 0.1 s, how many answers had been written by then.
    """

    law: Law
    answered: int  # whole answers, right or wrong
    dropped: int
    wrong: int
    delays_us: list[int] = []
    freezes_s: list[tuple[float, float]] = []
    ticks: list[tuple[float, int]] = []


def lognormal_ms(share: float) -> float:
    """The delay that `share` (0 to 1) of a log-normal law's answers do not exceed."""
    return MEDIAN_MS * math.exp(SIGMA * NormalDist().inv_cdf(share))


def dealt_ms(seed: int) -> Iterator[float]:
    """The delays of `lognormal` in the order they are dealt, without end."""
    random = Random(seed)
    deck = [lognormal_ms((rank + 0.5) / DECK) for rank in range(DECK)]
    while True:
        random.shuffle(deck)
        yield from deck


def freeze_ms(share: float) -> float:
    """The response time, from the intended start, that `share` of Poisson arrivals on `freeze` do not exceed.

    Poisson arrivals over whole cycles fall uniformly into the cycle. One that falls u seconds into a freeze is
    answered at its end, after FREEZE_S - u; all others at once. So P(response > x) = (FREEZE_S - x) / CYCLE_S for
    0 <= x < FREEZE_S, and the quantile is FREEZE_S - (1 - share) CYCLE_S, at least 0: p99 = 1.4 - 0.05 = 1.35 s,
    p90 = 0.9 s, p50 = 0.
    """
    return max(0.0, FREEZE_S - (1 - share) * CYCLE_S) * 1e3


def truth_ms(law: Law, share: float) -> float:
    """The quantile of the answer times of `law`; the laws about counts answer at once."""
    match law:
        case Law.FIXED:
            return FIXED_MS
        case Law.LOGNORMAL:
            return lognormal_ms(share)
        case Law.FREEZE:
            return freeze_ms(share)
        case _:
            return 0.0
