"""What charts are drawn on: SVG for an HTML page, in pixels from the top left corner; and the scales that say where a
value is.

The SVG is written here, directly. A plotting library's SVG is a document of its own: its ids are the same in every
chart, its `<style>` rules the whole page, and its colours are fixed, while this page has a light and a dark face. It
would have to be parsed and rewritten (no setting of matplotlib writes a CSS variable), which is more code than the
four shapes that charts need: lines, boxes, marks and text. What is written has no ids at all, so that charts in one
page cannot clash; a colour is any CSS colour; text stays text, in the page's font.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from harness.report.palette import SURFACE

_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TICK_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_ANCHORS = {"left": "start", "center": "middle", "right": "end"}
_HALF_HEIGHT = 0.35  # of a line of text: from its middle down to its baseline
# Marks as SVG paths around (0, 0), one unit large.
_SHAPES = {
    "o": "M-.5 0a.5 .5 0 1 0 1 0a.5 .5 0 1 0-1 0Z",
    "D": "M0-.707L.707 0 0 .707-.707 0Z",
    ">": "M-.5-.5L.5 0-.5 .5Z",
    "x": "M-.5-.5L.5 .5M-.5 .5L.5-.5",
    "|": "M0-.5V.5",
}

Shape = Literal["o", "D", ">", "x", "|"]


@dataclass(frozen=True)
class Scale:
    """From values `low`..`high` to pixels `start`..`end`; what lies outside is put on the edge."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of a value; NaN stays NaN, which breaks a line."""
        if math.isnan(value):
            return value
        low, high, inside = self.low, self.high, min(max(value, self.low), self.high)
        if self.logarithmic:
            low, high, inside = math.log10(low), math.log10(high), math.log10(inside)
        return self.start + (self.end - self.start) * (inside - low) / (high - low)

    def ticks(self, most: int, *, whole: bool = False) -> list[float]:
        """Round values within a linear scale, at most `most` steps of 1, 2, 2.5 or 5 times a power of ten."""
        smallest = (self.high - self.low) / most
        decade = 10.0 ** math.floor(math.log10(smallest))
        steps = [each * decade for each in _TICK_STEPS if each * decade >= smallest * (1 - 1e-9)]
        step = next((each for each in steps if not whole or each.is_integer()), 1.0)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(place * step, 12) for place in range(first, last + 1)]


class Canvas:
    """What comes later lies on top. Sizes of marks and text are pixels too."""

    def __init__(self, width: float, height: float) -> None:
        self._size = f"{_px(width)} {_px(height)}"
        self._drawn: list[str] = []

    def svg(self, description: str) -> Markup:
        """All of it as one `<svg>` element. `description` is what it says to those who do not see it."""
        width, height = self._size.split()
        head = Markup('<svg viewBox="0 0 {}" width="{}" height="{}" role="img" aria-label="{}">')
        return head.format(self._size, width, height, description) + Markup("".join(self._drawn)) + Markup("</svg>")

    def line(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        colour: str,
        width: float,
        *,
        dashes: Sequence[float] = (),
        alpha: float | None = None,
    ) -> None:
        """Joined points; NaN breaks the line. `dashes`: lengths of strokes and gaps, in widths of the line."""
        style = f"fill:none;stroke:{colour};stroke-width:{_px(width)}"
        if dashes:
            style += f";stroke-dasharray:{' '.join(_px(length * width) for length in dashes)}"
        if alpha is not None:
            style += f";opacity:{alpha:g}"
        self._add('<path d="{}" style="{}"/>', _joined(xs, ys), style)

    def marks(
        self,
        xs: Sequence[float],
        y: float,
        shape: Shape,
        size: float,
        colour: str,
        *,
        fill: str = SURFACE,
        edge_width: float = 1.0,
    ) -> None:
        """One mark at each `x`, its edge in `colour`."""
        style = f"fill:{fill};stroke:{colour};stroke-width:{edge_width / size:.3g}"
        for x in xs:
            place = f"translate({_px(x)} {_px(y)}) scale({_px(size)})"
            self._add('<path class="mark" d="{}" transform="{}" style="{}"/>', _SHAPES[shape], place, style)

    def box(
        self, left: float, top: float, right: float, bottom: float, colour: str, alpha: float | None = None
    ) -> None:
        style = f"fill:{colour}" if alpha is None else f"fill:{colour};opacity:{alpha:g}"
        place = (_px(left), _px(top), _px(right - left), _px(bottom - top))
        self._add('<rect x="{}" y="{}" width="{}" height="{}" style="{}"/>', *place, style)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: str,
        align: Literal["left", "center", "right"],
        longest: int = 48,
    ) -> None:
        """One line, its middle at `y`, cut off after `longest` characters."""
        if text:
            style = f"fill:{colour};font-size:{_px(size)}px;text-anchor:{_ANCHORS[align]}"
            place = (_px(x), _px(y + _HALF_HEIGHT * size))
            self._add('<text x="{}" y="{}" style="{}">{}</text>', *place, style, label(text, longest))

    def _add(self, element: str, *values: str) -> None:
        """Values are escaped: whatever a label holds, it is text."""
        self._drawn.append(Markup(element).format(*values))


def label(text: str, longest: int = 48) -> str:
    """`text` fit for one line of a chart: printable (XML allows no control characters) and not endless."""
    clean = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def _joined(xs: Sequence[float], ys: Sequence[float]) -> str:
    """The path through the points, as SVG writes it."""
    words, pen = [], "M"
    for x, y in zip(xs, ys, strict=True):
        if math.isnan(x) or math.isnan(y):
            pen = "M"
            continue
        words.append(f"{pen}{_px(x)} {_px(y)}")
        pen = "L"
    return "".join(words)


def _px(value: float) -> str:
    return f"{round(value, 2):g}"
