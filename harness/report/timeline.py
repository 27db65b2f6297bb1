"""What a boot's processes did over time: CPU and memory from its samples, drawn small, the phases as bands.

While its neighbours are measured a boot is idle and nothing is sampled: minutes, between slices of a second. These
times are cut short, or nothing could be seen of the slices.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from markupsafe import Markup

from harness.report.canvas import Canvas, Scale
from harness.report.palette import BAND, GENERATOR, GRID, MUTED, SERVICES, TARGET
from harness.report.wording import MIB
from harness.results.records.phase_record import PhaseRecord, PhaseStatus
from harness.results.records.sample import Sample

TIMELINE_WIDTH = 300
_HEIGHT = 172
_LEFT = 34
_CORES = (88, 26)  # where the axis begins and ends, from the top
_MEMORY = (146, 104)
_NAME_LENGTH = 12
_POINTS = 120
_APART_S = 1.0  # nothing is sampled while others are measured
_CUT_S = 0.3  # how such a time is drawn
_FINEST_STEP_S = 0.4  # two samples at 5 Hz: CPU times tick in 10 ms, so shorter steps show the clock, not the load
_LEAST_STEP_S = 0.1  # of a slice that is shorter than that
_CURVES: dict[str, tuple[str, tuple[float, ...]]] = {
    "target": (TARGET, ()),
    "generator": (GENERATOR, (4, 1.5)),
    "services": (SERVICES, (1.2, 1.2)),
}


@dataclass(frozen=True)
class Curve:
    """A curve; NaN where it breaks."""

    t_s: tuple[float, ...]
    values: tuple[float, ...]

    def drawn(self, drawn_s: Callable[[float], float]) -> Curve:
        return Curve(tuple(drawn_s(t_s) for t_s in self.t_s), self.values)

    @property
    def largest(self) -> float:
        return max((value for value in self.values if not math.isnan(value)), default=0.0)


@dataclass(frozen=True)
class Band:
    """A phase."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Timeline:
    """A boot over the time in which it was asked: cores in use by tree, the target's memory in MiB."""

    cores: dict[str, Curve]
    pss_mib: Curve
    rss_mib: Curve
    bands: tuple[Band, ...]
    end_s: float

    @property
    def cores_max(self) -> float:
        return max(line.largest for line in self.cores.values())

    @property
    def memory_max_mib(self) -> float:
        return max(self.pss_mib.largest, self.rss_mib.largest)


def of_boot(samples: Sequence[Sample], phases: Sequence[PhaseRecord]) -> Timeline:
    """The curves of one boot, at most about 120 points each."""
    ran = [phase for phase in phases if phase.status is not PhaseStatus.SKIPPED and phase.end_s > phase.start_s]
    times = [*(sample.t_s for sample in samples), *(t_s for phase in ran for t_s in (phase.start_s, phase.drained_s))]
    drawn_s = _drawn_at(times)
    target = [sample for sample in samples if sample.tree == "target"]
    step_s = max(_FINEST_STEP_S, _sampled_s(target) / _POINTS)
    return Timeline(
        cores={tree: _cores_of_tree([s for s in samples if s.tree == tree], step_s).drawn(drawn_s) for tree in _CURVES},
        pss_mib=_memory_curve(target, lambda sample: sample.pss_bytes, step_s).drawn(drawn_s),
        rss_mib=_memory_curve(target, lambda sample: sample.rss_bytes, step_s).drawn(drawn_s),
        bands=tuple(Band(phase.spec.name, drawn_s(phase.start_s), drawn_s(phase.end_s)) for phase in ran),
        end_s=max(1.0, drawn_s(max(times, default=0.0))),
    )


def _drawn_at(times_s: Sequence[float]) -> Callable[[float], float]:
    """Where a time since launch is drawn: what is longer than `_APART_S` between two of `times_s` is cut short."""
    known_s = sorted({0.0, *times_s})
    gaps_s = [after_s - before_s for before_s, after_s in pairwise(known_s)]
    places_s = list(accumulate((gap_s if gap_s <= _APART_S else _CUT_S for gap_s in gaps_s), initial=0.0))
    return lambda t_s: float(np.interp(t_s, known_s, places_s))


def _sampled_s(samples: Sequence[Sample]) -> float:
    """Without the times in which others were measured: a step of their length would skip whole slices."""
    gaps_s = (after.t_s - before.t_s for before, after in pairwise(samples))
    return sum(gap_s for gap_s in gaps_s if gap_s <= _APART_S)


def _cores_of_tree(samples: Sequence[Sample], step_s: float) -> Curve:
    """Several services are several curves, one after the other."""
    names = dict.fromkeys(sample.service for sample in samples)
    curves = [cores_curve([s for s in samples if s.service == name], step_s) for name in names]
    return _joined([list(zip(curve.t_s, curve.values, strict=True)) for curve in curves])


def cores_curve(samples: Sequence[Sample], step_s: float) -> Curve:
    """CPU-seconds per second between samples at least `step_s` apart, and over the whole of a slice that is shorter;
    between slices the curve breaks."""
    return _joined([_cores_of_spell(spell, step_s) for spell in _spells(samples)])


