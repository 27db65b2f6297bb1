"""A chart's values are where they belong, its colours the page's, and its text only text."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.canvas import Canvas, Scale, label
from harness.report.palette import INK, WARNING

VALUES = st.floats(min_value=1e-3, max_value=1e6)


def test_the_ends_of_a_scale_are_its_pixels() -> None:
    scale = Scale(0, 200, 50, 150)
    assert (scale(0), scale(100), scale(200)) == (50, 100, 150)


def test_a_decade_is_as_wide_as_another() -> None:
    scale = Scale(1, 1000, 0, 300, logarithmic=True)
    assert [scale(value) for value in (1, 10, 100, 1000)] == pytest.approx([0, 100, 200, 300])


@given(VALUES, VALUES, st.booleans())
def test_more_is_never_further_left(one: float, other: float, logarithmic: bool) -> None:
    scale = Scale(1e-2, 1e5, 10, 200, logarithmic)
    low, high = sorted((one, other))
    assert 10 <= scale(low) <= scale(high) <= 200


@pytest.mark.parametrize("logarithmic", [False, True])
def test_what_lies_outside_is_on_the_edge(logarithmic: bool) -> None:
    scale = Scale(1, 100, 0, 50, logarithmic)
    assert (scale(0), scale(-5), scale(math.inf)) == (0, 0, 50)
    assert math.isnan(scale(math.nan))


@given(VALUES)
def test_ticks_are_within_the_scale_and_few(high: float) -> None:
    ticks = Scale(0, high, 0, 100).ticks(4)
    assert len(ticks) >= 2 and all(0 <= tick <= high * (1 + 1e-9) for tick in ticks) and len(ticks) <= 5


@pytest.mark.parametrize(
    ("low", "high", "whole", "ticks"),
    [
        (0, 1000, False, [0, 250, 500, 750, 1000]),
        (0, 949, False, [0, 250, 500, 750]),
        (0, 2.08, False, [0, 1, 2]),
        (0, 0.07, False, [0, 0.02, 0.04, 0.06]),
        (3, 11, False, [4, 6, 8, 10]),
        (0, 1.0, True, [0, 1]),
        (0, 9.9, True, [0, 5]),
    ],
)
def test_ticks_are_round(low: float, high: float, whole: bool, ticks: list[float]) -> None:
    assert Scale(low, high, 0, 100).ticks(4, whole=whole) == ticks


def drawn() -> ElementTree.Element:
    canvas = Canvas(200, 100)
    canvas.line([10, math.nan, 30], [20, 20, 20], INK, 1)
    canvas.box(10, 20, 60, 40, INK)
    canvas.text(15, 90, "a word too long", 10, INK, "right", longest=8)
    return ElementTree.fromstring(canvas.svg("A chart"))


def test_pixels_count_from_the_top_left_corner() -> None:
    root = drawn()
    assert root.get("viewBox") == "0 0 200 100"
    (box,) = root.iter("rect")
    assert [box.get(name) for name in ("x", "y", "width", "height")] == ["10", "20", "50", "20"]


def test_a_value_that_is_not_a_number_breaks_the_line() -> None:
    (line,) = drawn().iter("path")
    assert line.get("d") == "M10 20M30 20"


def test_what_is_drawn_later_lies_on_top() -> None:
    """A grid lies under bars."""
    canvas = Canvas(100, 100)
    canvas.line([50, 50], [0, 100], INK, 1)
    canvas.box(0, 40, 90, 60, INK)
    canvas.line([10, 80], [50, 50], INK, 1)
    assert [child.tag for child in ElementTree.fromstring(canvas.svg(""))] == ["path", "rect", "path"]


def test_text_stands_where_it_was_put_and_is_cut_off() -> None:
    (text,) = drawn().iter("text")
    assert text.text == "a word …"
    assert float(text.get("x", "")) == 15
    assert float(text.get("y", "")) == pytest.approx(90, abs=6)
    assert "text-anchor:end" in text.get("style", "")


HOSTILE = (
    "<script>alert(1)</script>",
    r"$\frac{1}{2}$",
    "$unbalanced",
    "a]]>b",
    "--><script>",
    'x" onload="alert(1)',
    "\x00\x1b[31m",
    "\udc80",
)


def worded(text: str) -> str:
    canvas = Canvas(200, 100)
    canvas.marks([0, 50], 20, "o", 5, INK)
    canvas.text(50, 50, text, 10, WARNING, "left")
    return canvas.svg(f"A chart of {label(text)}")


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_label_is_only_text(text: str) -> None:
    svg = worded(text)
    assert texts(svg) == [label(text)]
    assert ElementTree.fromstring(svg).get("aria-label") == f"A chart of {label(text)}"
    assert "<script" not in svg
    assert "onload" not in ElementTree.fromstring(svg).attrib


@given(st.text(min_size=1, max_size=30))
def test_any_label_leaves_the_svg_well_formed(text: str) -> None:
    assert texts(worded(text)) == [label(text)]


def test_the_same_chart_twice_is_the_same_text() -> None:
    assert worded("sync_def") == worded("sync_def")


def test_charts_in_one_page_cannot_clash() -> None:
    """Nothing in a chart has a name that another chart, or the page's own style, could meet."""
    root = ElementTree.fromstring(worded("sync_def"))
    assert not [element for element in root.iter() if "id" in element.attrib or "href" in element.attrib]
    assert "url(" not in worded("sync_def") and "<style" not in worded("sync_def")


def test_colours_and_fonts_are_the_pages() -> None:
    svg = worded("sync_def")
    assert "var(--ink)" in svg and "var(--warning)" in svg
    assert not re.search(r"#[0-9a-f]{3,6}\b|rgb\(|font-family", svg)


def test_a_chart_says_what_it_shows_to_those_who_do_not_see_it() -> None:
    root = ElementTree.fromstring(worded("sync_def"))
    assert root.get("role") == "img"
    assert root.get("aria-label") == "A chart of sync_def"


def test_a_mark_is_where_its_value_is_and_as_large_as_was_asked() -> None:
    (first, second) = ElementTree.fromstring(worded("sync_def")).iter("path")
    assert [mark.get("transform") for mark in (first, second)] == [
        "translate(0 20) scale(5)",
        "translate(50 20) scale(5)",
    ]
    assert "stroke-width:0.2" in first.get("style", "")  # a fifth of 5: one pixel


def test_a_label_is_one_line_and_not_endless() -> None:
    assert label("a\nb\tc") == "a�b�c"
    assert len(label("x" * 500, 20)) == 20
