"""The chart of a sweep: capacity over size, with intervals, the law where it holds, and the machine's cores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from harness.analysis.scalability_law import NoLaw, ScalabilityLaw
from harness.analysis.sweep_record import Sweep, SweepPoint
from harness.report import wording
from harness.report.canvas import Canvas, Scale
from harness.report.charts import CHART_WIDTH
from harness.report.palette import GRID, INK, MUTED, SURFACE

_HEIGHT = 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, CHART_WIDTH - 16, 26, 210
_CAP = 4


@dataclass(frozen=True)
class SweepView:
    """`said`: what follows from it, a sentence each."""

    workload: str
    strategy: str
    what: str
    svg: Markup
    said: tuple[str, ...]


def sweep_view(sweep: Sweep, cores: int, colour: str) -> SweepView:
    """`cores`: of the machine, for the target."""
    return SweepView(sweep.workload, sweep.strategy, sweep.what, _chart(sweep, cores, colour), sentences(sweep))


def sentences(sweep: Sweep) -> tuple[str, ...]:
    """What a sweep says, in words."""
    return tuple(filter(None, [_of_the_knee(sweep), _of_too_large(sweep), _of_the_law(sweep)]))


def _of_the_knee(sweep: Sweep) -> str:
    if not sweep.knee:
        return f"Nothing follows about {sweep.what}: there are too few valid slices."
    if sweep.has_no_effect:
        return f"The number of {sweep.what} has no effect here: all of {_sizes(sweep)} are within 5 % of the best."
    if len(sweep.knee) == 1:
        return f"{sweep.what} = {_number(sweep.knee[0])} is the smallest size within 5 % of the best."
    return (
        f"The smallest size within 5 % of the best is one of {sweep.what} = "
        f"{', '.join(map(_number, sweep.knee))}; more rounds would tell which."
    )


def _of_too_large(sweep: Sweep) -> str:
    if not sweep.too_large:
        return ""
    return f"Larger is worse: {sweep.what} = {', '.join(map(_number, sweep.too_large))} lose more than 5 % for certain."


def _of_the_law(sweep: Sweep) -> str:
    match sweep.law:
        case NoLaw(reason=reason):
            return f"The universal scalability law is not fitted: {reason}."
        case ScalabilityLaw() as law:
            peak = "no peak" if law.peak is None else f"its peak at {wording.number(law.peak)}"
            return (
                f"Universal scalability law: sigma {wording.number(law.sigma.value)} {wording.interval(law.sigma)}, "
                f"kappa {wording.number(law.kappa.value)} {wording.interval(law.kappa)}, {peak}."
            )


def _sizes(sweep: Sweep) -> str:
    return ", ".join(_number(point.size) for point in sweep.points)


def _number(size: float) -> str:
    return f"{size:g}"


def _chart(sweep: Sweep, cores: int, colour: str) -> Markup:
    shown = [(point, point.capacity) for point in sweep.points if point.capacity is not None]
    largest = max((each.high or each.value for _, each in shown), default=1.0)
    x = Scale(sweep.points[0].size, sweep.points[-1].size, _LEFT + 12, _RIGHT - 12, logarithmic=True)
    y = Scale(0.0, 1.05 * largest, _BOTTOM, _TOP)
    canvas = Canvas(CHART_WIDTH, _HEIGHT)
    for tick in y.ticks(4):
        canvas.line([_LEFT, _RIGHT], [y(tick), y(tick)], GRID, 0.8)
        canvas.text(_LEFT - 6, y(tick), f"{tick:,.10g}", 9, MUTED, "right")
    canvas.line([_LEFT, _RIGHT], [_BOTTOM, _BOTTOM], MUTED, 0.9)
    canvas.text(_LEFT, _TOP - 14, "correct responses per second, [95 % interval]", 8.5, MUTED, "left")
    canvas.text((_LEFT + _RIGHT) / 2, _BOTTOM + 30, sweep.what, 9.5, MUTED, "center")
    if x.low <= cores <= x.high:
        canvas.line([x(cores), x(cores)], [_TOP, _BOTTOM], MUTED, 1.2, dashes=(3, 3))
        canvas.text(x(cores) + 4, _TOP + 5, f"{cores} cores", 8.5, MUTED, "left")
    if isinstance(sweep.law, ScalabilityLaw):
        sizes = np.geomspace(x.low, x.high, 40)
        canvas.line([x(s) for s in sizes], [y(sweep.law.capacity_rps(s)) for s in sizes], INK, 1, dashes=(4, 3))
    canvas.line([x(point.size) for point, _ in shown], [y(each.value) for _, each in shown], colour, 2, alpha=0.6)
    for point, each in shown:
        if each.low is not None and each.high is not None:
            low, high = y(each.low), y(each.high)
            canvas.line([x(point.size)] * 2, [low, high], INK, 1.4)
            for end in (low, high):
                canvas.line([x(point.size) - _CAP, x(point.size) + _CAP], [end, end], INK, 1.4)
        fill = colour if point.size in sweep.knee else SURFACE
        canvas.marks([x(point.size)], y(each.value), "o", 7, INK, fill=fill)
    for point in sweep.points:
        canvas.text(x(point.size), _BOTTOM + 12, _number(point.size), 9, INK, "center")
    return canvas.svg(f"{sweep.strategy} on {sweep.workload} by {sweep.what}. {_said(sweep.points)}.")


def _said(points: tuple[SweepPoint, ...]) -> str:
    return "; ".join(
        f"{_number(point.size)}: no capacity"
        if point.capacity is None
        else f"{_number(point.size)}: {wording.number(point.capacity.value)} {wording.interval(point.capacity)}"
        for point in points
    )
