"""A calibration as one list of rows, for the terminal and for the report. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.calibration.calibration_record import Calibration
from harness.calibration.case_record import Case, Count, FromSend, QuantileError

_NOTHING = "-"
CALIBRATION_COLUMNS = (
    "by the law",
    "server",
    "ours",
    "FastHttpUser",
    "error",
    "of the rounds",
    "uncertainty",
    "allowed",
)
CALIBRATION_LEGEND = (
    "Times in ms. By the law: by arithmetic. Server: what it did, by its own clock. "
    "Error: ours minus the server's, the median of the rounds. Uncertainty: the next round's error is smaller "
    "than this (95 %), from bias and scatter of the rounds. From the send: what an instrument that does not count the "
    "wait for a free user would show. FastHttpUser: Locust's own user, in its usual closed loop."
)


@dataclass(frozen=True)
class CalibrationRow:
    """`cells`: one for each of CALIBRATION_COLUMNS. `remark`: what ended the case early, in place of a figure."""

    case: str
    what: str
    cells: tuple[str, ...]
    passed: bool
    remark: str = ""


def calibration_rows(calibration: Calibration) -> tuple[CalibrationRow, ...]:
    return tuple(row for case in calibration.cases for row in _rows(case))


def _rows(case: Case) -> Iterator[CalibrationRow]:
    title = f"{case.name}: {case.title}"
    for figure in case.figures:
        yield CalibrationRow(title, f"p{figure.percent:g}", _figure(figure), figure.passed)
    if (sent := case.from_send) is not None:
        yield CalibrationRow(title, f"p{sent.percent:g} from the send", _sent(sent), sent.passed)
    for count in case.counts:
        yield CalibrationRow(title, count.what, _count(count), count.passed)
    if case.error:
        yield CalibrationRow(title, "ended early", (_NOTHING,) * len(CALIBRATION_COLUMNS), False, case.error)


def _figure(figure: QuantileError) -> tuple[str, ...]:
    several = len(figure.errors_ms) > 1
    return (
        _ms(figure.law_ms),
        _ms(figure.did_ms),
        _ms(figure.ours_ms),
        _ms(figure.stock_ms),
        f"{figure.error_ms:+.2f}",
        f"{min(figure.errors_ms):+.2f} to {max(figure.errors_ms):+.2f}" if several else _NOTHING,
        _ms(figure.uncertainty_ms),
        _ms(figure.allowed_ms),
    )


def _sent(sent: FromSend) -> tuple[str, ...]:
    nothing = _NOTHING
    return (nothing, nothing, _ms(sent.service_ms), nothing, nothing, nothing, nothing, f"< {sent.most_ms:.0f}")


def _count(count: Count) -> tuple[str, ...]:
    stock = _NOTHING if count.stock is None else f"{count.stock} of {count.stock_truth}"
    error = f"{count.ours - count.truth:+d}"
    return (_NOTHING, str(count.truth), str(count.ours), stock, error, _NOTHING, _NOTHING, "0")


def _ms(value_ms: float | None) -> str:
    return _NOTHING if value_ms is None else f"{value_ms:.2f}"