def _memory_curve(samples: Sequence[Sample], bytes_of: Callable[[Sample], int | None], step_s: float) -> Curve:
    """MiB, in samples at least `step_s` apart and in the last one of a slice; between slices the curve breaks. What was
    read once in a slice is drawn over all of it."""
    pieces = []
    for spell in _spells(samples):
        points: list[tuple[float, float]] = []
        known = [(sample.t_s, mib / MIB) for sample in spell if (mib := bytes_of(sample)) is not None]
        for point in known:
            if not points or point[0] - points[-1][0] >= step_s or point is known[-1]:
                points.append(point)
        if len(points) == 1:
            points = [(spell[0].t_s, points[0][1]), (spell[-1].t_s, points[0][1])]
        pieces.append(points)
    return _joined(pieces)


def _spells(samples: Sequence[Sample]) -> list[list[Sample]]:
    """Of one tree, without a time in which others were measured, and of one set of processes: CPU times only grow."""
    spells: list[list[Sample]] = []
    for sample in samples:
        before = spells[-1][-1] if spells else None
        if before is None or sample.t_s - before.t_s > _APART_S or sample.cpu_s < before.cpu_s:
            spells.append([])
        spells[-1].append(sample)
    return spells


def _cores_of_spell(spell: Sequence[Sample], step_s: float) -> list[tuple[float, float]]:
    ends = [spell[0]]
    for sample in spell:
        if sample.t_s - ends[-1].t_s >= step_s:
            ends.append(sample)
    if len(ends) == 1 and spell[-1].t_s - spell[0].t_s >= _LEAST_STEP_S:
        cores = (spell[-1].cpu_s - spell[0].cpu_s) / (spell[-1].t_s - spell[0].t_s)
        return [(spell[0].t_s, cores), (spell[-1].t_s, cores)]
    return [
        ((begin.t_s + end.t_s) / 2, (end.cpu_s - begin.cpu_s) / (end.t_s - begin.t_s)) for begin, end in pairwise(ends)
    ]


def _joined(pieces: Sequence[Sequence[tuple[float, float]]]) -> Curve:
    """`(time, value)`, with a break before each further piece."""
    points: list[tuple[float, float]] = []
    for piece in pieces:
        points += [(t_s, math.nan) for t_s, _ in piece[:1] if points]
        points += piece
    return Curve(tuple(t_s for t_s, _ in points), tuple(value for _, value in points))


def draw_timeline(timeline: Timeline, title: str, *, cores_top: float, memory_top_mib: float) -> Markup:
    """Cores above, memory below; the caller sets the tops of both axes, so that charts can be compared."""
    canvas = Canvas(TIMELINE_WIDTH, _HEIGHT)
    seconds = Scale(0.0, timeline.end_s, _LEFT, TIMELINE_WIDTH - 8)
    cores_scale = Scale(0.0, 1.08 * cores_top or 1.0, *_CORES)
    memory_scale = Scale(0.0, 1.08 * memory_top_mib or 1.0, *_MEMORY)
    for scale, unit, ticks in ((cores_scale, "cores", 3), (memory_scale, "MiB", 2)):
        _shade(canvas, timeline, seconds, scale)
        _axis(canvas, scale, unit, scale.ticks(ticks))
    for band in timeline.bands:
        _name(canvas, band, seconds)
    for tick in seconds.ticks(5, whole=True):
        canvas.text(seconds(tick), memory_scale.start + 8, f"{tick:g}", 8, MUTED, "center")
    canvas.text(seconds.end, memory_scale.start + 21, "seconds (other strategies' time cut out)", 8, MUTED, "right")
    for tree, (colour, dashes) in _CURVES.items():
        _curve(canvas, timeline.cores[tree], seconds, cores_scale, colour, dashes)
    _curve(canvas, timeline.rss_mib, seconds, memory_scale, MUTED, (3, 1.5))
    _curve(canvas, timeline.pss_mib, seconds, memory_scale, TARGET, ())
    return canvas.svg(title)


def _curve(canvas: Canvas, line: Curve, xs: Scale, ys: Scale, colour: str, dashes: tuple[float, ...]) -> None:
    if line.t_s:
        canvas.line([xs(t) for t in line.t_s], [ys(value) for value in line.values], colour, 1.4, dashes=dashes)


def _axis(canvas: Canvas, scale: Scale, unit: str, ticks: Sequence[float]) -> None:
    for tick in ticks:
        y = scale(tick)
        canvas.line([_LEFT, TIMELINE_WIDTH - 8], [y, y], GRID if tick else MUTED, 0.7)
        canvas.text(_LEFT - 4, y, f"{tick:,.6g}", 8, MUTED, "right")
    canvas.text(_LEFT - 4, scale.end - 8, unit, 8, MUTED, "right")


def _shade(canvas: Canvas, timeline: Timeline, xs: Scale, ys: Scale) -> None:
    for place, band in enumerate(timeline.bands):
        canvas.box(xs(band.start_s), ys.end, xs(band.end_s), ys.start, BAND, alpha=0.9 if place % 2 else 0.5)


def _name(canvas: Canvas, band: Band, xs: Scale) -> None:
    left, right = xs(band.start_s), xs(band.end_s)
    if right - left > 4.2 * min(len(band.name), _NAME_LENGTH):
        canvas.text((left + right) / 2, _CORES[1] - 7, band.name, 7.5, MUTED, "center", _NAME_LENGTH)
