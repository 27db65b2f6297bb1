"""The charts with one row for each variant: capacity on a linear axis, latencies on a logarithmic one.

No row is left out: where there is no figure, a word says why. Rows come in the order given, first
on top. Lengths are pixels of a chart 430 wide, which a phone still shows readably.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from harness.judging.estimate import Estimate
from harness.judging.figures import Ceiling, Percentile
from harness.report import wording
from harness.report.canvas import Canvas, Scale
from harness.report.palette import GRID, INK, MUTED, SURFACE, WARNING

CHART_WIDTH = 430
NOTE_LENGTH = 36
_NAME_LENGTH = 24
_LEFT, _RIGHT = 156, CHART_WIDTH - 88  # of the plot; names are left of it, figures right
_PAIR_RIGHT = CHART_WIDTH - 112  # where each row has two ratios with their intervals
_TOP, _BOTTOM = 24, 34
_ROW = 31
_UP, _DOWN = 5.3, 7.4  # from a row's middle to its two lines of text
_TEXT, _SMALL = 10.5, 8.5
_DECADES_MS = tuple(10.0**power for power in range(-3, 8))


@dataclass(frozen=True)
class CapacityRow:
    """A variant's capacity in requests/s. `singles`, `doubtful`: of single slices, valid and invalid."""

    variant: str
    colour: str
    capacity: Estimate | None
    singles: tuple[float, ...] = ()
    doubtful: tuple[float, ...] = ()
    ceiling: Ceiling | None = None
    note: str = ""


@dataclass(frozen=True)
class LatencyRow:
    """A variant's latencies: `low` and `high` are two percentiles of one distribution (or one of them None)."""

    variant: str
    colour: str
    low: Percentile | None
    high: Percentile | None
    note: str = ""


class _Rows:
    """A canvas with one row for each variant, and a description for those who do not see it."""

    def __init__(self, rows: int, scale: Scale, ticks: Sequence[tuple[float, str]], unit: str, head: str) -> None:
        self.bottom = _TOP + _ROW * max(1, rows)
        self.canvas = Canvas(CHART_WIDTH, self.bottom + _BOTTOM)
        self.scale = scale
        self.said: list[str] = []
        for value, name in ticks:
            x = scale(value)
            self.canvas.line([x, x], [_TOP, self.bottom], GRID, 0.8)
            self.canvas.text(x, self.bottom + 9, name, 9, MUTED, "center")
        self.canvas.line([_LEFT, _RIGHT], [self.bottom, self.bottom], MUTED, 0.9)
        self.canvas.text((_LEFT + _RIGHT) / 2, self.bottom + 24, unit, 9.5, MUTED, "center")
        self.canvas.text(CHART_WIDTH, _TOP - 9, head, _SMALL, MUTED, "right")

    def middle(self, row: int) -> float:
        return _TOP + _ROW * (row + 0.5)

    def name(self, row: int, variant: str, note: str, *, warns: bool) -> None:
        x, y = _LEFT - 8, self.middle(row)
        self.canvas.text(x, y - _UP if note else y, variant, _TEXT, INK, "right", _NAME_LENGTH)
        self.canvas.text(x, y + _DOWN, note, _SMALL, WARNING if warns else MUTED, "right", NOTE_LENGTH)

    def value(self, row: int, text: str, beneath: str) -> None:
        y = self.middle(row)
        self.canvas.text(CHART_WIDTH, y - _UP if beneath else y, text, _TEXT, INK, "right")
        self.canvas.text(CHART_WIDTH, y + _DOWN, beneath, _SMALL, MUTED, "right")

    def svg(self, title: str) -> Markup:
        return self.canvas.svg(f"{title}. {'; '.join(self.said)}.")


# ------------------------------------------------------------------------------------------------------- capacity


def capacity_chart(rows: Sequence[CapacityRow], title: str) -> Markup:
    """Horizontal bars of capacity; 95 % intervals, single slices as dots, ceilings as a stroke."""
    scale = Scale(0.0, _right_edge(rows), _LEFT, _RIGHT)
    ticks = [(tick, f"{tick:,.10g}") for tick in scale.ticks(4)]
    drawn = _Rows(len(rows), scale, ticks, "correct responses per second", "[95 % interval]")
    for place, row in enumerate(rows):
        _capacity_row(drawn, place, row)
    return drawn.svg(title)


