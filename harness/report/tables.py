"""Every figure of a workload, a table a phase, each with how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis.evidence import Analysis, Cell, CellPhase, Percentile, TrialFigures
from harness.report import wording
from harness.report.palette import Palette
from harness.report.standing import (
    capacity_phase,
    cell_note,
    failed_health_share,
    given_up,
    loop_lag,
    phase_notes,
    rate_phases,
    unanswered_share,
    valid_of,
)


@dataclass(frozen=True)
class Figure:
    """A cell of a table: the figure, and beneath it how sure it is."""

    text: str
    beneath: str = ""
    kind: Literal["", "warns", "warns words"] = ""


@dataclass(frozen=True)
class Row:
    """One strategy in one phase."""

    strategy: str
    colour: str
    trials: str
    note: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Table:
    """One phase; `columns` are names with their units, in the order of a row's figures."""

    heading: str
    beneath: str
    columns: tuple[Figure, ...]
    rows: tuple[Row, ...]


def of_workload(analysis: Analysis, cells: Sequence[Cell], palette: Palette) -> tuple[Table, ...]:
    """The capacity phase, then the rates. A cell without a valid trial has no row: it is listed with its reason."""
    shown = [cell for cell in cells if not cell_note(cell)]
    capacities = [phase for cell in shown if (phase := capacity_phase(cell))]
    if not capacities:
        return ()
    memory = "PSS" if any(p.target_pss_max_bytes is not None for c in shown for p in c.phases.values()) else "RSS"
    names = [(capacities[0].name, "Capacity", "closed loop")]
    names += [(name, f"{wording.number(rps)} requests/s", f"open loop, {name}") for name, rps in rate_phases(shown)]
    return tuple(
        Table(
            heading,
            beneath,
            _columns(memory),
            tuple(_row(cell, name, memory, valid_of(analysis, cell), palette) for cell in shown),
        )
        for name, heading, beneath in names
    )


def _columns(memory: str) -> tuple[Figure, ...]:
    """In the order of `_figures`."""
    return (
        Figure("Goodput", "requests/s"),
        Figure("p50", "response"),
        Figure("p90", "response"),
        Figure("p99", "response"),
        Figure("Not ok", "share"),
        Figure("CPU-seconds", "per 1,000 ok"),
        Figure("CPU", "cores"),
        Figure(memory, "largest"),
        Figure("Threads", "most"),
        Figure("Loop lag", "p99"),
        Figure("/health", "p99"),
        Figure("Waiting", "for the limiter"),
    )


def _figures(phase: CellPhase, memory: str, valid: Sequence[TrialFigures]) -> tuple[Figure, ...]:
    goodput, cpu, cores = phase.goodput_rps, phase.target_cpu_s_per_1000, phase.target_cores
    trials = len(valid)
    failed = failed_health_share(phase, valid)
    health = _percentile(phase.health_p99, trials)
    return (
        Figure(wording.number(goodput.value if goodput else None), wording.interval(goodput)),
        _percentile(phase.response_p50, trials),
        _percentile(phase.response_p90, trials),
        _percentile(phase.response_p99, trials),
        Figure(
            wording.percent(unanswered_share(phase)),
            wording.errors(phase.outcomes, given_up(phase, valid)),
            "warns words",
        ),
        Figure(wording.number(cpu.value if cpu else None), wording.interval(cpu)),
        Figure(wording.cores(cores.value if cores else None), wording.interval(cores, wording.cores)),
        _memory(phase, memory),
        Figure(wording.whole(phase.target_threads_max)),
        _percentile(loop_lag(phase, valid), trials),
        Figure(health.text, f"{wording.percent(failed)} failed", "warns") if failed else health,
        Figure(wording.whole(phase.limiter_waiting_max)),
    )


def _memory(phase: CellPhase, memory: str) -> Figure:
    """PSS comes once a second, so a short phase may have none; then RSS, and said so."""
    if memory == "PSS" and phase.target_pss_max_bytes is not None:
        return Figure(wording.mib(phase.target_pss_max_bytes))
    return Figure(wording.mib(phase.target_rss_max_bytes), "RSS" if memory == "PSS" else "")


def _row(cell: Cell, name: str, memory: str, valid: Sequence[TrialFigures], palette: Palette) -> Row:
    phase = cell.phases.get(name)
    trials = wording.count(cell.trials, "trial")
    return Row(
        strategy=cell.strategy,
        colour=palette.css(cell.strategy),
        trials=trials if cell.valid_trials == cell.trials else f"{cell.valid_trials} of {trials} valid",
        note=", ".join(phase_notes(cell, phase, valid)),
        figures=_figures(phase, memory, valid) if phase and phase.goodput_rps else (),
    )


def _percentile(value: Percentile | None, trials: int) -> Figure:
    lower_bound = value is not None and value.at_least
    return Figure(wording.percentile(value), wording.trial_range(value, trials), "warns" if lower_bound else "")
