"""How far a percentile may be from the truth, and which round is believed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, inf
from typing import NamedTuple

from harness.calibration.record import Figure, FromSend

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

    @property
    def badness(self) -> float:
        """The largest error as a share of what is allowed; 1 is the bound."""
        return max(
            (abs(self.ours_ms[percent] - did_ms) / allowed_ms(did_ms) for percent, did_ms in self.did_ms.items()),
            default=inf,
        )


def allowed_ms(truth_ms: float) -> float:
    """2 % or 0.3 ms, whichever is larger."""
    return max(ALLOWED_MS, ALLOWED_SHARE * truth_ms)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of them do not exceed: the rank that ours is read at, too."""
    return sorted(values)[ceil(len(values) * percent / 100) - 1]


def best(rounds: Sequence[Round]) -> Round:
    """The round that is nearest to the truth.

    What disturbs a round comes from outside (another process on the CPU, another tenant on the machine) and lengthens
    what a client sees: it cannot make a wrong instrument right in all three percentiles at once, while it makes a right
    one look wrong. So the best round says most about the instrument, and an error of its own is in every round.
    """
    return min(rounds, key=lambda one: one.badness)


def figures(law_ms: Mapping[float, float], chosen: Round, stock_ms: Mapping[float, float]) -> tuple[Figure, ...]:
    """One figure a percentile; the truth is what the server really did to the same requests."""
    return tuple(
        Figure(
            percent=percent,
            law_ms=law_ms[percent],
            did_ms=did_ms,
            ours_ms=chosen.ours_ms[percent],
            stock_ms=stock_ms.get(percent),
            error_ms=chosen.ours_ms[percent] - did_ms,
            allowed_ms=allowed_ms(did_ms),
        )
        for percent, did_ms in chosen.did_ms.items()
    )


def freeze_figures(
    law_ms: Mapping[float, float],
    did_ms: Mapping[float, float],
    ours_ms: Mapping[float, float],
    stock_ms: Mapping[float, float],
) -> tuple[Figure, ...]:
    """One figure a percentile of a server that stands still; only p99 is judged.

    It is made by those who came first in a freeze and are answered first after it; the others' times depend on how
    fast the queue is worked off.
    """
    return tuple(
        Figure(
            percent=percent,
            law_ms=law_ms[percent],
            did_ms=did_ms[percent],
            ours_ms=ours_ms[percent],
            stock_ms=stock_ms.get(percent),
            error_ms=ours_ms[percent] - did_ms[percent],
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
