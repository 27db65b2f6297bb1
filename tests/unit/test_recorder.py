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
