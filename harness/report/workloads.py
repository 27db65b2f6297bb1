"""A workload's part of the report: its charts, its tables, and the variants without figures."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from harness.analysis.evidence import Analysis, Cell, CellPhase
from harness.calibration.calibration_record import Calibration
from harness.judging.figures import Percentile
from harness.report import charts, tables, wording
from harness.report.calibration_section import instrument_line
from harness.report.overload_lines import overload_lines
from harness.report.palette import Palette
from harness.report.side_by_side import beside, beside_chart
from harness.report.standing import (
    capacity_of,
    capacity_of_cell,
    cell_note,
    failed_health_share,
    has_pools,
    loop_lag,
    measured_slices,
    phase_notes,
    pool_wait,
    rate_phases,
    standing,
    valid_of,
)
from harness.results.records.text import count
from harness.results.records.workload import Workload


@dataclass(frozen=True)
class Chart:
    """`beneath`: how exact the load generator was at this rate."""

    heading: str
    svg: Markup
    beneath: str = ""


@dataclass(frozen=True)
class Absent:
    """A variant without figures on this workload."""

    variant: str
    status: str
    reason: str


@dataclass(frozen=True)
class WorkloadView:
    anchor: str
    name: str
    title: str
    facts: str
    measured: bool
    overload: tuple[str, ...]  # what is said of means against it
    capacity: Chart
    beside: Chart | None  # the capacities on another workload, too, where that says something
    rates: tuple[Chart, ...]
    health: Chart
    lag: Chart
    pool: Chart | None  # where connections of a pool were taken
    tables: tuple[tables.Table, ...]
    absent: tuple[Absent, ...]


def cells_in_order(analysis: Analysis, workload: str) -> tuple[Cell, ...]:
    """A workload's cells, the highest capacity first, those without one last and by name."""
    cells = [cell for cell in analysis.cells if cell.workload == workload]
    return tuple(sorted(cells, key=lambda cell: (-(cell.capacity.value if cell.capacity else -1.0), cell.variant)))


def view(
    analysis: Analysis, workload: Workload, anchor: str, palette: Palette, calibration: Calibration | None = None
) -> WorkloadView:
    cells = cells_in_order(analysis, workload.name)
    drawn = _Drawn(analysis, workload.name, palette, cells)
    return WorkloadView(
        anchor=anchor,
        name=workload.name,
        title=workload.title,
        facts=_facts(analysis, workload),
        measured=any(cell.capacity is not None for cell in cells),
        overload=overload_lines(analysis, workload.name),
        capacity=drawn.capacity(),
        beside=drawn.beside(),
        rates=(*drawn.in_time(), *drawn.rates(calibration)),
        health=drawn.health(),
        lag=drawn.lag(),
        pool=drawn.pool() if has_pools(cells) else None,
        tables=tables.of_workload(analysis, cells, palette, calibration),
        absent=tuple(Absent(cell.variant, cell_note(cell), _why_absent(cell)) for cell in cells if cell_note(cell)),
    )


def _why_absent(cell: Cell) -> str:
    if cell.error:
        return cell.error
    if cell.without_answer:
        return "a phase without an answer is no measurement, and the other slices do not speak for it; see Slices"
    return "every slice was invalid or failed; see Slices" if cell.slices else ""


def _facts(analysis: Analysis, workload: Workload) -> str:
    profile = analysis.run.profile
    users = profile.users_by_workload.get(workload.name, profile.users)
    waiting = (
        count(workload.queries, "query", "queries") if workload.queries else count(workload.calls, "upstream call")
    )
    drawn = f" in the median (log-normal, sigma {workload.wait_sigma:g})" if workload.wait_sigma else ""
    waits = (
        f"{waiting} of {wording.ms(workload.wait_ms)}{' each' * (workload.waits > 1)}{drawn}"
        if workload.waits and workload.wait_ms
        else "no upstream wait"
    )
    loop = f"closed loops of at least {wording.seconds(profile.capacity_s)}, with up to {count(users, 'user')}"
    return f"{waits}; capacity from {loop}"


