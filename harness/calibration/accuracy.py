"""How far a percentile may be from the truth. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from math import ceil
from typing import NamedTuple

from harness.calibration.calibration_record import FromSend, QuantileError

PERCENTS = (50.0, 90.0, 99.0)
ALLOWED_SHARE = 0.02
ALLOWED_MS = 0.3
FREEZE_SHARE = 0.03
# Counting from the send must miss the p99 of a freeze by this much, or the freeze tells no instrument from another.
HIDDEN_SHARE = 0.1


class Round(NamedTuple):
    """One round of a law: percent -> ms, by the server's own record and by ours, of the same requests."""

    did_ms: Mapping[float, float]
    ours_ms: Mapping[float, float]


def allowed_ms(truth_ms: float) -> float:
    """2 % or 0.3 ms, whichever is larger."""
    return max(ALLOWED_MS, ALLOWED_SHARE * truth_ms)


def nearest_rank(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of them do not exceed: the rank that ours is read at, too."""
    return sorted(values)[ceil(len(values) * percent / 100) - 1]


def quantile_errors(
    law_ms: Mapping[float, float], rounds: Sequence[Round], stock_ms: Mapping[float, float]
) -> tuple[QuantileError, ...]:
    """One figure a percentile, over all rounds; its error is against what the server really did to the same requests.

    The median over the rounds is what is judged: a round that a neighbour of the machine disturbed does not decide,
    and neither does one that happened to come out well.
    """

    def figure(percent: float) -> QuantileError:
        did_ms = statistics.median(one.did_ms[percent] for one in rounds)
        return QuantileError(
            percent=percent,
            law_ms=law_ms[percent],
            did_ms=did_ms,
            ours_ms=statistics.median(one.ours_ms[percent] for one in rounds),
            stock_ms=stock_ms.get(percent),
            errors_ms=tuple(one.ours_ms[percent] - one.did_ms[percent] for one in rounds),
            allowed_ms=allowed_ms(did_ms),
        )

    return tuple(figure(percent) for percent in PERCENTS)


def freeze_figures(
    law_ms: Mapping[float, float],
    did_ms: Mapping[float, float],
    ours_ms: Mapping[float, float],
    stock_ms: Mapping[float, float],
) -> tuple[QuantileError, ...]:
    """One figure a percentile of a server that stands still; only p99 is judged.

    It is made by those who came first in a freeze and are answered first after it; the others' times depend on how
    fast the queue is worked off.
    """
    return tuple(
        QuantileError(
            percent=percent,
            law_ms=law_ms[percent],
            did_ms=did_ms[percent],
            ours_ms=ours_ms[percent],
            stock_ms=stock_ms.get(percent),
            errors_ms=(ours_ms[percent] - did_ms[percent],),
            allowed_ms=FREEZE_SHARE * law_ms[percent] if percent == 99 else None,
        )
        for percent in PERCENTS
    )


def from_send(did_ms: float, service_ms: float) -> FromSend:
    """Whether counting from the send would have shown in the p99: `did_ms` is the true one, `service_ms` that one."""
    return FromSend(percent=99, service_ms=service_ms, most_ms=HIDDEN_SHARE * did_ms)


def frozen_ms(intended_s: Sequence[float], freezes_s: Sequence[tuple[float, float]]) -> list[float]:
    """What a request meant to start at each moment had to wait for the end of the freeze it fell into, in ms."""
    return [
        max((ended_s - moment_s for began_s, ended_s in freezes_s if began_s <= moment_s < ended_s), default=0.0) * 1e3
        for moment_s in intended_s
    ]
