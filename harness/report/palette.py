"""The colours of the charts, as CSS: one for each variant in every chart. The page says what the variables are on its
light and on its dark face.

The hues are Okabe and Ito's, told apart by colour-blind readers (https://jfly.uni-koeln.de/color/), black replaced by
grey so that it shows on both faces. From the ninth strategy on they come again, nearer to the text's colour. No chart
relies on colour alone: rows are labelled, lines differ in style.
"""

from __future__ import annotations

from collections.abc import Sequence

HUES = 8

INK = "var(--ink)"
MUTED = "var(--muted)"
GRID = "var(--grid)"
SURFACE = "var(--surface)"
WARNING = "var(--warning)"
BAND = "var(--band)"
TARGET = "var(--s0)"
GENERATOR = "var(--s1)"
SERVICES = "var(--s2)"


class Palette:
    """The colours of a run's variants, by their place in the run's list."""

    def __init__(self, strategies: Sequence[str]) -> None:
        self._places = {name: place for place, name in enumerate(strategies)}

    def css(self, variant: str) -> str:
        place = self._places.get(variant, len(self._places))
        if place < HUES:
            return f"var(--s{place})"
        # Two places on, so that the ninth is not beside the first of its hue.
        return f"color-mix(in srgb, var(--s{(place + 2) % HUES}) 55%, var(--ink))"
