"""Whether the load generator was proven on the run's machine, and the table that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.calibration import calibration_record
from harness.calibration.calibration_record import Calibration, Case, CrossCheck, QuantileError
from harness.report import wording
from harness.report.provenance import when
from harness.results.store import Run


@dataclass(frozen=True)
class CalibrationRow:
    case: str
    what: str
    truth: str
    ours: str
    stock: str
    error: str
    allowed: str
    passed: bool


@dataclass(frozen=True)
class CalibrationSection:
    """`line`: all of it but the table. `warning` is empty when it was proven; `rows` when nothing is known."""

    line: str
    warning: str
    rows: tuple[CalibrationRow, ...] = ()


def calibration_section(run: Run) -> CalibrationSection:
    """From the calibration that the run took along; measures nothing."""
    calibration, standing = calibration_record.adopted(run.path)
    warning = "" if standing.kind == "passed" else standing.line
    if calibration is None:
        return CalibrationSection(standing.line, warning)
    rows = tuple(row for case in calibration.cases for row in _rows(case))
    said = [standing.line, f"Calibrated {when(calibration.created_epoch_s)}.", *_beside(calibration)]
    return CalibrationSection(" ".join(said), warning, rows)


def _beside(calibration: Calibration) -> Iterator[str]:
    """How fast it is and what another generator found, where that was measured; each with its own moment."""
    if calibration.throughput:
        rates = ", ".join(f"{speed.generator} {speed.rps:,.0f}" for speed in calibration.throughput)
        yield f"Requests/s from one core, of a fast server: {rates}{_moment(calibration.throughput_epoch_s)}."
    if (check := calibration.cross_check) is not None:
        yield (
            f"The capacity of {check.route} over {check.connections} connections: "
            f"ours {check.ours_rps:,.0f} requests/s, {check.other} "
            f"{check.other_rps:,.0f}, {check.difference} over {wording.count(len(check.ratios), 'pair')} "
            f"of slices{_moment(calibration.cross_check_epoch_s)}; {_judgement(check)}."
        )


def _moment(epoch_s: float | None) -> str:
    return "" if epoch_s is None else f" ({when(epoch_s)})"


def _judgement(check: CrossCheck) -> str:
    if check.passed is None:
        return f"not judged: {check.why_not}"
    return f"{'within' if check.passed else 'not within'} the 5 % allowed"


def _rows(case: Case) -> list[CalibrationRow]:
    title = f"{case.law}: {case.title}"
    figures = [
        CalibrationRow(
            case=title,
            what=f"p{figure.percent:g}",
            truth=wording.ms(figure.did_ms),
            ours=wording.ms(figure.ours_ms),
            stock=wording.ms(figure.stock_ms) if figure.stock_ms is not None else wording.NOTHING,
            error=_error(figure),
            allowed=wording.NOTHING if figure.allowed_ms is None else f"{figure.allowed_ms:.2f} ms",
            passed=figure.passed,
        )
        for figure in case.figures
    ]
    counts = [
        CalibrationRow(
            case=title,
            what=count.what,
            truth=wording.whole(count.truth),
            ours=wording.whole(count.ours),
            stock=wording.NOTHING if count.stock is None else f"{count.stock} of {count.stock_truth}",
            error=f"{count.ours - count.truth:+d}",
            allowed="0",
            passed=count.passed,
        )
        for count in case.counts
    ]
    sent = case.from_send
    hidden = (
        []
        if sent is None
        else [
            CalibrationRow(
                case=title,
                what=f"p{sent.percent:g} from the send",
                truth=wording.NOTHING,
                ours=wording.ms(sent.service_ms),
                stock=wording.NOTHING,
                error=wording.NOTHING,
                allowed=f"< {sent.most_ms:.0f} ms",
                passed=sent.passed,
            )
        ]
    )
    return figures + hidden + counts


def _error(figure: QuantileError) -> str:
    """The median, and where there are several rounds the least and the largest of theirs."""
    error = f"{figure.error_ms:+.2f} ms"
    if len(figure.errors_ms) == 1:
        return error
    return f"{error} ({min(figure.errors_ms):+.2f} to {max(figure.errors_ms):+.2f})"
