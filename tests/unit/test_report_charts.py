"""Every strategy has its row whatever happened to it, and a word stands where there is no figure."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from harness.judging.estimate import Estimate
from harness.judging.figures import Ceiling, Percentile
from harness.report import charts
from harness.report.wording import TIMES

BLUE = "var(--s0)"


def texts(svg: Markup) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


def test_capacity_says_figures_intervals_units_and_why_there_is_none() -> None:
    rows = [
        charts.CapacityRow("pure_async", BLUE, Estimate(948.0, 931.0, 965.0, 3), (940.0, 950.0, 954.0)),
        charts.CapacityRow("sync_def", BLUE, Estimate(390.0, None, None, 1), (390.0,), (), Ceiling(400, "40 / 0.1 s")),
        charts.CapacityRow("two_stage", BLUE, None, note="not applicable"),
    ]
    said = texts(charts.capacity_chart(rows, "Capacity on io"))
    assert {"pure_async", "948", "[931, 965]", "correct responses per second"} <= set(said)
    assert {"sync_def", "390", "no interval from 1 slice", "ceiling 400: 40 / 0.1 s"} <= set(said)
    assert {"two_stage", "not applicable"} <= set(said)


def test_capacity_is_told_to_those_who_do_not_see_it() -> None:
    svg = charts.capacity_chart([charts.CapacityRow("sync_def", BLUE, Estimate(390, 380, 400, 3))], "Capacity on io")
    assert ElementTree.fromstring(svg).get("aria-label") == "Capacity on io. sync_def 390 [380, 400] requests/s."


def marks(svg: Markup) -> list[str]:
    """The shapes of the marks that were placed."""
    return [path.get("d", "") for path in ElementTree.fromstring(svg).findall("path[@class='mark']")]


def test_single_slices_are_dots_and_invalid_ones_are_there_too() -> None:
    bare = charts.CapacityRow("s", BLUE, Estimate(100.0, None, None, 1))
    dotted = charts.CapacityRow("s", BLUE, Estimate(100.0, None, None, 1), (99.0, 100.0, 101.0), (55.0,))
    assert len(marks(charts.capacity_chart([dotted], ""))) == len(marks(charts.capacity_chart([bare], ""))) + 4


@pytest.mark.parametrize("high", [1e9, float("inf")])
def test_one_wide_interval_does_not_flatten_the_bars(high: float) -> None:
    rows = [charts.CapacityRow("s", BLUE, Estimate(100.0, 1.0, high, 2), (90.0, 110.0))]
    ticks = [
        float(text.replace(",", ""))
        for text in texts(charts.capacity_chart(rows, ""))
        if re.fullmatch(r"[\d,.]+", text)
    ]
    assert max(ticks) <= 200


def test_a_ceiling_far_away_is_said_but_does_not_flatten_the_bars() -> None:
    rows = [charts.CapacityRow("s", BLUE, Estimate(100.0, 95.0, 105.0, 3), (), (), Ceiling(64_000, "64 users / 1 ms"))]
    said = texts(charts.capacity_chart(rows, ""))
    assert "ceiling 64,000: 64 users / 1 ms" in said
    assert not any("60,000" in text for text in said)


def test_nothing_measured_is_still_a_chart() -> None:
    rows = [charts.CapacityRow("s", BLUE, None, note="failed"), charts.CapacityRow("t", BLUE, Estimate(0, 0, 0, 3))]
    assert "failed" in texts(charts.capacity_chart(rows, ""))
    assert charts.capacity_chart([], "")
    assert charts.latency_chart([], "")


def test_latency_says_both_percentiles_and_marks_lower_bounds() -> None:
    rows = [
        charts.LatencyRow("pure_async", BLUE, Percentile(101, False, 500), Percentile(134, False, 500, 130, 140)),
        charts.LatencyRow("fake_async", BLUE, Percentile(800, False, 500), Percentile(5200, True, 500), "choked"),
        charts.LatencyRow("sync_def", BLUE, None, None, "skipped"),
    ]
    said = texts(charts.latency_chart(rows, "Response time"))
    assert {"134 ms", "p50 101 ms", "≥ 5.20 s", "p50 800 ms", "choked", "sync_def", "skipped"} <= set(said)
    assert {"100 ms", "1 s", "time (logarithmic)"} <= set(said)


def test_a_lower_bound_has_another_mark() -> None:
    def mark(at_least: bool) -> list[str]:
        return marks(charts.latency_chart([charts.LatencyRow("s", BLUE, None, Percentile(50, at_least, 500))], ""))

    assert len(mark(at_least=True)) == 1
    assert mark(at_least=True) != mark(at_least=False)


def test_a_single_percentile_is_named_alone() -> None:
    svg = charts.latency_chart([charts.LatencyRow("s", BLUE, None, Percentile(50, False, 3))], "Lag", low="")
    assert {"50.0 ms", "p99"} <= set(texts(svg))
    assert not any("p50" in text for text in texts(svg))


@pytest.mark.parametrize("value_ms", [0.0, 0.0001, 59_999.0, 3_600_000.0])
def test_extreme_latencies_are_drawn(value_ms: float) -> None:
    row = charts.LatencyRow("s", BLUE, Percentile(value_ms, False, 500), Percentile(value_ms, True, 500))
    assert "nan" not in charts.latency_chart([row], "")


def pair(first: Estimate | None, second: Estimate | None, variant: str = "async_thread_pool") -> charts.PairRow:
    return charts.PairRow(variant, BLUE, first, second)


def pair_chart(*rows: charts.PairRow) -> Markup:
    return charts.pair_chart(rows, ("cpu", "cpu_native"), "fake_async", "Both")


def test_two_workloads_have_two_bars_a_row_and_the_baseline_is_one() -> None:
    baseline = pair(Estimate(1.0, None, None, 0), Estimate(1.0, None, None, 0), "fake_async")
    svg = pair_chart(baseline, pair(Estimate(0.93, 0.80, 1.07, 6), Estimate(1.68, 1.49, 1.90, 6)))
    said = texts(svg)
    assert said.count(f"{TIMES}1.00 the baseline") == 2
    assert {f"{TIMES}0.930 [0.800, 1.07]", f"{TIMES}1.68 [1.49, 1.90]", "cpu, below it cpu_native"} <= set(said)
    boxes = [float(box.get("width", "")) for box in ElementTree.fromstring(svg).iter() if box.tag.endswith("rect")]
    assert len(boxes) == 4
    assert boxes[0] == boxes[1] and boxes[2] < boxes[0] < boxes[3]
    described = ElementTree.fromstring(svg).get("aria-label") or ""
    assert f"async_thread_pool on cpu_native {TIMES}1.68 [1.49, 1.90]" in described


def test_a_pair_without_a_comparison_or_an_interval_says_so() -> None:
    said = texts(pair_chart(pair(None, Estimate(1.5, None, None, 1)), pair(Estimate(2.0, 0.1, 1e9, 2), None)))
    assert {"no comparison", f"{TIMES}1.50 no interval"} <= set(said)
    ticks = [float(text.removeprefix(TIMES)) for text in said if re.fullmatch(rf"{TIMES}[\d.]+", text)]
    assert max(ticks) <= 3.3, "one wide interval flattens nothing"
