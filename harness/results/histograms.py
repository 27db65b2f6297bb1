"""Reads `latency.hlog`: HdrHistogram's interval log, one histogram a second, tagged
`<phase>@<slice>.<outcome>.<metric>`.

`hdrh.log.HistogramLogReader` is not used: it stops without an error at the first interval with a time that it does not
accept, and a line that was cut off ends its loop with an exception. Decoding itself is hdrh's. Histograms are merged by
adding their counts, which is exact; percentiles are never averaged.
"""

from __future__ import annotations

import functools
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from hdrh.codec import HdrCookieException, HdrLengthException
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from harness.results.records.metric import HIGHEST_US, LOWEST_US, SIGNIFICANT_FIGURES, Metric, slice_mark
from harness.results.records.outcome import Outcome
from harness.results.store import StoreError

# `Tag=<phase>@<slice>.<outcome>.<metric>,<start s>,<length s>,<max>,<payload>`; a phase may hold dots (`rate-12.5`).
_LINE = re.compile(
    rb"Tag=(?P<tag>[^,]+),(?P<start_s>[0-9.]+),(?P<length_s>[0-9.]+),[0-9.]+,(?P<payload>[A-Za-z0-9+/=]+)"
)
# The exceptions of hdrh for a damaged payload: those of base64, of zlib and of its own checks.
_DAMAGE = (ValueError, OverflowError, zlib.error, HdrCookieException, HdrLengthException)


@dataclass(frozen=True)
class Histogram:
    """How often each value was recorded. `values_us` ascend; each is the highest of its bucket, as hdrh reports it."""

    values_us: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    def share_above(self, value_us: float) -> float:
        """Of the recorded values, how many are larger; ZeroDivisionError when there are none."""
        return int(self.counts[self.values_us > value_us].sum()) / self.total

    def at_rank(self, rank: int) -> int:
        """The `rank`-th smallest value in us, counted from 1; IndexError when there are fewer."""
        if not 1 <= rank <= self.total:
            raise IndexError(f"rank {rank} of {self.total} values")
        return int(self.values_us[np.searchsorted(self.counts.cumsum(), rank)])


def merge(histograms: Iterable[Histogram]) -> Histogram:
    """All of them added up; the empty histogram for none."""
    parts = [part for part in histograms if part.counts.size]
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Histogram(np.empty(0, np.int64), np.empty(0, np.int64))
    values_us, where = np.unique(np.concatenate([part.values_us for part in parts]), return_inverse=True)
    counts = np.zeros(len(values_us), np.int64)
    np.add.at(counts, where, np.concatenate([part.counts for part in parts]))
    return Histogram(values_us, counts)


class Tag(NamedTuple):
    phase: str
    outcome: Outcome
    metric: Metric


class Interval(NamedTuple):
    """`start_s` counts from the moment that the log calls its BaseTime."""

    start_s: float
    length_s: float
    histogram: Histogram


@dataclass(frozen=True)
class Histograms:
    """A whole log. `broken_lines` could not be read: cut off, damaged, or of other settings than ours."""

    intervals: dict[Tag, tuple[Interval, ...]]
    broken_lines: int = 0

    def of_slice(self, number: int) -> Histograms:
        """Those of one slice of the boot, its phases by their plain names."""
        mark = slice_mark(number)
        return Histograms(
            {
                tag._replace(phase=tag.phase.removesuffix(mark)): intervals
                for tag, intervals in self.intervals.items()
                if tag.phase.endswith(mark) and "@" not in tag.phase.removesuffix(mark)
            },
            self.broken_lines,
        )

    def merged(self, phase: str, outcomes: Iterable[Outcome], metric: Metric) -> Histogram:
        return merge(interval.histogram for interval in self._select(phase, outcomes, metric))

    def _select(self, phase: str, outcomes: Iterable[Outcome], metric: Metric) -> Iterable[Interval]:
        for outcome in outcomes:
            yield from self.intervals.get(Tag(phase, outcome, metric), ())


def read_histograms(path: Path) -> Histograms:
    """Every interval of the log, and of `<name>-2.hlog`, ... that further generators have written beside it, that can
    be read; a missing file is an empty log. StoreError if it is unreadable."""
    content = b"\n".join(map(_content, (path, *sorted(path.parent.glob(f"{path.stem}-[0-9]*{path.suffix}")))))
    intervals: dict[Tag, list[Interval]] = defaultdict(list)
    broken_lines = 0
    for line in content.split(b"\n"):
        if not line.strip() or line.startswith((b"#", b'"')):  # comments and the legend
            continue
        parsed = _parse(line)
        if parsed is None:
            broken_lines += 1
        else:
            tag, interval = parsed
            intervals[tag].append(interval)
    return Histograms({tag: tuple(found) for tag, found in intervals.items()}, broken_lines)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error


def _parse(line: bytes) -> tuple[Tag, Interval] | None:
    match = _LINE.fullmatch(line.rstrip(b"\r"))
    if not match:
        return None
    try:
        phase, outcome, metric = match["tag"].decode().rsplit(".", 2)
        tag = Tag(phase, Outcome(outcome), Metric(metric))
        histogram = _decode(match["payload"])
        return tag, Interval(float(match["start_s"]), float(match["length_s"]), histogram)
    except _DAMAGE:
        return None


def _decode(payload: bytes) -> Histogram:
    decoded = HdrHistogram.decode(payload)
    if decoded.highest_trackable_value != HIGHEST_US or decoded.significant_figures != SIGNIFICANT_FIGURES:
        raise ValueError("a histogram of other settings: its buckets are not ours")
    dense = np.frombuffer(decoded.counts, np.int64)
    indices = np.flatnonzero(dense != 0)
    return Histogram(_bucket_values_us()[indices], dense[indices])


@functools.cache
def _bucket_values_us() -> NDArray[np.int64]:
    """The highest value of every bucket, by hdrh's own arithmetic."""
    layout = HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_FIGURES)
    lowest = (layout.get_value_from_index(index) for index in range(layout.counts_len))
    return np.fromiter((layout.get_highest_equivalent_value(value) for value in lowest), np.int64)
