"""The charts with one row a strategy: capacity on a linear axis, latencies on a logarithmic one.

Every row is there whatever happened: where there is no figure, a word says why. Rows come in the order given, first
on top. Lengths are pixels of a chart 430 wide, which a phone still shows readably.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, NullLocator

from harness.analysis.evidence import Ceiling, Estimate, Percentile
from harness.report import wording
from harness.report.palette import GRID, INK, MUTED, SURFACE, WARNING
from harness.report.svg import axes_px, figure_px, house_style, inline, label

WIDTH = 430
NOTE_LENGTH = 36
_LABELS = 156
_FIGURES = 88
_TOP = 24
_BOTTOM = 34
_ROW = 31
_PLOT = WIDTH - _LABELS - _FIGURES
_SMALL = 8.5
_UP, _DOWN = 0.17, 0.24  # of a row: where its two lines of text stand
_DECADES_MS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0, 10_000_000.0)


@dataclass(frozen=True)
class CapacityRow:
    """A strategy's capacity in requests/s. `singles`, `doubtful`: of single trials, valid and invalid."""

    strategy: str
    colour: str
    capacity: Estimate | None
    singles: tuple[float, ...] = ()
    doubtful: tuple[float, ...] = ()
    ceiling: Ceiling | None = None
    note: str = ""


@dataclass(frozen=True)
class LatencyRow:
    """A strategy's latencies: `low` and `high` are two percentiles of one distribution (or one of them None)."""

    strategy: str
    colour: str
    low: Percentile | None
    high: Percentile | None
    note: str = ""


@dataclass
class _Canvas:
    """A figure with a row of plot a strategy, labels on the left and figures on the right."""

    figure: Figure
    axes: Axes
    rows: int
    described: list[str] = field(default_factory=list)

    def name(self, row: int, strategy: str, note: str, *, warns: bool) -> None:
        x = -8 / _PLOT
        self._text(x, row - _UP if note else row, label(strategy, 24), 10.5, INK)
        self._text(x, row + _DOWN, label(note, NOTE_LENGTH), _SMALL, WARNING if warns else MUTED)

    def value(self, row: int, text: str, beneath: str) -> None:
        x = 1 + _FIGURES / _PLOT
        self._text(x, row - _UP if beneath else row, text, 10.5, INK)
        self._text(x, row + _DOWN, beneath, _SMALL, MUTED)

    def head(self, right: str) -> None:
        self._text(1 + _FIGURES / _PLOT, -0.78, right, _SMALL, MUTED)

    def _text(self, x: float, row: float, text: str, size: float, colour: str) -> None:
        """`x` counts plot widths, text ends there."""
        if text:
            place = self.axes.get_yaxis_transform()
            self.axes.text(x, row, text, transform=place, ha="right", va="center", fontsize=size, color=colour)


