"""A workload's part of the report: its charts, and the tables with every figure behind them."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from harness.analysis.evidence import Analysis, Cell, CellPhase, Percentile, TrialFigures
from harness.model import PhaseKind, Workload
from harness.report import charts, wording
from harness.report.palette import Palette
from harness.report.standing import (
    capacity_of,
    capacity_phase,
    cell_note,
    error_share,
    failed_health_share,
    measured,
    phase_note,
    standing,
    valid_of,
)


@dataclass(frozen=True)
class Figure:
    """A cell of a table: the figure, and beneath it how sure it is."""

    text: str
    beneath: str = ""
    warns: bool = False


@dataclass(frozen=True)
class Row:
    """One strategy in one phase."""

    strategy: str
    colour: str
    note: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Table:
    """One phase."""

    heading: str
    memory: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Chart:
    heading: str
    svg: Markup


@dataclass(frozen=True)
class Absent:
    """A strategy that this workload has no figures of."""

    strategy: str
    status: str
    reason: str


@dataclass(frozen=True)
class WorkloadView:
    anchor: str
    name: str
    title: str
    facts: str
    measured: bool
    capacity: Chart
    rates: tuple[Chart, ...]
    health: Chart
    lag: Chart
    tables: tuple[Table, ...]
    absent: tuple[Absent, ...]


def cells_in_order(analysis: Analysis, workload: str) -> tuple[Cell, ...]:
    """A workload's cells, the highest capacity first, those without one last and by name."""
    cells = [cell for cell in analysis.cells if cell.workload == workload]
    return tuple(sorted(cells, key=lambda cell: (-(cell.capacity.value if cell.capacity else -1.0), cell.strategy)))


def view(analysis: Analysis, workload: Workload, anchor: str, palette: Palette) -> WorkloadView:
    cells = cells_in_order(analysis, workload.name)
    drawn = _Drawn(analysis, workload.name, anchor, palette, cells)
    return WorkloadView(
        anchor=anchor,
        name=workload.name,
        title=workload.title,
        facts=_facts(analysis, workload),
        measured=any(cell.capacity is not None for cell in cells),
        capacity=drawn.capacity(),
        rates=drawn.rates(),
        health=drawn.health(),
        lag=drawn.lag(),
        tables=drawn.tables(),
        absent=tuple(
            Absent(cell.strategy, cell_note(cell), cell.error or "every attempt was invalid or failed; see Trials")
            for cell in cells
            if cell_note(cell)
        ),
    )


def _facts(analysis: Analysis, workload: Workload) -> str:
    profile = analysis.run.profile
    users = profile.users_by_workload.get(workload.name, profile.users)
    waits = (
        f"{wording.count(workload.calls, 'upstream call')} of {wording.ms(workload.wait_ms)} each"
        if workload.calls and workload.wait_ms
        else "no upstream wait"
    )
    loop = f"{wording.count(users, 'user')} in a closed loop for {wording.seconds(profile.capacity_s)}"
    return f"{waits}; capacity with {loop}"


