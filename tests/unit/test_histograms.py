"""`latency.hlog`: what was written is read back, added up exactly, and survives being cut off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.results import histograms
from harness.results.histograms import Interval, Tag
from harness.results.records.metric import Metric
from harness.results.records.outcome import Outcome
from harness.results.store import StoreError
from tests.synthetic_session import histogram_of, write_hlog

VALUES_US = st.lists(st.integers(1, 60_000_000), min_size=1, max_size=40)
OK_RESPONSE = ("capacity", [Outcome.OK], Metric.RESPONSE)
# Every example writes its whole file anew.
ON_DISK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)


def write(path: Path, seconds: Sequence[Sequence[int]], tag: str = "capacity.ok.response") -> Path:
    write_hlog(path, [(tag, float(n + 1), 1.0, histogram_of(values)) for n, values in enumerate(seconds)])
    return path


@ON_DISK
@given(seconds=st.lists(VALUES_US, min_size=1, max_size=5))
def test_merging_adds_as_hdrh_does(tmp_path: Path, seconds: list[list[int]]) -> None:
    merged = histograms.read_histograms(write(tmp_path / "a.hlog", seconds)).merged(*OK_RESPONSE)
    reference = HdrHistogram(1, 60_000_000, 3)
    for values in seconds:
        reference.decode_and_add(histogram_of(values).encode())
    assert merged.total == reference.get_total_count() == sum(len(values) for values in seconds)
    assert merged.counts.tolist() == [reference.get_count_at_value(value) for value in merged.values_us.tolist()]
    assert merged.at_rank(merged.total) == reference.get_max_value()


@ON_DISK
@given(values=VALUES_US, rank=st.integers(1, 40))
def test_a_rank_is_the_sorted_value_within_three_digits(tmp_path: Path, values: list[int], rank: int) -> None:
    merged = histograms.read_histograms(write(tmp_path / "a.hlog", [values])).merged(*OK_RESPONSE)
    if rank > len(values):
        with pytest.raises(IndexError):
            merged.at_rank(rank)
        return
    truth = sorted(values)[rank - 1]
    assert truth <= merged.at_rank(rank) <= truth * 1.001


def test_tags_keep_phases_outcomes_and_metrics_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.hlog"
    write_hlog(
        path,
        [
            ("rate-12.5.ok.response", 0.5, 1.0, histogram_of([1000])),
            ("rate-12.5.timeout.response", 0.5, 1.0, histogram_of([2000, 2000])),
            ("rate-12.5.ok.send_lag", 0.5, 1.0, histogram_of([3000])),
            ("warmup.ok.response", 0.5, 1.0, histogram_of([4000])),
        ],
    )
    read = histograms.read_histograms(path)
    assert read.broken_lines == 0
    assert read.merged("rate-12.5", [Outcome.OK], Metric.RESPONSE).total == 1
    assert read.merged("rate-12.5", [Outcome.OK, Outcome.TIMEOUT], Metric.RESPONSE).total == 3
    assert read.merged("rate-12.5", [Outcome.NOT_SENT], Metric.RESPONSE).total == 0
    (interval,) = read.intervals[Tag("warmup", Outcome.OK, Metric.RESPONSE)]
    assert isinstance(interval, Interval)
    assert (interval.start_s, interval.length_s, interval.histogram.values_us.tolist()) == (0.5, 1.0, [4001])


def test_a_slice_has_its_own_phases_by_their_plain_names(tmp_path: Path) -> None:
    path = tmp_path / "a.hlog"
    slices = {1: [1000], 2: [2000] * 2, 12: [3000] * 3}
    write_hlog(
        path,
        [
            *(
                (f"{phase}@{number}.ok.response", float(number), 1.0, histogram_of(values))
                for number, values in slices.items()
                for phase in ("capacity", "rate-12.5")
            ),
            ("capacity.ok.response", 99.0, 1.0, histogram_of([9000] * 9)),
        ],
    )
    read = histograms.read_histograms(path)
    for number, values in slices.items():
        own = read.of_slice(number)
        assert {tag.phase for tag in own.intervals} == {"capacity", "rate-12.5"}
        assert own.merged(*OK_RESPONSE).total == len(values), "2 is not the end of 12"
        (interval,) = own.intervals[Tag("rate-12.5", Outcome.OK, Metric.RESPONSE)]
        assert interval.start_s == number
    assert read.of_slice(3).intervals == {}
    assert read.of_slice(0).merged(*OK_RESPONSE).total == 9, "what has no mark is no boot's"


def test_every_slice_of_a_log_knows_that_lines_are_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.hlog", [[1000]], tag="capacity@1.ok.response")
    path.write_text(path.read_text() + "Tag=capacity@2.ok.resp")
    assert [histograms.read_histograms(path).of_slice(number).broken_lines for number in (1, 2)] == [1, 1]


@ON_DISK
@given(cut=st.integers(0, 100_000))
def test_a_log_cut_off_anywhere_loses_only_its_last_line(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path / "a.hlog", [[1000], [2000, 2000], [3000] * 3])
    whole = path.read_bytes()
    content = whole[: cut % (len(whole) + 1)]
    path.write_bytes(content)
    # A line that lacks only its line end is whole.
    complete = sum(whole.startswith(content) and end <= len(content) for end in line_ends(whole))
    read = histograms.read_histograms(path)
    assert read.merged(*OK_RESPONSE).total == sum(range(1, complete + 1))


def line_ends(content: bytes) -> list[int]:
    """Where each interval's line ends, the line end left out."""
    ends, position = [], 0
    for line in content.splitlines(keepends=True):
        position += len(line)
        if line.startswith(b"Tag="):
            ends.append(position - 1)
    return ends


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line.replace(b"HIST", b"TSIH"),
        lambda line: line[:-12] + line[-4:],
        lambda line: line[:60] + b"AAAAAAAA" + line[68:],
        lambda line: line.replace(b"capacity.ok", b"capacity.fine"),
        lambda line: line.replace(b"Tag=", b"\xff\xfe"),
        lambda line: line.replace(b",1.000000,", b",1.0.0,"),
    ],
)
def test_a_damaged_line_is_counted_and_the_others_are_read(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = write(tmp_path / "a.hlog", [[1000], [2000] * 9, [3000]])
    lines = path.read_bytes().splitlines()
    index = next(n for n, line in enumerate(lines) if line.startswith(b"Tag=")) + 1
    damaged = damage(lines[index])
    assert damaged != lines[index]
    lines[index] = damaged
    path.write_bytes(b"\n".join(lines))
    read = histograms.read_histograms(path)
    assert read.broken_lines == 1
    assert read.merged(*OK_RESPONSE).total == 2


def test_buckets_of_other_settings_are_not_mixed_in(tmp_path: Path) -> None:
    path = tmp_path / "a.hlog"
    other = HdrHistogram(1, 3_600_000_000, 2)
    other.record_value(1000)
    write_hlog(path, [("capacity.ok.response", 0.0, 1.0, other)])
    assert histograms.read_histograms(path).broken_lines == 1


def test_a_missing_log_is_empty_and_an_unreadable_one_is_named(tmp_path: Path) -> None:
    assert histograms.read_histograms(tmp_path / "none.hlog").merged(*OK_RESPONSE).total == 0
    with pytest.raises(StoreError, match=r"folder\.hlog"):
        (tmp_path / "folder.hlog").mkdir()
        histograms.read_histograms(tmp_path / "folder.hlog")
