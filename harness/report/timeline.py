"""What a trial's processes did over time: CPU and memory from its samples, drawn small, the phases as bands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator

from harness.model import PhaseRecord, PhaseStatus, Sample
from harness.report.palette import BAND, GENERATOR, GRID, MUTED, SERVICES, TARGET
from harness.report.svg import axes_px, figure_px, house_style, inline, label
from harness.report.wording import MIB

WIDTH = 300
_LEFT = 34
_RIGHT = 8
_POINTS = 120
_FINEST_STEP_S = 0.4  # two samples at 5 Hz: CPU times tick in 10 ms, so shorter steps show the clock, not the load
_STYLES: dict[str, tuple[str, str | tuple[int, tuple[float, ...]]]] = {
    "target": (TARGET, "-"),
    "generator": (GENERATOR, (0, (4, 1.5))),
    "services": (SERVICES, (0, (1.2, 1.2))),
}


@dataclass(frozen=True)
class Line:
    """A curve; NaN where it breaks."""

    t_s: tuple[float, ...]
    values: tuple[float, ...]

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
    """A trial over time: cores in use by tree, the target's memory in MiB."""

    cores: dict[str, Line]
    pss_mib: Line
    rss_mib: Line
    bands: tuple[Band, ...]
    end_s: float

    @property
    def cores_max(self) -> float:
        return max(line.largest for line in self.cores.values())

    @property
    def memory_max_mib(self) -> float:
        return max(self.pss_mib.largest, self.rss_mib.largest)


def of_trial(samples: Sequence[Sample], phases: Sequence[PhaseRecord]) -> Timeline:
    """The curves of one trial, at most about 120 points each."""
    ran = [phase for phase in phases if phase.status is not PhaseStatus.SKIPPED and phase.end_s > phase.start_s]
    end_s = max([1.0, *(sample.t_s for sample in samples), *(phase.drained_s for phase in ran)])
    step_s = max(_FINEST_STEP_S, end_s / _POINTS)
    target = [sample for sample in samples if sample.tree == "target"]
    pss = [(s.t_s, s.server, s.pss_bytes / MIB) for s in target if s.pss_bytes is not None]
    return Timeline(
        cores={tree: cores([s for s in samples if s.tree == tree], step_s) for tree in _STYLES},
        pss_mib=_thinned(pss, step_s),
        rss_mib=_thinned([(s.t_s, s.server, s.rss_bytes / MIB) for s in target], step_s),
        bands=tuple(Band(phase.spec.name, phase.start_s, phase.end_s) for phase in ran),
        end_s=end_s,
    )


def cores(samples: Sequence[Sample], step_s: float) -> Line:
    """CPU-seconds per second between samples at least `step_s` apart; a new server starts a new curve."""
    times: list[float] = []
    values: list[float] = []
    last: Sample | None = None
    for sample in samples:
        if last is None or sample.server != last.server or sample.cpu_s < last.cpu_s:
            if last is not None:
                times.append(sample.t_s)
                values.append(math.nan)
            last = sample
        elif sample.t_s - last.t_s >= step_s:
            times.append((sample.t_s + last.t_s) / 2)
            values.append((sample.cpu_s - last.cpu_s) / (sample.t_s - last.t_s))
            last = sample
    return Line(tuple(times), tuple(values))


def _thinned(points: Sequence[tuple[float, int, float]], step_s: float) -> Line:
    """`(time, server, value)` at least `step_s` apart; a new server starts a new curve."""
    times: list[float] = []
    values: list[float] = []
    last: tuple[float, int] | None = None
    for t_s, server, value in points:
        if last is not None and server != last[1]:
            times.append(t_s)
            values.append(math.nan)
        elif last is not None and t_s - last[0] < step_s:
            continue
        times.append(t_s)
        values.append(value)
        last = (t_s, server)
    return Line(tuple(times), tuple(values))


@house_style()
def draw(timeline: Timeline, chart_id: str, title: str, *, cores_top: float, memory_top_mib: float) -> Markup:
    """Cores above, memory beneath; the tops of both axes are the caller's, so that neighbours compare."""
    figure = figure_px(WIDTH, 172)
    width = WIDTH - _LEFT - _RIGHT
    cpu = axes_px(figure, _LEFT, 26, width, 62)
    memory = axes_px(figure, _LEFT, 104, width, 40)
    for axes, top, unit in ((cpu, cores_top or 1.0, "cores"), (memory, memory_top_mib or 1.0, "MiB")):
        axes.set_xlim(0, timeline.end_s)
        axes.set_ylim(0, 1.08 * top)
        ticks = [t for t in MaxNLocator(2 if axes is memory else 3).tick_values(0, top) if 0 <= t <= 1.08 * top]
        axes.set_yticks(ticks, [f"{tick:,.6g}" for tick in ticks])
        axes.yaxis.grid(visible=True, color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.text(0, 1.02, unit, transform=axes.transAxes, fontsize=8, color=MUTED, ha="right", va="bottom")
        axes.tick_params(labelsize=8)
        _shade(axes, timeline, named=axes is cpu)
    seconds = [tick for tick in MaxNLocator(5, integer=True).tick_values(0, timeline.end_s) if tick <= timeline.end_s]
    cpu.xaxis.set_major_locator(FixedLocator([]))
    memory.set_xticks(seconds, [f"{tick:g}" for tick in seconds])
    memory.text(1, -0.62, "seconds since launch", transform=memory.transAxes, fontsize=8, color=MUTED, ha="right")
    for tree, (colour, style) in _STYLES.items():
        line = timeline.cores[tree]
        cpu.plot(line.t_s, line.values, color=colour, linestyle=style, linewidth=1.4)
    memory.plot(timeline.rss_mib.t_s, timeline.rss_mib.values, color=MUTED, linewidth=1.1, linestyle=(0, (3, 1.5)))
    memory.plot(timeline.pss_mib.t_s, timeline.pss_mib.values, color=TARGET, linewidth=1.6)
    return inline(figure, chart_id, title)


def _shade(axes: Axes, timeline: Timeline, *, named: bool) -> None:
    for place, band in enumerate(timeline.bands):
        axes.axvspan(band.start_s, band.end_s, color=BAND, alpha=0.9 if place % 2 else 0.5, linewidth=0)
        share = (band.end_s - band.start_s) / timeline.end_s
        name = label(band.name, 12)
        if named and share * (WIDTH - _LEFT - _RIGHT) > 4.2 * len(name):
            middle = (band.start_s + band.end_s) / 2
            axes.text(middle, 1.02, name, transform=axes.get_xaxis_transform(), fontsize=7.5, color=MUTED, ha="center")