class _Drawn:
    """Draws one workload's charts; all of them list the strategies in the same order."""

    def __init__(
        self, analysis: Analysis, workload: str, anchor: str, palette: Palette, cells: tuple[Cell, ...]
    ) -> None:
        self.analysis = analysis
        self.workload = workload
        self.anchor = anchor
        self.palette = palette
        self.cells = cells
        self.valid = {cell.strategy: valid_of(analysis, cell) for cell in cells}

    def capacity(self) -> Chart:
        rows = []
        for cell in self.cells:
            doubtful = [
                capacity_of(trial)
                for trial in measured(self.analysis)
                if standing(trial) == "invalid"
                and (trial.record.spec.strategy, trial.record.spec.workload) == (cell.strategy, cell.workload)
            ]
            singles = [capacity_of(trial) for trial in self.valid[cell.strategy]]
            rows.append(
                charts.CapacityRow(
                    strategy=cell.strategy,
                    colour=self.palette.stand_in(cell.strategy),
                    capacity=cell.capacity,
                    singles=tuple(rps for rps in singles if rps is not None),
                    doubtful=tuple(rps for rps in doubtful if rps is not None),
                    ceiling=cell.ceiling,
                    note=cell_note(cell),
                )
            )
        title = f"Capacity of each strategy on {self.workload}"
        return Chart("Capacity", charts.capacity(rows, f"{self.anchor}-capacity", title))

    def rates(self) -> tuple[Chart, ...]:
        drawn = []
        for place, (name, rps) in enumerate(self._rate_phases()):
            rows = [
                self._latency_row(cell, phase.response_p50, phase.response_p99, phase)
                if (phase := cell.phases.get(name))
                else self._latency_row(cell, None, None, None)
                for cell in self.cells
            ]
            heading = f"Response time at {wording.number(rps)} requests/s"
            svg = charts.latency(rows, f"{self.anchor}-rate-{place}", f"{heading} on {self.workload}")
            drawn.append(Chart(f"{heading} ({name})", svg))
        return tuple(drawn)

    def _rate_phases(self) -> list[tuple[str, float]]:
        rates = {
            phase.name: phase.offered_rps
            for cell in self.cells
            for phase in cell.phases.values()
            if phase.kind is PhaseKind.RATE and phase.offered_rps is not None
        }
        return sorted(rates.items(), key=lambda item: item[1])

    def _latency_row(
        self, cell: Cell, low: Percentile | None, high: Percentile | None, phase: CellPhase | None
    ) -> charts.LatencyRow:
        note = phase_note(cell, phase, self.valid[cell.strategy])
        if not note and low is None and high is None:
            note = "too few answers for a percentile"
        return charts.LatencyRow(cell.strategy, self.palette.stand_in(cell.strategy), low, high, note)

    def health(self) -> Chart:
        rows = []
        for cell in self.cells:
            phase = capacity_phase(cell)
            failed = failed_health_share(phase, self.valid[cell.strategy]) if phase else None
            note = f"{wording.percent(failed)} of checks failed" if failed else ""
            found = (phase.health_p50, phase.health_p99) if phase else (None, None)
            if found == (None, None):
                note = note or cell_note(cell) or "too few checks for a percentile"
            rows.append(charts.LatencyRow(cell.strategy, self.palette.stand_in(cell.strategy), *found, note))
        title = f"Answer time of /health while {self.workload} runs at capacity"
        return Chart(self.workload, charts.latency(rows, f"{self.anchor}-health", title))

    def lag(self) -> Chart:
        rows = []
        for cell in self.cells:
            phase = capacity_phase(cell)
            lag = self._lag(cell, phase) if phase else None
            note = "" if lag else cell_note(cell) or "no probe data"
            rows.append(charts.LatencyRow(cell.strategy, self.palette.stand_in(cell.strategy), None, lag, note))
        title = f"Event-loop lag while {self.workload} runs at capacity"
        return Chart(self.workload, charts.latency(rows, f"{self.anchor}-lag", title, low="", high="p99"))

    def _lag(self, cell: Cell, phase: CellPhase) -> Percentile | None:
        if phase.loop_lag_p99_ms is None:
            return None
        singles = [
            lag
            for trial in self.valid[cell.strategy]
            if phase.name in trial.phases and (lag := trial.phases[phase.name].loop_lag_p99_ms) is not None
        ]
        return Percentile(
            phase.loop_lag_p99_ms, False, len(singles), min(singles, default=None), max(singles, default=None)
        )

    # ------------------------------------------------------------------------------------------------- tables

    def tables(self) -> tuple[Table, ...]:
        memory = "PSS" if self._has_pss() else "RSS"
        phases = [phase for cell in self.cells if (phase := capacity_phase(cell))]
        names = [(phases[0].name, "Capacity: closed loop")] if phases else []
        names += [
            (name, f"{wording.number(rps)} requests/s offered ({name}): open loop") for name, rps in self._rate_phases()
        ]
        return tuple(
            Table(heading, memory, tuple(self._row(cell, name, memory) for cell in self.cells))
            for name, heading in names
        )

    def _has_pss(self) -> bool:
        return any(p.target_pss_max_bytes is not None for cell in self.cells for p in cell.phases.values())

    def _row(self, cell: Cell, name: str, memory: str) -> Row:
        phase = cell.phases.get(name)
        valid = self.valid[cell.strategy]
        note = phase_note(cell, phase, valid)
        figures = self._figures(cell, phase, valid, memory) if phase else ()
        return Row(cell.strategy, self.palette.css(cell.strategy), note, figures)

    def _figures(
        self, cell: Cell, phase: CellPhase, valid: tuple[TrialFigures, ...], memory: str
    ) -> tuple[Figure, ...]:
        goodput, cpu, cores = phase.goodput_rps, phase.target_cpu_s_per_1000, phase.target_cores
        used = phase.target_pss_max_bytes if memory == "PSS" else phase.target_rss_max_bytes
        failed = failed_health_share(phase, valid)
        share = error_share(phase)
        lag = self._lag(cell, phase)
        return (
            Figure(wording.number(goodput.value if goodput else None), wording.interval(goodput)),
            _percentile(phase.response_p50),
            _percentile(phase.response_p90),
            _percentile(phase.response_p99),
            Figure(wording.percent(share), wording.errors(phase.outcomes) if share else "", warns=bool(share)),
            Figure(wording.number(cpu.value if cpu else None), wording.interval(cpu)),
            Figure(wording.number(cores.value if cores else None), wording.interval(cores)),
            Figure(wording.mib(used)),
            Figure(wording.number(phase.target_threads_max)),
            _percentile(lag),
            Figure(
                wording.percentile(phase.health_p99),
                f"{wording.percent(failed)} failed" if failed else wording.trial_range(phase.health_p99),
                warns=bool(failed),
            ),
            Figure(wording.number(phase.limiter_waiting_max)),
        )


def _percentile(value: Percentile | None) -> Figure:
    return Figure(wording.percentile(value), wording.trial_range(value), warns=value is not None and value.at_least)
