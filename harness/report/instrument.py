"""Whether the load generator was proven on the run's machine, and the table that shows it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.calibration import record
from harness.calibration.record import Case, Figure
from harness.report import wording
from harness.report.about import when
from harness.store import Run


@dataclass(frozen=True)
class Row:
    case: str
    what: str
    truth: str
    ours: str
    stock: str
    error: str
    allowed: str
    passed: bool


@dataclass(frozen=True)
class Instrument:
    """`warning` is empty when it was proven; `rows` are empty when nothing is known."""

    line: str
    warning: str
    rows: tuple[Row, ...] = ()


def instrument(run: Run) -> Instrument:
    """From the calibration that the run took along; measures nothing."""
    calibration, standing = record.adopted(run.path)
    warning = "" if standing.kind == "passed" else standing.line
    if calibration is None:
        return Instrument(standing.line, warning)
    rows = tuple(row for case in calibration.cases for row in _rows(case))
    return Instrument(f"{standing.line} Calibrated {when(calibration.created_epoch_s)}.", warning, rows)


def _rows(case: Case) -> list[Row]:
    title = f"{case.law}: {case.title}"
    figures = [
        Row(
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
        Row(
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
            Row(
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


def _error(figure: Figure) -> str:
    """The median, and where there are several rounds the least and the largest of theirs."""
    error = f"{figure.error_ms:+.2f} ms"
    if len(figure.errors_ms) == 1:
        return error
    return f"{error} ({min(figure.errors_ms):+.2f} to {max(figure.errors_ms):+.2f})"