def _right_edge(rows: Sequence[CapacityRow]) -> float:
    """Where the axis ends: beyond all that was measured, and beyond a ceiling that is not far from it."""
    values = [row.capacity.value for row in rows if row.capacity] + [rps for row in rows for rps in row.singles]
    largest = max(values, default=0.0)
    ends = [row.capacity.high for row in rows if row.capacity and row.capacity.high is not None]
    doubtful = [rps for row in rows for rps in row.doubtful]
    # One wide interval must not flatten every bar: it may run off the axis, its figures stand beside it.
    edge = max([largest, *(min(end, 1.6 * largest) for end in [*ends, *doubtful])]) or max(doubtful, default=0.0)
    near = [row.ceiling.rps for row in rows if row.ceiling is not None and row.ceiling.rps <= 1.35 * edge]
    return 1.04 * max([edge, *near]) or 1.0


def _capacity_row(drawn: _Rows, place: int, row: CapacityRow) -> None:
    canvas, scale, y = drawn.canvas, drawn.scale, drawn.middle(place)
    ceiling = f"ceiling {wording.number(row.ceiling.rps)}: {row.ceiling.because}" if row.ceiling else ""
    drawn.name(place, row.variant, row.note or ceiling, warns=bool(row.note))
    if row.capacity is not None:
        canvas.box(_LEFT, y - 8.5, scale(row.capacity.value), y + 8.5, row.colour)
        if row.capacity.low is not None and row.capacity.high is not None:
            low, high = scale(row.capacity.low), scale(row.capacity.high)
            for colour, width in ((SURFACE, 4.0), (INK, 1.5)):  # with a halo: bars have all brightnesses
                canvas.line([low, high], [y, y], colour, width)
            ends = [low] if row.capacity.high > scale.high else [low, high]
            canvas.marks(ends, y, "|", 9, INK, edge_width=1.5)
        drawn.value(place, wording.number(row.capacity.value), wording.interval(row.capacity))
        drawn.said.append(
            f"{row.variant} {wording.number(row.capacity.value)} {wording.interval(row.capacity)} requests/s"
        )
    else:
        drawn.said.append(f"{row.variant}: {row.note or 'no figure'}")
    if row.singles:
        canvas.marks([scale(rps) for rps in row.singles], y + 5, "o", 4.6, INK, edge_width=0.9)
    if row.doubtful:
        canvas.marks([scale(rps) for rps in row.doubtful], y + 5, "x", 5, WARNING, edge_width=1.5)
    if row.ceiling is not None and row.ceiling.rps <= scale.high:
        x = scale(row.ceiling.rps)
        canvas.line([x, x], [y - 13, y + 13], INK, 2, dashes=(1.4, 0.9))


# ---------------------------------------------------------------------------------------------------------- latency


def latency_chart(rows: Sequence[LatencyRow], title: str, *, low: str = "p50", high: str = "p99") -> Markup:
    """Two percentiles a row on a logarithmic axis: a ring and a diamond, joined; `low` and `high` name them.

    Whiskers span the single slices. An arrowhead, and "≥" before the figure: requests were given up there.
    """
    first, last = _decades(rows)
    scale = Scale(first, last, _LEFT, _RIGHT, logarithmic=True)
    ticks = [(decade, _tick(decade)) for decade in _DECADES_MS if first <= decade <= last]
    drawn = _Rows(len(rows), scale, ticks, "time (logarithmic)", high)
    for place, row in enumerate(rows):
        _latency_row(drawn, place, row, low, high)
    return drawn.svg(title)


def _tick(decade_ms: float) -> str:
    return f"{decade_ms:g} ms" if decade_ms < 1000 else f"{decade_ms / 1000:g} s"


def _decades(rows: Sequence[LatencyRow]) -> tuple[float, float]:
    """The powers of ten around all values, with a little room on both sides."""
    values = [
        value
        for row in rows
        for found in (row.low, row.high)
        if found is not None
        for value in (found.value_ms, found.slice_low_ms, found.slice_high_ms)
        if value is not None
    ] or [2.0, 500.0]
    first = max((decade for decade in _DECADES_MS[:-1] if decade <= 0.85 * min(values)), default=_DECADES_MS[0])
    beyond = [decade for decade in _DECADES_MS if decade > first]
    return first, min((decade for decade in beyond if decade >= 1.15 * max(values)), default=beyond[-1])