class _Drawn:
    """Draws one workload's charts; all of them list the variants in the same order."""

    def __init__(self, analysis: Analysis, workload: str, palette: Palette, cells: tuple[Cell, ...]) -> None:
        self.analysis = analysis
        self.workload = workload
        self.palette = palette
        self.cells = cells
        self.valid = {cell.variant: valid_of(analysis, cell) for cell in cells}

    def capacity(self) -> Chart:
        rows = []
        for cell in self.cells:
            doubtful = [
                capacity_of(slice)
                for slice in measured_slices(self.analysis)
                if standing(slice) == "invalid"
                and (slice.record.spec.variant, slice.record.spec.workload) == (cell.variant, cell.workload)
            ]
            singles = [capacity_of(slice) for slice in self.valid[cell.variant]]
            rows.append(
                charts.CapacityRow(
                    variant=cell.variant,
                    colour=self.palette.css(cell.variant),
                    capacity=cell.capacity,
                    singles=tuple(rps for rps in singles if rps is not None),
                    doubtful=tuple(rps for rps in doubtful if rps is not None),
                    ceiling=cell.ceiling,
                    note=cell_note(cell),
                )
            )
        title = f"Capacity of each variant on {self.workload}"
        return Chart("Capacity", charts.capacity_chart(rows, title))

    def beside(self) -> Chart | None:
        other = beside(self.analysis, self.workload)
        if not other:
            return None
        heading = f"{self.workload} beside {other}: where threads scale"
        return Chart(heading, beside_chart(self.analysis, self.workload, other, self.palette, self.cells))

    def rates(self, calibration: Calibration | None) -> tuple[Chart, ...]:
        drawn = []
        for name, rps in rate_phases(self.cells):
            rows = [
                self._latency_row(cell, phase.response_p50, phase.response_p99, phase)
                if (phase := cell.phases.get(name))
                else self._latency_row(cell, None, None, None)
                for cell in self.cells
            ]
            heading = f"Response time at {wording.number(rps)} requests/s"
            svg = charts.latency_chart(rows, f"{heading} on {self.workload}")
            shown = {50.0: [row.low for row in rows], 99.0: [row.high for row in rows]}
            drawn.append(Chart(f"{heading} ({name})", svg, instrument_line(calibration, rps, shown)))
        return tuple(drawn)

    def in_time(self) -> tuple[Chart, ...]:
        """At each rate, how many of the arrivals were answered right within the deadline of the profile."""
        deadline_ms = self.analysis.run.profile.deadline_ms
        if deadline_ms is None:
            return ()
        drawn = []
        for name, rps in rate_phases(self.cells):
            rows = [self._in_time_row(cell, name) for cell in self.cells]
            heading = f"Answered within {wording.ms(deadline_ms)} at {wording.number(rps)} requests/s"
            svg = charts.capacity_chart(rows, f"{heading} on {self.workload}")
            drawn.append(Chart(f"{heading} ({name})", svg))
        return tuple(drawn)

    def _in_time_row(self, cell: Cell, name: str) -> charts.CapacityRow:
        phase, valid = cell.phases.get(name), self.valid[cell.variant]
        singles = [slice.phases[name].in_time_rps for slice in valid if name in slice.phases]
        return charts.CapacityRow(
            variant=cell.variant,
            colour=self.palette.css(cell.variant),
            capacity=phase.in_time_rps if phase else None,
            singles=tuple(rps for rps in singles if rps is not None),
            note=_short(phase_notes(cell, phase, valid)),
        )

    def _latency_row(
        self, cell: Cell, low: Percentile | None, high: Percentile | None, phase: CellPhase | None
    ) -> charts.LatencyRow:
        note = _short(phase_notes(cell, phase, self.valid[cell.variant]))
        if not note and low is None and high is None:
            note = "too few answers for a percentile"
        return charts.LatencyRow(cell.variant, self.palette.css(cell.variant), low, high, note)

    def health(self) -> Chart:
        rows = []
        for cell in self.cells:
            phase = capacity_of_cell(cell)
            failed = failed_health_share(phase, self.valid[cell.variant]) if phase else None
            note = f"{wording.percent(failed)} of checks not ok" if failed else ""
            found = (phase.health_p50, phase.health_p99) if phase else (None, None)
            if found == (None, None):
                note = note or cell_note(cell) or "too few checks for a percentile"
            rows.append(charts.LatencyRow(cell.variant, self.palette.css(cell.variant), *found, note))
        title = f"Answer time of /health while {self.workload} runs at capacity"
        return Chart(self.workload, charts.latency_chart(rows, title))

    def lag(self) -> Chart:
        rows = []
        for cell in self.cells:
            phase = capacity_of_cell(cell)
            lag = loop_lag(phase, self.valid[cell.variant]) if phase else None
            note = "" if lag else cell_note(cell) or self._why_no_lag(cell)
            rows.append(charts.LatencyRow(cell.variant, self.palette.css(cell.variant), None, lag, note))
        title = f"Event-loop lag while {self.workload} runs at capacity"
        return Chart(self.workload, charts.latency_chart(rows, title, low="", high="p99"))

    def pool(self) -> Chart:
        rows = []
        for cell in self.cells:
            phase = capacity_of_cell(cell)
            wait = pool_wait(phase, self.valid[cell.variant]) if phase else None
            note = "" if wait else cell_note(cell) or "too few connections taken for p99"
            rows.append(charts.LatencyRow(cell.variant, self.palette.css(cell.variant), None, wait, note))
        title = f"Wait for a database connection while {self.workload} runs at capacity"
        return Chart(self.workload, charts.latency_chart(rows, title, low="", high="p99"))

    def _why_no_lag(self, cell: Cell) -> str:
        figures = [figures for slice in self.valid[cell.variant] for figures in slice.phases.values()]
        return "too few ticks for p99" if any(one.probe_lines for one in figures) else "no probe data"


def _short(notes: tuple[str, ...]) -> str:
    """As many of the notes as a chart's row has room for; the table has them all."""
    said = ""
    for note in notes:
        longer = f"{said}, {note}" if said else note
        if said and len(longer) > charts.NOTE_LENGTH:
            break
        said = longer
    return said
