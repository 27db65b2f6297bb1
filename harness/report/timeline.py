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
    pss = [(s.t_s, s.pss_bytes / MIB) for s in target if s.pss_bytes is not None]
    return Timeline(
        cores={tree: _cores_of_tree([s for s in samples if s.tree == tree], step_s).drawn(drawn_s) for tree in _CURVES},
        pss_mib=_thinned(pss, step_s).drawn(drawn_s),
        rss_mib=_thinned([(s.t_s, s.rss_bytes / MIB) for s in target], step_s).drawn(drawn_s),
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
    points: list[tuple[float, float]] = []
    for curve in curves:
        points += [(t_s, math.nan) for t_s in curve.t_s[:1] if points]
        points += zip(curve.t_s, curve.values, strict=True)
    return Curve(tuple(t_s for t_s, _ in points), tuple(value for _, value in points))


def cores_curve(samples: Sequence[Sample], step_s: float) -> Curve:
    """CPU-seconds per second between samples at least `step_s` apart; between slices the curve breaks."""
    times: list[float] = []
    values: list[float] = []
    last: Sample | None = None  # where the step began
    before_s = -math.inf
    for sample in samples:
        if last is None or sample.cpu_s < last.cpu_s or sample.t_s - before_s > _APART_S:
            if last is not None:
                times.append(sample.t_s)
                values.append(math.nan)
            last = sample
        elif sample.t_s - last.t_s >= step_s:
            times.append((sample.t_s + last.t_s) / 2)
            values.append((sample.cpu_s - last.cpu_s) / (sample.t_s - last.t_s))
            last = sample
        before_s = sample.t_s
    return Curve(tuple(times), tuple(values))


def _thinned(points: Sequence[tuple[float, float]], step_s: float) -> Curve:
    """`(time, value)` at least `step_s` apart; between slices the curve breaks."""
    times: list[float] = []
    values: list[float] = []
    last_s = before_s = -math.inf  # the last one that was taken, and the one before this
    for t_s, value in points:
        is_apart = t_s - before_s > _APART_S
        before_s = t_s
        if is_apart and times:
            times.append(t_s)
            values.append(math.nan)
        elif t_s - last_s < step_s:
            continue
        times.append(t_s)
        values.append(value)
        last_s = t_s
    return Curve(tuple(times), tuple(values))


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
