"""A matplotlib figure drawn on in pixels, counted from its top left corner, and the scales that say where a value is.

There are no `Axes`: a report has about a hundred small plots, of which matplotlib's own axes, ticks and their layout
were four fifths of the time it took to draw them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D

from harness.report.palette import SURFACE
from harness.report.svg import label

_DPI = 72  # the SVG backend's: a point is a pixel

LineStyle = Literal["-"] | tuple[int, tuple[float, ...]]


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
        """Round values within a linear scale, about `most` of them."""
        found = MaxNLocator(most, integer=whole).tick_values(self.low, self.high)
        return [float(tick) for tick in found if self.low <= tick <= self.high]


class Canvas:
    """What charts draw on; what comes later lies on top, text on all. Sizes of marks and text are pixels too."""

    def __init__(self, width: float, height: float) -> None:
        self.figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="none")
        self._pixels = Affine2D().scale(1, -1).translate(0, height)

    def line(
        self,
        xs: Sequence[float],
        ys: Sequence[float],
        colour: str,
        width: float,
        *,
        style: LineStyle = "-",
        alpha: float | None = None,
    ) -> None:
        """Joined points; NaN breaks the line."""
        self.figure.add_artist(
            Line2D(
                xs,
                ys,
                color=colour,
                linewidth=width,
                linestyle=style,
                alpha=alpha,
                solid_capstyle="butt",
                zorder=1,
                transform=self._pixels,
            )
        )

    def marks(
        self,
        xs: Sequence[float],
        y: float,
        shape: Literal["o", "D", ">", "x", "|"],
        size: float,
        colour: str,
        *,
        fill: str = SURFACE,
        edge_width: float = 1.0,
    ) -> None:
        """One mark at each `x`, its edge in `colour`."""
        self.figure.add_artist(
            Line2D(
                xs,
                [y] * len(xs),
                linestyle="none",
                marker=shape,
                markersize=size,
                markeredgecolor=colour,
                markerfacecolor=fill,
                markeredgewidth=edge_width,
                zorder=1,
                transform=self._pixels,
            )
        )

    def box(
        self, left: float, top: float, right: float, bottom: float, colour: str, alpha: float | None = None
    ) -> None:
        self.figure.add_artist(
            Rectangle(
                (left, top), right - left, bottom - top, color=colour, linewidth=0, alpha=alpha, transform=self._pixels
            )
        )

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
            self.figure.text(
                x, y, label(text, longest), fontsize=size, color=colour, ha=align, va="center", transform=self._pixels
            )
