"""A chart inside a page: its ids are its own, its colours the page's, its text only text."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.report import palette
from harness.report.canvas import Canvas
from harness.report.svg import house_style, inline, label

HOSTILE = (
    "<script>alert(1)</script>",
    r"$\frac{1}{2}$",
    "$unbalanced",
    "a]]>b",
    "--><script>",
    "\x00\x1b[31m",
    "\udc80",
)


@house_style()
def drawn(text: str, chart_id: str = "c1") -> str:
    canvas = Canvas(200, 100)
    canvas.marks([0, 50], 20, "o", 5, palette.INK)
    canvas.text(50, 50, text, 10, palette.WARNING, "left")
    return inline(canvas.figure, chart_id, f"A chart of {text}")


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_label_is_only_text(text: str) -> None:
    svg = inline_safe(text)
    assert label(text) in texts(svg)
    assert "<script" not in svg


def inline_safe(text: str) -> str:
    """As `drawn`, with a description that XML can hold."""
    return drawn(label(text))


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=30))
def test_any_label_leaves_the_svg_well_formed(text: str) -> None:
    shown = label(text)
    assert [found.strip() for found in texts(drawn(shown)) if shown.strip() and found.strip() == shown.strip()] or (
        not shown.strip()
    )


def test_the_same_chart_twice_is_the_same_text() -> None:
    assert drawn("sync_def") == drawn("sync_def")


def test_two_charts_share_no_ids_and_refer_only_to_their_own() -> None:
    first, second = drawn("sync_def", "c1"), drawn("sync_def", "c2")
    ids = [set(re.findall(r'\bid="([^"]*)"', svg)) for svg in (first, second)]
    assert ids[0] and not ids[0] & ids[1]
    for svg, own in zip((first, second), ids, strict=True):
        assert set(re.findall(r'(?:href="#|url\(#)([^")]*)', svg)) <= own


def test_colours_are_the_pages_and_no_style_rules_the_page() -> None:
    svg = drawn("sync_def")
    assert "var(--ink)" in svg and "var(--warning)" in svg
    assert palette.INK not in svg and palette.WARNING not in svg
    assert "<style" not in svg and "<metadata" not in svg and "font-family" not in svg


def test_a_chart_says_what_it_shows_to_those_who_do_not_see_it() -> None:
    root = ElementTree.fromstring(drawn("sync_def"))
    assert root.get("role") == "img"
    assert root.get("aria-label") == "A chart of sync_def"


def test_a_label_is_one_line_and_not_endless() -> None:
    assert label("a\nb\tc") == "a�b�c"
    assert len(label("x" * 500, 20)) == 20
