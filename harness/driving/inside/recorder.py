"""Latencies into HdrHistograms, one per second, phase, outcome and metric, into a standard `.hlog` as time passes.

A second's histograms are encoded and written as soon as the next one begins, one at a time with a yield between
(about 0.4 ms each), so memory does not grow with the number of requests or with the length of the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic, time

import gevent
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogWriter

from harness.model import Metric, Outcome

LOWEST_US = 1
HIGHEST_US = 60_000_000
SIGNIFICANT_DIGITS = 3
_US_PER_MS = 1000.0


class Recorder:
    """`record()` from any greenlet; `finish()` after the last. Times are seconds of CLOCK_MONOTONIC."""

    def __init__(self, path: Path, origin_s: float) -> None:
        self._origin_s = origin_s
        self._file = path.open("w", encoding="ascii")
        self._log = HistogramLogWriter(self._file)
        self._log.output_comment("[Histogram log format version 1.3]")
        self._log.output_comment(f"[StartTime: {time() - (monotonic() - origin_s):.3f} (seconds since epoch)]")
        self._log.output_comment("[BaseTime: 0.000 (seconds since epoch)]")
        self._log.output_comment("values are microseconds; times are seconds since the trial's origin")
        self._log.output_legend()
        self._second = -1
        self._current: dict[tuple[str, Outcome, Metric], HdrHistogram] = {}
        self._spare: list[HdrHistogram] = []

    def record(self, phase: str, outcome: Outcome, metric: Metric, seconds: float, now_s: float) -> None:
        """`seconds` outside 1 us - 60 s is recorded as the nearest of the two."""
        second = int(now_s - self._origin_s)
        if second != self._second:
            self._turn(second)
        key = (phase, outcome, metric)
        histogram = self._current.get(key)
        if histogram is None:
            histogram = self._current[key] = self._fresh()
        microseconds = int(seconds * 1e6 + 0.5)
        if microseconds < LOWEST_US:
            microseconds = LOWEST_US
        elif microseconds > HIGHEST_US:
            microseconds = HIGHEST_US
        histogram.record_value(microseconds)

    def flush(self) -> None:
        """Write what there is, now; between phases."""
        for _ in self._written(self._second, self._current):
            pass
        self._current = {}
        self._file.flush()

    def close(self) -> None:
        self.flush()
        self._file.close()

    def _turn(self, second: int) -> None:
        done, self._current = self._current, {}
        done_second, self._second = self._second, second
        if done:
            gevent.spawn(self._write_politely, done_second, done)

    def _write_politely(self, second: int, done: dict[tuple[str, Outcome, Metric], HdrHistogram]) -> None:
        for _ in self._written(second, done):
            gevent.sleep(0)

    def _written(self, second: int, done: dict[tuple[str, Outcome, Metric], HdrHistogram]) -> Iterator[None]:
        # popitem: a flush that overtakes the polite writer leaves nothing to write twice.
        while done:
            (phase, outcome, metric), histogram = done.popitem()
            self._file.write(f"Tag={phase}.{outcome}.{metric},")
            self._log.output_interval_histogram(histogram, second or 1e-6, second + 1, _US_PER_MS)
            histogram.reset()
            self._spare.append(histogram)
            yield

    def _fresh(self) -> HdrHistogram:
        return self._spare.pop() if self._spare else HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)
