"""What the probe inside the target's workers saw during one phase. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from harness.inside.bench_inside.lag import lags_us
from harness.results.histograms import Histogram
from harness.results.records.phase_record import PhaseRecord
from harness.results.records.probe_line import ProbeLine


@dataclass(frozen=True)
class ProbeFigures:
    """`lags`: how late the event loop's ticks came, in us, all workers' together. `pool_waits`: how long requests
    waited for a connection of a pool, in us; empty where nobody took one. None: no line in the phase."""

    lags: Histogram
    pool_waits: Histogram
    lines: int = 0
    limiter_borrowed_max: int | None = None
    limiter_waiting_max: int | None = None
    pool_waiting_max: int | None = None
    requests_by_pid: dict[int, int] = field(default_factory=dict)


def probe_figures(
    probes: Mapping[int, Sequence[ProbeLine]], phase: PhaseRecord, origin_monotonic_s: float
) -> ProbeFigures:
    """`probes`: lines in order by worker PID, with absolute times. Requests are counts within the phase.

    A line tells of the tenth of a second before it, so up to one line a worker also holds ticks from before the phase.
    """
    start_s, end_s = origin_monotonic_s + phase.start_s, origin_monotonic_s + phase.end_s
    inside = [line for lines in probes.values() for line in lines if start_s < line.t_s <= end_s]
    lags = [lag for line in inside for lag in line.lags_us]
    lags += [lag for lines in probes.values() for lag in _lag_over_the_end(lines, start_s, end_s)]
    requests = {pid: _requests_between(lines, start_s, end_s) for pid, lines in probes.items()}
    return ProbeFigures(
        lags=_histogram(lags),
        pool_waits=_histogram([wait_us for line in inside for wait_us in line.pool_waits_us]),
        lines=len(inside),
        limiter_borrowed_max=max((line.limiter_borrowed for line in inside), default=None),
        limiter_waiting_max=max((line.limiter_waiting for line in inside), default=None),
        pool_waiting_max=_most_waiting(inside),
        requests_by_pid={pid: count for pid, count in requests.items() if count},
    )


def _most_waiting(lines: Sequence[ProbeLine]) -> int | None:
    """For a connection, at once; None where nobody took one."""
    has_pool = any(line.pool_waits_us or line.pool_waiting for line in lines)
    return max(line.pool_waiting for line in lines) if has_pool else None


def _lag_over_the_end(lines: Sequence[ProbeLine], start_s: float, end_s: float) -> Sequence[int]:
    """The lags of the ticks that fell due in the phase and had not come by its end, because the loop was blocked then:
    as long as the last line of the phase had seen it blocked, so at least that.

    Without them a loop that is blocked throughout looks best: it has no tick, and so no late one.
    """
    last = next((line for line in reversed(lines) if start_s < line.t_s <= end_s), None)
    return lags_us(last.overdue_us) if last is not None and last.overdue_us else ()


def _requests_between(lines: Sequence[ProbeLine], start_s: float, end_s: float) -> int:
    """From a cumulative count, interpolated between the lines around each edge."""
    if not lines or lines[0].t_s > end_s:
        return 0
    times_s = [line.t_s for line in lines]
    counts = [line.requests for line in lines]
    at_start, at_end = np.interp((start_s, end_s), times_s, counts, left=0)
    return round(float(at_end - at_start))


def _histogram(values_us: Sequence[int]) -> Histogram:
    values, counts = np.unique(np.asarray(values_us, np.int64), return_counts=True)
    return Histogram(values, counts.astype(np.int64))