def _canvas(rows: int, unit: str) -> _Canvas:
    height = _TOP + _BOTTOM + _ROW * max(1, rows)
    figure = figure_px(WIDTH, height)
    axes = axes_px(figure, _LABELS, _TOP, _PLOT, _ROW * max(1, rows))
    axes.set_ylim(max(1, rows) - 0.5, -0.5)
    axes.set_autoscale_on(False)  # limits are set here, and refitting them at every mark takes its time
    axes.yaxis.set_major_locator(NullLocator())
    axes.set_xlabel(unit, fontsize=9.5)
    axes.xaxis.grid(visible=True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    return _Canvas(figure, axes, rows)


# ------------------------------------------------------------------------------------------------------- capacity


@house_style()
def capacity(rows: Sequence[CapacityRow], chart_id: str, title: str) -> Markup:
    """Horizontal bars of capacity; 95 % intervals, single trials as dots, ceilings as a stroke."""
    canvas = _canvas(len(rows), "correct responses per second")
    axes = canvas.axes
    right = _right_edge(rows)
    axes.set_xlim(0, right)
    ticks = [tick for tick in MaxNLocator(4).tick_values(0, right) if 0 <= tick <= right]
    axes.set_xticks(ticks, [f"{tick:,.10g}" for tick in ticks])
    canvas.head("[95 % interval]")
    for place, row in enumerate(rows):
        _capacity_row(canvas, place, row, right)
    return inline(canvas.figure, chart_id, f"{title}. {'; '.join(canvas.described)}.")


def _right_edge(rows: Sequence[CapacityRow]) -> float:
    """Where the axis ends: beyond all that was measured, and beyond a ceiling that is not far from it."""
    measured = [0.0]
    for row in rows:
        measured += [*row.singles, *row.doubtful]
        if row.capacity is not None:
            measured += [row.capacity.value, row.capacity.high or 0.0]
    # One wide interval must not flatten every bar: an interval may run off the axis, its figures stand beside it.
    largest = max([0.0, *(row.capacity.value for row in rows if row.capacity), *(s for r in rows for s in r.singles)])
    edge = min(max(measured), 1.6 * largest) if largest else max(measured)
    near = [row.ceiling.rps for row in rows if row.ceiling is not None and row.ceiling.rps <= 1.35 * edge]
    return 1.04 * max([edge, *near]) or 1.0


def _capacity_row(canvas: _Canvas, place: int, row: CapacityRow, right: float) -> None:
    axes = canvas.axes
    note = row.note
    if row.ceiling is not None and not note:
        note = f"ceiling {wording.number(row.ceiling.rps)}: {row.ceiling.because}"
    canvas.name(place, row.strategy, note, warns=bool(row.note))
    if row.capacity is not None:
        axes.barh(place, min(row.capacity.value, right), height=0.56, color=row.colour, linewidth=0, clip_on=False)
        if row.capacity.low is not None and row.capacity.high is not None:
            low, high = max(0.0, row.capacity.low), min(right, row.capacity.high)
            for colour, width in ((SURFACE, 4), (INK, 1.5)):  # with a halo: bars have all brightnesses
                axes.plot([low, high], [place] * 2, color=colour, linewidth=width, solid_capstyle="butt", clip_on=False)
            ends = [end for end, cut in ((low, False), (high, row.capacity.high > right)) if not cut]
            axes.plot(ends, [place] * len(ends), "|", color=INK, markersize=9, markeredgewidth=1.5, clip_on=False)
        canvas.value(place, wording.number(row.capacity.value), wording.interval(row.capacity))
        canvas.described.append(
            f"{row.strategy} {wording.number(row.capacity.value)} {wording.interval(row.capacity)} requests/s"
        )
    else:
        canvas.described.append(f"{row.strategy}: {row.note or 'no figure'}")
    if row.singles:
        axes.plot(
            [min(single, right) for single in row.singles],
            [place + 0.17] * len(row.singles),
            "o",
            markersize=4.6,
            markerfacecolor=SURFACE,
            markeredgecolor=INK,
            markeredgewidth=0.9,
            clip_on=False,
        )
    if row.doubtful:
        axes.plot(
            [min(single, right) for single in row.doubtful],
            [place + 0.17] * len(row.doubtful),
            "x",
            color=WARNING,
            markersize=5,
            markeredgewidth=1.5,
            clip_on=False,
        )
    if row.ceiling is not None and row.ceiling.rps <= right:
        ceiling = row.ceiling.rps
        axes.plot([ceiling, ceiling], [place - 0.42, place + 0.42], color=INK, linewidth=2, dashes=(1.4, 0.9))


# ---------------------------------------------------------------------------------------------------------- latency


@house_style()
def latency(rows: Sequence[LatencyRow], chart_id: str, title: str, *, low: str = "p50", high: str = "p99") -> Markup:
    """Two percentiles a row on a logarithmic axis of milliseconds: a ring and a diamond, joined; `low`, `high` name
    them. Whiskers span the single trials. A `≥` in front of a figure and an arrowhead: requests were given up there.
    """
    canvas = _canvas(len(rows), "time (logarithmic)")
    axes = canvas.axes
    axes.set_xscale("log")
    left, right = _decades(rows)
    axes.set_xlim(left, right)
    ticks = [decade for decade in _DECADES_MS if left <= decade <= right]
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(ticks, [_tick(decade) for decade in ticks])
    canvas.head(high)
    for place, row in enumerate(rows):
        _latency_row(canvas, place, row, low, high)
    return inline(canvas.figure, chart_id, f"{title}. {'; '.join(canvas.described)}.")


def _tick(decade_ms: float) -> str:
    return f"{decade_ms:g} ms" if decade_ms < 1000 else f"{decade_ms / 1000:g} s"


def _decades(rows: Sequence[LatencyRow]) -> tuple[float, float]:
    values = [
        value
        for row in rows
        for found in (row.low, row.high)
        if found is not None
        for value in (found.value_ms, found.trial_low_ms, found.trial_high_ms)
        if value is not None and value > 0
    ]
    if not values:
        return 1.0, 1_000.0
    least, most = (min(max(value, _DECADES_MS[0]), _DECADES_MS[-1]) for value in (min(values), max(values)))
    left = math.floor(math.log10(0.85 * least))
    right = math.ceil(math.log10(1.15 * most))
    return 10.0**left, 10.0 ** max(right, left + 1)


def _latency_row(canvas: _Canvas, place: int, row: LatencyRow, low: str, high: str) -> None:
    axes = canvas.axes
    canvas.name(place, row.strategy, row.note, warns=True)
    found = [value for value in (row.low, row.high) if value is not None]
    if len(found) == 2:
        axes.plot(
            [max(value.value_ms, _DECADES_MS[0]) for value in found],
            [place, place],
            color=row.colour,
            linewidth=5,
            alpha=0.45,
            solid_capstyle="butt",
        )
    for value, is_high in ((row.low, False), (row.high, True)):
        if value is not None:
            _percentile(axes, place, value, row.colour, is_high=is_high)
    said = [
        f"{name} {wording.percentile(value)}" for name, value in ((low, row.low), (high, row.high)) if name and value
    ]
    if row.high is not None:
        beneath = f"{low} {wording.percentile(row.low)}" if low else ""
        canvas.value(place, wording.percentile(row.high), beneath)
    elif row.low is not None:
        canvas.value(place, wording.percentile(row.low), f"{low}; no {high}")
    canvas.described.append(f"{row.strategy}: {', '.join([*said, row.note] if row.note else said) or 'no figure'}")


def _percentile(axes: Axes, place: int, value: Percentile, colour: str, *, is_high: bool) -> None:
    if value.trial_low_ms and value.trial_high_ms:
        axes.plot([value.trial_low_ms, value.trial_high_ms], [place, place], color=INK, linewidth=1.2, clip_on=False)
    marker = ">" if value.at_least else "D" if is_high else "o"
    axes.plot(
        [max(value.value_ms, _DECADES_MS[0])],
        [place],
        marker,
        markersize=7.5 if marker != "D" else 6.5,
        markerfacecolor=colour if is_high else SURFACE,
        markeredgecolor=INK if is_high else colour,
        markeredgewidth=0.8 if is_high else 2,
        clip_on=False,
    )
