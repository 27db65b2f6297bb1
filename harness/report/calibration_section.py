"""How exact the load generator was on the run's machine, and the table that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.calibration import calibration_record
from harness.calibration.calibration_record import Calibration
from harness.calibration.calibration_rows import (
    CALIBRATION_COLUMNS,
    CALIBRATION_LEGEND,
    CalibrationRow,
    calibration_rows,
)
from harness.calibration.comparison_record import CrossCheck
from harness.calibration.conditions import conditions_lines
from harness.calibration.uncertainty import (
    latencies_differ,
    plus_minus_range,
    uncertainties_line,
    uncertainty_ms,
    worst_uncertainties_ms,
)
from harness.judging.figures import Percentile
from harness.report.provenance import when
from harness.results.records.text import count
from harness.results.store import Run


@dataclass(frozen=True)
class CalibrationSection:
    """`line`: all of it but the table. `warning` is empty unless it failed or there is none; `rows` when nothing is
    known. `calibration`: what the figures of the page are shown with."""

    line: str
    warning: str
    rows: tuple[CalibrationRow, ...] = ()
    columns: tuple[str, ...] = CALIBRATION_COLUMNS
    legend: str = CALIBRATION_LEGEND
    calibration: Calibration | None = None


def calibration_section(run: Run) -> CalibrationSection:
    """From the calibration that the run took along; measures nothing."""
    calibration, state = calibration_record.adopted(run.path)
    warning = "" if state.kind == "passed" else state.line
    if calibration is None:
        return CalibrationSection(state.line, warning)
    said = [state.line, f"Calibrated {when(calibration.created_epoch_s)}.", *_exactness(calibration)]
    said += _beside(calibration)
    return CalibrationSection(" ".join(said), warning, calibration_rows(calibration), calibration=calibration)


def instrument_line(
    calibration: Calibration | None, rate_rps: float, shown: Mapping[float, Sequence[Percentile | None]]
) -> str:
    """The instrument's own uncertainty of the percentiles that a table or a chart shows: for each percent that of the
    smallest and of the largest figure. Empty when there is none."""
    known: dict[float, list[float]] = {}
    for percent, figures in shown.items():
        for figure in figures:
            own_ms = uncertainty_ms(calibration, percent, rate_rps, figure.value_ms) if figure else None
            if own_ms is not None:
                known.setdefault(percent, []).append(own_ms)
    if not known:
        return ""
    said = ", ".join(f"p{percent:g} {plus_minus_range(values_ms)}" for percent, values_ms in known.items())
    return f"The load generator's own uncertainty on this machine: {said}."


def too_close_line(
    calibration: Calibration | None,
    rate_rps: float,
    shown: Mapping[float, Mapping[str, Percentile | None]],
    baseline: str | None,
) -> str:
    """Whose percentiles are so near the baseline's that the instrument alone could make the difference. `shown`:
    percent -> variant -> its percentile. Lower bounds are not compared. Empty when there are none."""
    said = []
    for percent, by_variant in shown.items():
        base = by_variant.get(baseline or "")
        if base is None or base.at_least:
            continue
        near = [
            variant
            for variant, figure in by_variant.items()
            if variant != baseline
            and figure is not None
            and not figure.at_least
            and latencies_differ(calibration, percent, rate_rps, figure.value_ms, base.value_ms) is False
        ]
        if near:
            said.append(f"p{percent:g} of {', '.join(near)}")
    return f"Not told from {baseline}'s, because the difference is within it: {'; '.join(said)}." if said else ""


def _exactness(calibration: Calibration) -> Iterator[str]:
    if worst := worst_uncertainties_ms(calibration):
        yield f"Its own uncertainty, at worst: {uncertainties_line(worst.items())}."
    yield f"{calibration.allowed_line}."
    if calibration.conditions is not None:
        yield from conditions_lines(calibration.conditions)


def _beside(calibration: Calibration) -> Iterator[str]:
    """How fast it is and what another generator found, where that was measured; each with its own moment."""
    if calibration.throughput:
        rates = ", ".join(f"{speed.generator} {speed.rps:,.0f}" for speed in calibration.throughput)
        yield f"Requests/s from one core, of a fast server: {rates}{_moment(calibration.throughput_epoch_s)}."
    if (check := calibration.cross_check) is not None:
        yield (
            f"The capacity of {check.route} over {check.connections} connections: "
            f"ours {check.ours_rps:,.0f} requests/s, {check.other} "
            f"{check.other_rps:,.0f}, {check.difference} over {count(len(check.ratios), 'pair')} "
            f"of slices{_moment(calibration.cross_check_epoch_s)}; {_judgement(check)}."
        )


def _moment(epoch_s: float | None) -> str:
    return "" if epoch_s is None else f" ({when(epoch_s)})"


def _judgement(check: CrossCheck) -> str:
    if check.passed is None:
        return f"not judged: {check.why_not}"
    return f"{'within' if check.passed else 'not within'} the 5 % allowed"
