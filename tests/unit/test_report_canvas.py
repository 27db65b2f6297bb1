from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.canvas import Canvas, Scale
from harness.report.palette import INK
from harness.report.svg import house_style, inline

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
    assert ticks and all(0 <= tick <= high for tick in ticks) and len(ticks) <= 6


@house_style()
def drawn() -> ElementTree.Element:
    canvas = Canvas(200, 100)
    canvas.line([10, math.nan, 30], [20, 20, 20], INK, 1)
    canvas.box(10, 20, 60, 40, INK)
    canvas.text(15, 90, "a word too long", 10, INK, "right", longest=8)
    return ElementTree.fromstring(inline(canvas.figure, "c", "A chart"))


def test_pixels_count_from_the_top_left_corner() -> None:
    root = drawn()
    assert root.get("viewBox") == "0 0 200 100"
    boxes = [path.get("d", "") for path in root.iter("path") if "fill: var(--ink)" in path.get("style", "")]
    assert boxes == ["M 10 20 L 60 20 L 60 40 L 10 40 z"]


@house_style()
def test_what_is_drawn_later_lies_on_top() -> None:
    """A grid under bars, whatever matplotlib thinks of lines and patches."""
    canvas = Canvas(100, 100)
    canvas.line([50, 50], [0, 100], INK, 1)
    canvas.box(0, 40, 90, 60, INK)
    canvas.line([10, 80], [50, 50], INK, 1)
    paths = [path.get("d", "") for path in ElementTree.fromstring(inline(canvas.figure, "c", "")).iter("path")]
    places = [paths.index(d) for d in ("M 50 0 L 50 100", "M 0 40 L 90 40 L 90 60 L 0 60 z", "M 10 50 L 80 50")]
    assert places == sorted(places)


def test_text_stands_where_it_was_put_and_is_cut_off() -> None:
    (text,) = drawn().iter("text")
    assert text.text == "a word …"
    assert float(text.get("x", "")) == 15
    assert float(text.get("y", "")) == pytest.approx(90, abs=6)
    assert "text-anchor: end" in text.get("style", "")
