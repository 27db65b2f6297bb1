"""The laws that the truth server follows, and the answer times that follow from them by arithmetic. Pure.

`fixed`       every answer takes FIXED_MS.
`quick`       every answer takes QUICK_MS.
`lognormal`   answers take a log-normal time. The delays are dealt from a shuffled deck of n cards; the k-th smallest
              card is the law's k/n quantile. When as many requests come as there are cards, the delays have exactly the
              quantiles of the law; independent draws would be 3 % off at the p99 of 3,000.
`freeze`      the whole process stands still for FREEZE_S in every CYCLE_S and answers at once otherwise.
`drop`        one request in DROP_ONE_IN is dropped: the connection is closed in the middle of the answer or, every
              other time, before its first byte.
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

FIXED_MS = 50.0  # as long as a call of the workload `fanout`
QUICK_MS = 5.0  # so short that it tests the absolute accuracy
MEDIAN_MS = 50.0
SIGMA = 0.5  # p90 95 ms, p99 160 ms
FREEZE_S = 1.4
CYCLE_S = 5.0
DROP_ONE_IN = 50
WRONG_ONE_IN = 100

RIGHT = b'{"right":true}'
WRONG = b'{"right":false}'
ANSWER = "/answer"


class Law(StrEnum):
    FIXED = "fixed"
    QUICK = "quick"
    LOGNORMAL = "lognormal"
    FREEZE = "freeze"
    DROP = "drop"
    WRONG = "wrong"
    FAST = "fast"


class Seen(Struct, frozen=True, kw_only=True):
    """The server's own record since it got its law; moments are seconds of CLOCK_MONOTONIC.

    `delays_us`: request there -> answer written, in the order of the answers. `freezes_s`: when each freeze began and
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


def dealt_ms(seed: int, cards: int) -> Iterator[float]:
    """The delays of `lognormal` in the order they are dealt, deck after deck without end.

    The largest card would be infinite; it is the quantile in the middle of its rank instead.
    """
    random = Random(seed)
    deck = [lognormal_ms(min(rank / cards, 1 - 0.5 / cards)) for rank in range(1, cards + 1)]
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
    """The quantile of the answer times of `law`. The laws that are about counts answer at once: 0."""
    match law:
        case Law.FIXED:
            return FIXED_MS
        case Law.QUICK:
            return QUICK_MS
        case Law.LOGNORMAL:
            return lognormal_ms(share)
        case Law.FREEZE:
            return freeze_ms(share)
        case _:
            return 0.0
