"""Latencies into HdrHistograms, one per second, phase, outcome and metric, into a standard `.hlog` as time passes.

Requests only append their moments to an array (1 us, instead of 5 for recording each of the three metrics at once);
the arrays are folded into the histograms every 1,024 requests and at the end of the second. A second's histograms are
encoded and written as soon as the next one begins, one at a time with a yield between (about 0.4 ms each), so memory
does not grow with the number of requests or with the length of the run.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, time

import gevent
import numpy as np
from hdrh.log import HistogramLogWriter

from harness.driving.inside.bulk_histogram import BulkHistogram
from harness.results.records.metric import Metric, slice_mark
from harness.results.records.outcome import Outcome

_US_PER_MS = 1000.0
_FOLD_AT = 1024
_AT_FIRST = 12
_MOMENTS = 3  # intended, sent, done


class Recorder:
    """`exchange()` and `record()` from any greenlet; `close()` after the last. Moments: seconds of CLOCK_MONOTONIC;
    those in the file count from `origin_s`."""

    def __init__(self, path: Path, origin_s: float) -> None:
        self._origin_s = origin_s
        self._path = path
        self._mark = ""
        self._open()
        # An HdrHistogram is a cycle of objects around 136 kB: thrown away, it would wait for the garbage collector.
        # The first are made here, since making them in a phase would be send lag.
        self._spare = [BulkHistogram() for _ in range(_AT_FIRST)]
        self._second = _Second(0, self._spare)
        self._second_ends_s = -1.0
        self._unwritten: list[_Second] = []  # over, and not yet all in the file

    def move_to(self, path: Path, slice_number: int) -> None:
        """What follows goes to the end of `path`, and its phases are marked with the number of their slice (0: not)."""
        self.flush()  # what came before keeps its own mark
        self._mark = slice_mark(slice_number)
        if path != self._path:
            self.close()
            self._path = path
            self._open()

    def _open(self) -> None:
        is_new = not self._path.exists()
        self._file = self._path.open("a", encoding="ascii")
        self._log = HistogramLogWriter(self._file)
        if not is_new:
            return
        self._log.output_comment("[Histogram log format version 1.3]")
        origin_epoch_s = time() - (monotonic() - self._origin_s)
        self._log.output_comment(f"[StartTime: {origin_epoch_s:.3f} (seconds since epoch)]")
        # What a reader adds to each time; without it hdrh's skips all that comes before StartTime, which is everything.
        self._log.output_comment(f"[BaseTime: {origin_epoch_s:.3f} (seconds since epoch)]")
        self._log.output_comment("values are microseconds; times are seconds since the recorder was made")
        self._log.output_legend()

    def exchange(self, phase: str, outcome: Outcome, intended_s: float, sent_s: float, now_s: float) -> None:
        """A request that was sent: its service time, its response time and its send lag."""
        if now_s >= self._second_ends_s:
            self._turn(now_s)
        moments = self._second.moments.get((phase, outcome))
        if moments is None:
            moments = self._second.moments[phase, outcome] = array("d")
        moments.extend((intended_s, sent_s, now_s))
        if len(moments) >= _FOLD_AT * _MOMENTS:
            self._second.fold_moments(phase, outcome)

    def record(self, phase: str, outcome: Outcome, metric: Metric, seconds: float, now_s: float) -> None:
        """A single value. `seconds` outside 1 us - 60 s is recorded as the nearest of the two."""
        if now_s >= self._second_ends_s:
            self._turn(now_s)
        self._second.histogram(phase, outcome, metric).add(np.array([seconds]))

    def flush(self) -> None:
        """Write what there is, now; between phases. Raises OSError when the disk is full."""
        for second in (*self._unwritten, self._second):
            for _ in self._written(second):
                pass
        self._unwritten.clear()
        self._file.flush()

    def close(self) -> None:
        self.flush()
        self._file.close()

    def _turn(self, now_s: float) -> None:
        number = int(now_s - self._origin_s)
        done, self._second = self._second, _Second(number, self._spare)
        self._second_ends_s = self._origin_s + number + 1
        if done.moments or done.histograms:
            self._unwritten.append(done)
            gevent.spawn(self._write_with_pauses, done)

    def _write_with_pauses(self, second: _Second) -> None:
        for _ in self._written(second):
            gevent.sleep(0)
        if second in self._unwritten:  # a flush may have overtaken this
            self._unwritten.remove(second)

    def _written(self, second: _Second) -> Iterator[None]:
        for phase, outcome in list(second.moments):
            second.fold_moments(phase, outcome)
            yield
        # popitem: a flush that overtakes `_write_with_pauses` leaves nothing to write twice.
        while second.histograms:
            (phase, outcome, metric), histogram = second.histograms.popitem()
            self._file.write(f"Tag={phase}{self._mark}.{outcome}.{metric},")
            self._log.output_interval_histogram(histogram.hdrh, second.number, second.number + 1, _US_PER_MS)
            histogram.clear()
            self._spare.append(histogram)
            yield


class _Second:
    """What was recorded in one second since the origin."""

    def __init__(self, number: int, spare: list[BulkHistogram]) -> None:
        self.number = number
        self._spare = spare
        self.moments: dict[tuple[str, Outcome], array[float]] = {}  # of requests: intended, sent, done, intended, ...
        self.histograms: dict[tuple[str, Outcome, Metric], BulkHistogram] = {}

    def histogram(self, phase: str, outcome: Outcome, metric: Metric) -> BulkHistogram:
        histogram = self.histograms.get((phase, outcome, metric))
        if histogram is None:
            histogram = self.histograms[phase, outcome, metric] = self._spare.pop() if self._spare else BulkHistogram()
        return histogram

    def fold_moments(self, phase: str, outcome: Outcome) -> None:
        moments = self.moments.pop((phase, outcome), None)
        if moments is None:  # a flush has overtaken `_write_with_pauses`
            return
        moments_s = np.array(moments).reshape(-1, _MOMENTS)
        intended_s, sent_s, now_s = moments_s[:, 0], moments_s[:, 1], moments_s[:, 2]
        self.histogram(phase, outcome, Metric.SERVICE).add(now_s - sent_s)
        self.histogram(phase, outcome, Metric.RESPONSE).add(now_s - intended_s)
        self.histogram(phase, outcome, Metric.SEND_LAG).add(sent_s - intended_s)
