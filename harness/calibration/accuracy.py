"""How far a percentile is from the true one, and how far the next round's may be. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from math import ceil, sqrt
from typing import NamedTuple

from scipy.special import stdtrit

from harness.calibration.case_record import FromSend, QuantileError

PERCENTS = (50.0, 90.0, 99.0)
ROUND_CONFIDENCE = 0.95
# A freeze was seen when its p99 is right within a tenth: a busy machine needs longer for the queue after it.
FREEZE_SHARE = 0.1
# Counted from the send, the p99 of a freeze must be below this share of the true p99. Otherwise the freeze does not
# show the difference between an instrument that counts from the send and one that does not.
HIDDEN_SHARE = 0.1


class Round(NamedTuple):
    """One round of a law: percent -> ms, by the server's own record and by ours, of the same requests."""

    did_ms: Mapping[float, float]
    ours_ms: Mapping[float, float]


def nearest_rank(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of them do not exceed. Our generator's percentile has the same
    rank."""
    return sorted(values)[ceil(len(values) * percent / 100) - 1]


def bound_ms(errors_ms: Sequence[float]) -> float | None:
    """The uncertainty: in 95 of 100 calibrations the error of the next round is smaller. None for a single round, which
    says nothing about scatter.

    The mean of the rounds is the bias. It is not corrected, so it is added in full (Guide to the Expression of
    Uncertainty in Measurement, JCGM 100:2008, F.2.4.5). Their scatter gives a prediction interval for one more round
    (Hahn and Meeker, Statistical Intervals, chapter 4), which takes into account that few rounds show the scatter only
    roughly. The interval assumes a normal law, and a disturbed machine has longer tails. So the result is never less
    than the largest error that was seen.
    """
    rounds = len(errors_ms)
    if rounds < 2:
        return None
    reach = float(stdtrit(rounds - 1, (1 + ROUND_CONFIDENCE) / 2)) * sqrt(1 + 1 / rounds)
    covered_ms = abs(statistics.fmean(errors_ms)) + reach * statistics.stdev(errors_ms)
    return max(covered_ms, *map(abs, errors_ms))


def quantile_errors(
    law_ms: Mapping[float, float],
    rounds: Sequence[Round],
    stock_ms: Mapping[float, float],
    allowed_ms: float | None,
) -> tuple[QuantileError, ...]:
    """One figure for each percentile, over all rounds. Its error: what we measured minus what the server did to the
    same requests."""

    def figure(percent: float) -> QuantileError:
        errors_ms = tuple(one.ours_ms[percent] - one.did_ms[percent] for one in rounds)
        return QuantileError(
            percent=percent,
            law_ms=law_ms[percent],
            did_ms=statistics.median(one.did_ms[percent] for one in rounds),
            ours_ms=statistics.median(one.ours_ms[percent] for one in rounds),
            stock_ms=stock_ms.get(percent),
            errors_ms=errors_ms,
            uncertainty_ms=bound_ms(errors_ms),
            allowed_ms=allowed_ms,
        )

    return tuple(figure(percent) for percent in PERCENTS)


def freeze_figures(
    law_ms: Mapping[float, float],
    did_ms: Mapping[float, float],
    ours_ms: Mapping[float, float],
    stock_ms: Mapping[float, float],
) -> tuple[QuantileError, ...]:
    """One figure for each percentile of a server that stands still. Only the p99 is judged: was the freeze seen?

    The p99 comes from the requests that arrived first in a freeze and are answered first after it. The times of the
    others depend on how fast the server works through the queue.
    """
    return tuple(
        QuantileError(
            percent=percent,
            law_ms=law_ms[percent],
            did_ms=did_ms[percent],
            ours_ms=ours_ms[percent],
            stock_ms=stock_ms.get(percent),
            errors_ms=(ours_ms[percent] - did_ms[percent],),
            allowed_ms=FREEZE_SHARE * did_ms[percent] if percent == 99 else None,
        )
        for percent in PERCENTS
    )


def from_send(did_ms: float, service_ms: float) -> FromSend:
    """Whether the p99 shows the difference to counting from the send. `did_ms` is the true p99, `service_ms` the one
    from the send."""
    return FromSend(percent=99, service_ms=service_ms, most_ms=HIDDEN_SHARE * did_ms)


def frozen_ms(intended_s: Sequence[float], freezes_s: Sequence[tuple[float, float]]) -> list[float]:
    """For a request that was due at each moment: how long it had to wait for the end of a freeze, in ms."""
    return [
        max((ended_s - moment_s for began_s, ended_s in freezes_s if began_s <= moment_s < ended_s), default=0.0) * 1e3
        for moment_s in intended_s
    ]
