"""Every figure of a workload, a table for each phase; with each figure, how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis.evidence import Analysis, Cell, CellPhase
from harness.calibration.calibration_record import Calibration
from harness.judging.figures import Percentile, SliceFigures
from harness.report import wording
from harness.report.calibration_section import instrument_line, too_close_line
from harness.report.palette import Palette
from harness.report.standing import (
    capacity_of_cell,
    cell_note,
    failed_health_share,
    given_up,
    has_pools,
    loop_lag,
    phase_notes,
    pool_wait,
    rate_phases,
    unanswered_share,
    valid_of,
)
from harness.results.records.text import count


@dataclass(frozen=True)
class TableFigure:
    """A cell of a table: the figure, and beneath it how sure it is."""

    text: str
    beneath: str = ""
    kind: Literal["", "warns", "words", "warns words"] = ""


@dataclass(frozen=True)
class TableRow:
    """One variant in one phase."""

    variant: str
    colour: str
    slices: str
    note: str
    figures: tuple[TableFigure, ...]


@dataclass(frozen=True)
class Table:
    """One phase; `columns` are names with their units, in the order of a row's figures. `instrument`: how exact the
    load generator was at this rate."""

    heading: str
    beneath: str
    columns: tuple[TableFigure, ...]
    rows: tuple[TableRow, ...]
    instrument: str = ""


@dataclass(frozen=True)
class OptionalFigures:
    """What a table shows only where there is something to show. `deadline_ms`: the profile's, in an open loop;
    `has_pool`: somebody took database connections from a pool."""

    deadline_ms: float | None
    has_pool: bool


def of_workload(
    analysis: Analysis, cells: Sequence[Cell], palette: Palette, calibration: Calibration | None = None
) -> tuple[Table, ...]:
    """The capacity phase, then the rates. A cell without a valid slice has no row: it is listed with its reason."""
    shown = [cell for cell in cells if not cell_note(cell)]
    capacities = [phase for cell in shown if (phase := capacity_of_cell(cell))]
    if not capacities:
        return ()
    memory = "PSS" if any(p.target_pss_max_bytes is not None for c in shown for p in c.phases.values()) else "RSS"
    closed = OptionalFigures(None, has_pools(shown))
    opened = OptionalFigures(analysis.run.profile.deadline_ms, closed.has_pool)
    names = [(capacities[0].name, "Capacity", "closed loop", "", closed)]
    for name, rps in rate_phases(shown):
        phases = {cell.variant: cell.phases[name] for cell in shown if name in cell.phases}
        exact = _instrument(calibration, rps, phases, analysis.run.baseline)
        names.append((name, f"{wording.number(rps)} requests/s", f"open loop, {name}", exact, opened))
    return tuple(
        Table(
            heading,
            beneath,
            _columns(memory, optional),
            tuple(_row(cell, name, memory, valid_of(analysis, cell), palette, optional) for cell in shown),
            exact,
        )
        for name, heading, beneath, exact, optional in names
    )


def _instrument(
    calibration: Calibration | None, rate_rps: float, phases: Mapping[str, CellPhase], baseline: str | None
) -> str:
    """Of the percentiles in the table. Closed loops have none: the instrument was calibrated in open loops."""
    shown = {
        50.0: {variant: phase.response_p50 for variant, phase in phases.items()},
        90.0: {variant: phase.response_p90 for variant, phase in phases.items()},
        99.0: {variant: phase.response_p99 for variant, phase in phases.items()},
    }
    exact = instrument_line(calibration, rate_rps, {percent: list(each.values()) for percent, each in shown.items()})
    return " ".join(filter(None, [exact, too_close_line(calibration, rate_rps, shown, baseline)]))


def _columns(memory: str, optional: OptionalFigures) -> tuple[TableFigure, ...]:
    """In the order of `_figures`."""
    in_time = TableFigure("In time", f"within {wording.ms(optional.deadline_ms)}") if optional.deadline_ms else None
    of_pool = (TableFigure("Connection", "wait, p99"), TableFigure("Waiting", "for a connection"))
    return (
        TableFigure("Goodput", "requests/s"),
        *((in_time,) if in_time else ()),
        TableFigure("p50", "response"),
        TableFigure("p90", "response"),
        TableFigure("p99", "response"),
        TableFigure("Not ok", "share"),
        TableFigure("CPU-seconds", "per 1,000 ok"),
        TableFigure("CPU", "cores"),
        TableFigure("Idle", "cores"),
        TableFigure(memory, "largest"),
        TableFigure("Threads", "most"),
        TableFigure("Loop lag", "p99"),
        *(of_pool if optional.has_pool else ()),
        TableFigure("/health", "p99"),
        TableFigure("Waiting", "for the limiter"),
    )


def _figures(
    cell: Cell, phase: CellPhase, memory: str, valid: Sequence[SliceFigures], optional: OptionalFigures
) -> tuple[TableFigure, ...]:
    goodput, cpu, cores = phase.goodput_rps, phase.target_cpu_s_per_1000, phase.target_cores
    slices = sum(phase.name in slice.phases for slice in valid)
    failed = failed_health_share(phase, valid)
    health = _percentile(phase.health_p99, slices)
    of_pool = (_percentile(pool_wait(phase, valid), slices), TableFigure(wording.whole(phase.pool_waiting_max)))
    return (
        TableFigure(wording.number(goodput.value if goodput else None), wording.interval(goodput)),
        *((_in_time(phase),) if optional.deadline_ms else ()),
        _percentile(phase.response_p50, slices),
        _percentile(phase.response_p90, slices),
        _percentile(phase.response_p99, slices),
        TableFigure(
            wording.percent(unanswered_share(phase)),
            wording.not_ok(phase.outcomes, given_up(phase, valid)),
            "warns words",
        ),
        TableFigure(wording.number(cpu.value if cpu else None), wording.interval(cpu)),
        TableFigure(wording.cores(cores.value if cores else None), wording.interval(cores, wording.cores)),
        TableFigure(wording.cores(cell.idle_cores)),
        _memory(phase, memory),
        TableFigure(wording.whole(phase.target_threads_max)),
        _percentile(loop_lag(phase, valid), slices),
        *(of_pool if optional.has_pool else ()),
        TableFigure(health.text, f"{wording.percent(failed)} not ok", "warns") if failed else health,
        TableFigure(wording.whole(phase.limiter_waiting_max)),
    )


def _in_time(phase: CellPhase) -> TableFigure:
    """Requests/s, and beneath it how much that is of what arrived."""
    if phase.in_time_rps is None:
        return TableFigure(wording.NOTHING)
    beneath = f"{wording.interval(phase.in_time_rps)} {wording.percent(phase.in_time_share)} of arrivals"
    return TableFigure(wording.number(phase.in_time_rps.value), beneath, "words")


def _memory(phase: CellPhase, memory: str) -> TableFigure:
    """PSS is read at most once a second, so a short phase may have none; then it is RSS, and the table says so."""
    if memory == "PSS" and phase.target_pss_max_bytes is not None:
        return TableFigure(wording.mib(phase.target_pss_max_bytes))
    return TableFigure(
        wording.mib(phase.target_rss_max_bytes), "RSS" if memory == "PSS" and phase.target_rss_max_bytes else ""
    )


def _row(
    cell: Cell, name: str, memory: str, valid: Sequence[SliceFigures], palette: Palette, optional: OptionalFigures
) -> TableRow:
    phase = cell.phases.get(name)
    slices = count(cell.slices, "slice")
    return TableRow(
        variant=cell.variant,
        colour=palette.css(cell.variant),
        slices=slices if cell.valid_slices == cell.slices else f"{cell.valid_slices} of {slices} valid",
        note=", ".join(phase_notes(cell, phase, valid)),
        figures=_figures(cell, phase, memory, valid, optional) if phase and _has_figures(phase) else (),
    )


def _has_figures(phase: CellPhase) -> bool:
    """A phase that was skipped in some slices has no goodput, but bounds of its percentiles."""
    return phase.goodput_rps is not None or phase.response_p50 is not None


def _percentile(value: Percentile | None, slices: int) -> TableFigure:
    lower_bound = value is not None and value.at_least
    return TableFigure(wording.percentile(value), wording.slice_range(value, slices), "warns" if lower_bound else "")
