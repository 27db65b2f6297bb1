"""One colour for each strategy in every chart, and the marks by which a chart's colours become CSS variables.

matplotlib knows only fixed colours, a page has a light and a dark face. So charts are drawn in the stand-in colours
below, and `harness.report.svg` writes `var(--ink)` and so on in their place.

The hues are Okabe and Ito's, told apart by colour-blind readers (https://jfly.uni-koeln.de/color/), black replaced by
grey so that it shows on both faces. From the ninth strategy on they come again, nearer
to the text's colour. No chart relies on colour
alone: rows are labelled, lines differ in style.
"""

from __future__ import annotations

from collections.abc import Sequence

HUES = 8
_RANGE = 256

INK = "#010001"
MUTED = "#010002"
GRID = "#010003"
SURFACE = "#010004"
WARNING = "#010005"
BAND = "#010006"
TARGET = "#010007"
GENERATOR = "#010008"
SERVICES = "#010009"

_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    SURFACE: "var(--surface)",
    WARNING: "var(--warning)",
    BAND: "var(--band)",
    TARGET: "var(--s0)",
    GENERATOR: "var(--s1)",
    SERVICES: "var(--s2)",
}


class Palette:
    """The colours of a run's strategies, by their place in the run's list."""

    def __init__(self, strategies: Sequence[str]) -> None:
        self._places = {name: place for place, name in enumerate(strategies)}

    def _place(self, variant: str) -> int:
        return self._places.get(variant, len(self._places)) % _RANGE

    def stand_in(self, variant: str) -> str:
        """The colour to draw with."""
        return f"#0101{self._place(variant):02x}"

    def css(self, variant: str) -> str:
        """The same colour as CSS, for swatches."""
        return css_colour(self.stand_in(variant))


def css_colour(stand_in: str) -> str:
    """What a stand-in colour is on the page; any other colour is itself."""
    if stand_in in _VARIABLES:
        return _VARIABLES[stand_in]
    if stand_in.startswith("#0101") and len(stand_in) == 7:
        place = int(stand_in[5:], 16)
        if place < HUES:
            return f"var(--s{place})"
        # Two places on, so that the ninth is not beside the first of its hue.
        return f"color-mix(in srgb, var(--s{(place + 2) % HUES}) 55%, var(--ink))"
    return stand_in
