"""The chart of a sweep: capacity over size, with intervals, the law where it holds, and the machine's cores."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from harness.analysis.scalability_law import NoLaw, ScalabilityLaw
from harness.analysis.sweep_record import Sweep
from harness.report import wording
from harness.report.canvas import Canvas, Scale
from harness.report.charts import CHART_WIDTH
from harness.report.palette import GRID, INK, MUTED, SURFACE
from harness.results.records.text import count

_HEIGHT = 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, CHART_WIDTH - 16, 26, 210
_CAP = 4


@dataclass(frozen=True)
class SweepView:
    """`said`: what follows from it, a sentence each. `of`: the run that it is of, where that was added to the report;
    `note`: what a reader must know of that one."""

    workload: str
    strategy: str
    what: str
    svg: Markup
    said: tuple[str, ...]
    of: str = ""
    note: str = ""


def sweep_view(sweep: Sweep, cores: int, colour: str, *, of: str = "", note: str = "") -> SweepView:
    """`cores`: of the machine, for the target."""
    chart, said = _chart(sweep, cores, colour), sweep_sentences(sweep)
    return SweepView(sweep.workload, sweep.of, sweep.what, chart, said, of, note)


def sweep_sentences(sweep: Sweep) -> tuple[str, ...]:
    """What a sweep says, in words."""
    said = (_of_the_knee, _of_too_large, _of_the_unfilled, _of_the_end, _of_the_unknown, _of_the_law)
    return tuple(filter(None, (sentence(sweep) for sentence in said)))


def _of_the_knee(sweep: Sweep) -> str:
    known = _listed(size for size, _ in sweep.known)
    if not sweep.knee:
        return f"Nothing follows about {sweep.what}: {_why_nothing(sweep)}."
    if sweep.has_no_effect:
        return f"{sweep.what} makes no difference here: {known} are all within 5 % of the best."
    if sweep.shows_no_effect:
        return (
            f"No effect of {sweep.what} is seen: each of {known} may be within 5 % of the best. "
            f"{_worst(sweep)}More rounds would tell."
        )
    if len(sweep.knee) == 1:
        return f"{sweep.what} = {_number(sweep.knee[0])} is the smallest size within 5 % of the best."
    return (
        f"The smallest size within 5 % of the best is one of {sweep.what} = {_listed(sweep.knee)}; "
        "more rounds would tell which."
    )


def _why_nothing(sweep: Sweep) -> str:
    if len(sweep.filled) > 1:
        return "there are too few valid slices"
    filled = f"only {sweep.what} = {_number(sweep.filled[0].size)} was" if sweep.filled else "none of its sizes was"
    return f"{filled} filled"


def _of_the_unfilled(sweep: Sweep) -> str:
    if not sweep.unfilled:
        return ""
    each = f" (each takes {count(sweep.filling.each, 'request')} at once)" if sweep.filling.each else ""
    it = "it is" if len(sweep.unfilled) == 1 else "they are"
    return (
        f"{count(sweep.filling.users, 'user')} cannot fill {sweep.what} = {_listed(sweep.unfilled)}{each}, so {it} "
        "left out here."
    )


def _worst(sweep: Sweep) -> str:
    largest = max(gap.high for _, gap in sweep.known)
    return f"The worst is at most {wording.percent(1 - math.exp(-largest))} below it. " if largest < math.inf else ""


def _of_too_large(sweep: Sweep) -> str:
    if not sweep.too_large:
        return ""
    return f"Larger is worse: {sweep.what} = {_listed(sweep.too_large)} lose more than 5 % for certain."


def _of_the_end(sweep: Sweep) -> str:
    if not sweep.may_rise_beyond or sweep.shows_no_effect:
        return ""
    largest, most = sweep.known[-1][0], sweep.filling.most
    users = f"{count(sweep.filling.users, 'user')} can fill"
    beyond = f"The best may lie beyond {sweep.what} = {_number(largest)}, the largest that"
    if most is not None and largest >= most:
        return f"{beyond} {users}: measure with more users (`users` in the profile)."
    told = "filled" if sweep.unfilled else "measured"
    limit = "" if most is None else f" ({users} {most})"
    return f"{beyond} was {told}: measure larger ones, too{limit}."


def _of_the_unknown(sweep: Sweep) -> str:
    if not sweep.unknown or not sweep.known:
        return ""
    return f"Nothing is known of {sweep.what} = {_listed(sweep.unknown)} (no valid slice): better or worse."


def _of_the_law(sweep: Sweep) -> str:
    """Nothing, where the size has no effect that a law could describe."""
    if not sweep.has_an_effect:
        return ""
    match sweep.law:
        case NoLaw(reason=reason):
            return f"The universal scalability law is not fitted: {reason}."
        case ScalabilityLaw() as law:
            if law.peak is None:
                peak = "no peak that these sizes tell"
            else:
                beyond = ", beyond what was measured" if law.peak.value > sweep.known[-1][0] else ""
                peak = f"its peak at {wording.number(law.peak.value)} {wording.interval(law.peak)}{beyond}"
            return (
                f"Universal scalability law: sigma {wording.number(law.sigma.value)} {wording.interval(law.sigma)}, "
                f"kappa {wording.number(law.kappa.value)} {wording.interval(law.kappa)}, {peak}."
            )


def _listed(sizes: Iterable[float]) -> str:
    return ", ".join(map(_number, sizes))


def _number(size: float) -> str:
    return f"{size:g}"


def _chart(sweep: Sweep, cores: int, colour: str) -> Markup:
    shown = [(point.size, point.capacity) for point in sweep.points if point.capacity is not None]
    most = max((each.value for _, each in shown), default=0.0) or 1.0
    # One wide interval must not flatten the curve: it may run off the axis.
    largest = max([most, *(min(each.high, 1.6 * most) for _, each in shown if each.high is not None)])
    first, last = sweep.points[0].size, sweep.points[-1].size
    x = Scale(first, last, _LEFT + 12, _RIGHT - 12, logarithmic=first > 0)
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
        canvas.text(x(cores) + 4, _TOP + 5, "1 core" if cores == 1 else f"{cores} cores", 8.5, MUTED, "left")
    if sweep.unfilled and sweep.filling.most is not None and x.low <= sweep.filling.most:
        at = x(sweep.filling.most)
        canvas.line([at, at], [_TOP, _BOTTOM], MUTED, 1.2, dashes=(1, 3))
        said = f"{count(sweep.filling.users, 'user')} fill no more"
        if at < (_LEFT + _RIGHT) / 2:
            canvas.text(at + 4, _BOTTOM - 8, said, 8.5, MUTED, "left")
        else:
            canvas.text(at - 4, _BOTTOM - 8, said, 8.5, MUTED, "right")
    if isinstance(sweep.law, ScalabilityLaw):
        sizes = np.geomspace(first, sweep.known[-1][0], 40)
        canvas.line([x(s) for s in sizes], [y(sweep.law.capacity_rps(s)) for s in sizes], INK, 1, dashes=(4, 3))
    by_size = dict(shown)
    # A size without a capacity breaks the line.
    heights = [y(by_size[each.size].value) if each.size in by_size else math.nan for each in sweep.points]
    canvas.line([x(point.size) for point in sweep.points], heights, colour, 2, alpha=0.6)
    for size, each in shown:
        if each.low is not None and each.high is not None:
            low, high = y(each.low), y(each.high)
            canvas.line([x(size)] * 2, [low, high], INK, 1.4)
            for end in (low, high):
                canvas.line([x(size) - _CAP, x(size) + _CAP], [end, end], INK, 1.4)
        fill = colour if size in sweep.knee else SURFACE
        canvas.marks([x(size)], y(each.value), "o", 7, INK, fill=fill)
    for point in sweep.points:
        canvas.text(x(point.size), _BOTTOM + 12, _number(point.size), 9, INK, "center")
    return canvas.svg(f"{sweep.of} on {sweep.workload} by {sweep.what}. {_said(sweep)}.")


def _said(sweep: Sweep) -> str:
    return "; ".join(
        f"{_number(point.size)}: no capacity"
        if point.capacity is None
        else f"{_number(point.size)}: {wording.number(point.capacity.value)} {wording.interval(point.capacity)}"
        for point in sweep.points
    )