def _latency_row(drawn: _Rows, place: int, row: LatencyRow, low: str, high: str) -> None:
    drawn.name(place, row.variant, row.note, warns=True)
    if row.low is not None and row.high is not None:
        y = drawn.middle(place)
        ends = [drawn.scale(row.low.value_ms), drawn.scale(row.high.value_ms)]
        drawn.canvas.line(ends, [y, y], row.colour, 5, alpha=0.45)
    for value, is_high in ((row.low, False), (row.high, True)):
        if value is not None:
            _percentile(drawn, place, value, row.colour, is_high=is_high)
    if row.high is not None:
        beneath = f"{low} {wording.percentile(row.low)}" if low else ""
        drawn.value(place, wording.percentile(row.high), beneath)
    elif row.low is not None:
        drawn.value(place, wording.percentile(row.low), f"{low}; no {high}")
    said = [f"{name} {wording.percentile(value)}" for name, value in ((low, row.low), (high, row.high)) if value]
    drawn.said.append(f"{row.variant}: {', '.join([*said, row.note] if row.note else said) or 'no figure'}")


def _percentile(drawn: _Rows, place: int, value: Percentile, colour: str, *, is_high: bool) -> None:
    canvas, scale, y = drawn.canvas, drawn.scale, drawn.middle(place)
    if value.slice_low_ms is not None and value.slice_high_ms is not None:
        canvas.line([scale(value.slice_low_ms), scale(value.slice_high_ms)], [y, y], INK, 1.2)
    x = [scale(value.value_ms)]
    if is_high:
        canvas.marks(
            x, y, ">" if value.at_least else "D", 7 if value.at_least else 6.5, INK, fill=colour, edge_width=0.8
        )
    else:
        canvas.marks(x, y, ">" if value.at_least else "o", 7, colour, edge_width=2)


# --------------------------------------------------------------------------------------------------- two workloads


@dataclass(frozen=True)
class PairRow:
    """A variant's capacities on two workloads, each over what the baseline does there; None: not known. The baseline
    itself has no slices in its ratio."""

    variant: str
    colour: str
    first: Estimate | None
    second: Estimate | None


def pair_chart(rows: Sequence[PairRow], names: tuple[str, str], baseline: str, title: str) -> Markup:
    """Two bars a row, of the workloads `names`: the first filled, the second pale. Whiskers: 95 % intervals."""
    known = [each for row in rows for each in (row.first, row.second) if each is not None]
    largest = max((each.value for each in known), default=1.0)
    # One wide interval must not flatten every bar: it may run off the axis.
    edge = max([1.0, largest, *(min(each.high, 1.6 * largest) for each in known if each.high is not None)])
    scale = Scale(0.0, 1.04 * edge, _LEFT, _PAIR_RIGHT)
    ticks = [(tick, wording.times(tick) if tick else "0") for tick in scale.ticks(4)]
    drawn = _Rows(len(rows), scale, ticks, f"capacity, over that of {baseline}", f"{names[0]}, below it {names[1]}")
    for place, row in enumerate(rows):
        _pair_row(drawn, place, row, names)
    one = scale(1.0)
    drawn.canvas.line([one, one], [_TOP, drawn.bottom], INK, 1.2, dashes=(3, 3))
    return drawn.svg(title)


def _pair_row(drawn: _Rows, place: int, row: PairRow, names: tuple[str, str]) -> None:
    drawn.name(place, row.variant, "", warns=False)
    for name, ratio, y, alpha in (
        (names[0], row.first, drawn.middle(place) - _UP - 0.7, None),
        (names[1], row.second, drawn.middle(place) + _UP + 0.7, 0.45),
    ):
        if ratio is None:
            drawn.canvas.text(CHART_WIDTH, y, "no comparison", _SMALL, MUTED, "right")
            drawn.said.append(f"{row.variant} on {name}: no comparison")
            continue
        canvas, scale = drawn.canvas, drawn.scale
        canvas.box(_LEFT, y - 5, scale(ratio.value), y + 5, row.colour, alpha)
        interval = " no interval" if ratio.slices else " the baseline"
        if ratio.low is not None and ratio.high is not None:
            low, high = scale(ratio.low), scale(ratio.high)
            for colour, width in ((SURFACE, 3.4), (INK, 1.3)):
                canvas.line([low, high], [y, y], colour, width)
            canvas.marks([low] if ratio.high > scale.high else [low, high], y, "|", 6, INK, edge_width=1.3)
            interval = f" {wording.interval_of_ratio(ratio)}"
        canvas.text(CHART_WIDTH, y, f"{wording.times(ratio.value)}{interval}", _SMALL, INK, "right")
        drawn.said.append(f"{row.variant} on {name} {wording.times(ratio.value)}{interval}")
