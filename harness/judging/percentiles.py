"""Latency percentiles where some requests were given up: their recorded time is only a lower bound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from harness.judging.figures import Percentile
from harness.results.histograms import Histogram, Histograms, merge
from harness.results.records.metric import Metric
from harness.results.records.outcome import TOO_LATE, Outcome

# Fewer samples than this and the percentile is not printed. Keys are per mille.
MIN_SAMPLES = {500: 10, 900: 10, 990: 100, 999: 1000}

# Errors (refused, 5xx, a wrong answer) are in neither list: a server that fails fast would look quick. They are
# counted instead.
_EXACT = (Outcome.OK,)
# How late a request was sent says something about the generator, whatever came of the request.
_SENT = tuple(outcome for outcome in Outcome if outcome is not Outcome.NOT_SENT)


@dataclass(frozen=True)
class Latencies:
    """Times in us: `exact` ones, and those of requests that were `given_up`, whose true time is that or more."""

    exact: Histogram
    given_up: Histogram

    def percentile(self, permille: int) -> Percentile | None:
        """The nearest-rank percentile (990: p99) in ms; None with too few samples.

        The k-th smallest of values that may be larger than recorded lies between two bounds: with every recorded
        time taken for the truth it is the k-th of all; with the given-up ones taken for infinite, the k-th of the
        exact ones. The first is what is returned; it is the truth where the second agrees, and else `at_least`.
        """
        everything = merge((self.exact, self.given_up))
        samples = everything.total
        if samples < MIN_SAMPLES[permille]:
            return None
        rank = -(-permille * samples // 1000)  # the ceiling, without the rounding of floats
        value_us = everything.at_rank(rank)
        certain = rank <= self.exact.total and self.exact.at_rank(rank) == value_us
        return Percentile(value_ms=value_us / 1000, at_least=not certain, samples=samples)


def latencies(histograms: Histograms, phase: str, metric: Metric) -> Latencies:
    """What the log says of one metric of one phase."""
    exact, given_up = (_SENT, (Outcome.NOT_SENT,)) if metric is Metric.SEND_LAG else (_EXACT, TOO_LATE)
    return Latencies(histograms.merged(phase, exact, metric), histograms.merged(phase, given_up, metric))


def pool(parts: Iterable[Latencies]) -> Latencies:
    """Added up over slices."""
    both = list(parts)
    return Latencies(merge(part.exact for part in both), merge(part.given_up for part in both))


def at_least(known: Latencies) -> Latencies:
    """What is known of a phase, taken as lower bounds for a phase that can only have been worse."""
    return Latencies(merge(()), merge((known.exact, known.given_up)))


def exact_latencies(values: Histogram) -> Latencies:
    """Values of which none was given up."""
    return Latencies(values, merge(()))


def with_slice_range(pooled: Percentile | None, slices: Iterable[Percentile | None]) -> Percentile | None:
    """`pooled` with the least and the largest of the slices' own percentiles."""
    values_ms = [slice.value_ms for slice in slices if slice is not None]
    if pooled is None or not values_ms:
        return pooled
    return msgspec.structs.replace(pooled, slice_low_ms=min(values_ms), slice_high_ms=max(values_ms))
