"""The lines that were measured, as observations for the variance components; and tables in Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from tests.figures.noise_record import SliceLine
from tests.figures.variance_components import Components, Observation, components


def steady(slices: Iterable[SliceLine]) -> list[SliceLine]:
    """Of strategies that never choked: the others are booted for each slice, so their boots cannot be told from their
    slices."""
    slices = list(slices)
    choking = {line.strategy for line in slices if line.choked}
    return [line for line in slices if line.strategy not in choking]


def goodput(line: SliceLine) -> float:
    return line.goodput_rps


def components_of(slices: Iterable[SliceLine], value: Callable[[SliceLine], float] = goodput) -> Components | None:
    """Of the logarithm of `value`. Slices of several lengths share their boots, not their rounds."""
    return components(
        [
            Observation(
                (line.strategy, line.slice_s),
                (line.strategy, line.living, line.epoch, line.boot),
                (line.living, line.epoch, line.round, line.slice_s),
                math.log(value(line)),
            )
            for line in slices
            if value(line) > 0
        ]
    )


def by_length(slices: Iterable[SliceLine]) -> list[tuple[float, list[SliceLine]]]:
    ordered = sorted(slices, key=lambda line: line.slice_s)
    return [(length, list(at)) for length, at in groupby(ordered, key=lambda line: line.slice_s)]


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (heads, ["---"] * len(heads), *rows)]
