from pathlib import Path
from time import monotonic

import gevent
import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.driving.inside.recorder import Recorder
from harness.results import histograms
from harness.results.records.metric import HIGHEST_US, Metric
from harness.results.records.outcome import Outcome


def recorded(folder: Path, events: list[tuple[Outcome, Metric, float, float]]) -> Path:
    """`events`: outcome, metric, seconds, seconds since the origin."""
    path = folder / "latency.hlog"
    origin_s = monotonic()
    recorder = Recorder(path, origin_s)
    for outcome, metric, seconds, at_s in events:
        recorder.record("rate-12.5", outcome, metric, seconds, origin_s + at_s)
        gevent.sleep(0)
    recorder.close()
    return path


def test_seconds_outcomes_and_metrics_are_kept_apart(tmp_path: Path) -> None:
    path = recorded(
        tmp_path,
        [
            (Outcome.OK, Metric.RESPONSE, 0.1, 0.5),
            (Outcome.OK, Metric.RESPONSE, 0.2, 0.9),
            (Outcome.OK, Metric.SERVICE, 0.05, 0.9),
            (Outcome.TIMEOUT, Metric.RESPONSE, 3.0, 1.1),
            (Outcome.OK, Metric.RESPONSE, 0.3, 2.0),
        ],
    )
    read = histograms.read_histograms(path)
    assert read.broken_lines == 0
    response = histograms.Tag("rate-12.5", Outcome.OK, Metric.RESPONSE)
    assert [(i.start_s, i.length_s, i.histogram.total) for i in read.intervals[response]] == [(0, 1, 2), (2, 1, 1)]
    assert read.merged("rate-12.5", [Outcome.OK, Outcome.TIMEOUT], Metric.RESPONSE).total == 4
    assert read.merged("rate-12.5", [Outcome.OK], Metric.SERVICE).total == 1


def test_the_standard_tools_read_it(tmp_path: Path) -> None:
    path = recorded(tmp_path, [(Outcome.OK, Metric.RESPONSE, 0.25, 0.1), (Outcome.OK, Metric.RESPONSE, 0.5, 1.1)])
    reader = HistogramLogReader(str(path), HdrHistogram(1, HIGHEST_US, 3))
    found = []
    while (histogram := reader.get_next_interval_histogram()) is not None:
        found.append((histogram.get_tag(), histogram.get_value_at_percentile(50)))
    reader.close()
    assert [tag for tag, _ in found] == ["rate-12.5.ok.response"] * 2
    assert [round(value / 1e4) for _, value in found] == [25, 50]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(min_value=0, max_value=100), min_size=1, max_size=40))
def test_every_value_is_within_a_thousandth_or_at_the_edge_of_the_range(
    tmp_path_factory: pytest.TempPathFactory, seconds: list[float]
) -> None:
    path = recorded(
        tmp_path_factory.mktemp("values"),
        [(Outcome.OK, Metric.RESPONSE, value, 0.1) for value in seconds],
    )
    merged = histograms.read_histograms(path).merged("rate-12.5", [Outcome.OK], Metric.RESPONSE)
    assert merged.total == len(seconds)
    expected = sorted(min(max(value * 1e6, 1), HIGHEST_US) for value in seconds)
    for rank, value_us in enumerate(expected, start=1):
        assert abs(merged.at_rank(rank) - value_us) <= max(1.0, value_us / 1000)


def test_what_follows_a_move_goes_to_another_file_and_is_marked_with_its_slice(tmp_path: Path) -> None:
    """One generator serves all boots of a session in turn, and comes back to each."""
    origin_s = monotonic()
    paths = {boot: tmp_path / boot / "latency.hlog" for boot in ("a", "b")}
    for path in paths.values():
        path.parent.mkdir()
    recorder = Recorder(tmp_path / "latency.hlog", origin_s)
    for at_s, (boot, number) in enumerate((("a", 1), ("b", 1), ("a", 2), ("b", 2), ("a", 3))):
        recorder.move_to(paths[boot], number)
        for _ in range(10 * number):
            now_s = origin_s + at_s + 0.5
            recorder.exchange("capacity", Outcome.OK, now_s - 0.2, now_s - 0.1, now_s)
        recorder.flush()
    recorder.close()
    assert histograms.read_histograms(tmp_path / "latency.hlog").intervals == {}
    for boot, slices in (("a", (1, 2, 3)), ("b", (1, 2))):
        read = histograms.read_histograms(paths[boot])
        assert read.broken_lines == 0
        totals = [read.of_slice(number).merged("capacity", [Outcome.OK], Metric.SERVICE).total for number in slices]
        assert totals == [10 * number for number in slices]
        assert sum(each.histogram.total for own in read.intervals.values() for each in own) == 3 * sum(totals)
        assert paths[boot].read_text().count("[BaseTime") == 1, "a file that is there already is gone on with"


def test_what_was_recorded_before_a_move_is_not_of_the_next_slice(tmp_path: Path) -> None:
    origin_s = monotonic()
    recorder = Recorder(tmp_path / "first.hlog", origin_s)
    recorder.record("capacity", Outcome.OK, Metric.RESPONSE, 0.1, origin_s + 0.5)
    recorder.move_to(tmp_path / "second.hlog", 2)
    recorder.close()
    first, second = (histograms.read_histograms(tmp_path / f"{name}.hlog") for name in ("first", "second"))
    assert first.merged("capacity", [Outcome.OK], Metric.RESPONSE).total == 1
    assert second.intervals == {}


def test_a_move_within_one_file_ends_the_slice_before(tmp_path: Path) -> None:
    origin_s = monotonic()
    path = tmp_path / "latency.hlog"
    recorder = Recorder(path, origin_s)
    for number, many in ((1, 3), (2, 5)):
        recorder.move_to(path, number)
        for _ in range(many):
            recorder.record("capacity", Outcome.OK, Metric.RESPONSE, 0.1, origin_s + 0.5)
    recorder.close()
    read = histograms.read_histograms(path)
    totals = [read.of_slice(n).merged("capacity", [Outcome.OK], Metric.RESPONSE).total for n in (1, 2)]
    assert totals == [3, 5]
