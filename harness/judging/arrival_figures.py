"""Whether an open loop's requests left as its schedule says: as many, as fast, and with its law. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from harness.results.records.arrival_times import Arrivals
from harness.results.records.schedule import schedule

FEWEST = 30  # arrivals; a distribution of fewer tells nothing


@dataclass(frozen=True)
class ArrivalFigures:
    """One phase of one generator.

    `missing`: the share of the schedule that never fell due. `rate_error`: how much slower (or, negative, faster) the
    requests left than they should have, as a share; `late_s`: the same in seconds over the whole phase. `distance` and
    `p_value`: Kolmogorov-Smirnov against the law; None with fewer than 30 requests.
    """

    missing: float
    rate_error: float
    late_s: float
    distance: float | None
    p_value: float | None


def arrival_figures(arrivals: Arrivals) -> ArrivalFigures | None:
    """None for a phase that is no open loop.

    A Poisson schedule's law: the gaps between requests as they left are exponential with the schedule's rate. Those of
    a constant one have no spread to test; its moments are held against a uniform distribution over the phase.
    """
    spec = arrivals.phase
    if spec.rate_rps is None:
        return None
    planned = schedule(spec.arrivals, spec.rate_rps, spec.duration_s, spec.seed)
    sent_s = np.sort(np.asarray(arrivals.sent_us, float)) / 1e6
    intended_s = np.asarray(arrivals.intended_us, float) / 1e6
    rate_error = late_s = 0.0
    distance = p_value = None
    if len(sent_s) > 1 and intended_s[-1] > intended_s[0]:
        late_s = float((sent_s[-1] - sent_s[0]) - (intended_s[-1] - intended_s[0]))
        rate_error = late_s / float(intended_s[-1] - intended_s[0])
    if len(sent_s) >= FEWEST:
        from scipy import stats  # noqa: PLC0415 - takes half a second to import, and short runs need none

        if spec.arrivals == "poisson":
            tested = stats.kstest(np.diff(sent_s), stats.expon(scale=1 / spec.rate_rps).cdf)
        else:
            tested = stats.kstest(sent_s, stats.uniform(0, spec.duration_s).cdf)
        distance, p_value = float(tested.statistic), float(tested.pvalue)
    return ArrivalFigures(
        missing=1 - arrivals.scheduled / len(planned) if planned else 0.0,
        rate_error=rate_error,
        late_s=late_s,
        distance=distance,
        p_value=p_value,
    )


def by_phase(lines: Iterable[Arrivals]) -> dict[str, tuple[ArrivalFigures, ...]]:
    """By phase name, one for each generator."""
    found: dict[str, tuple[ArrivalFigures, ...]] = {}
    for line in lines:
        if (figures := arrival_figures(line)) is not None:
            found[line.phase.name] = (*found.get(line.phase.name, ()), figures)
    return found
