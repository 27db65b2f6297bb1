"""A calibration as text, for a terminal. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from harness.calibration.calibration_record import Calibration
from harness.calibration.calibration_rows import CALIBRATION_COLUMNS, CALIBRATION_LEGEND, calibration_rows
from harness.calibration.comparison_record import FAST_HTTP_USER, OURS, WRK, CrossCheck, Speed
from harness.calibration.conditions import conditions_lines
from harness.calibration.uncertainty import uncertainties_line, worst_uncertainties_ms

_NAME_WIDTH = 22
_WIDTHS = (12, 10, 10, 14, 8, 18, 13, 9)
_LINE_WIDTH = 118


def lines(calibration: Calibration) -> Iterator[str]:
    yield _row("", *CALIBRATION_COLUMNS)
    case = ""
    for row in calibration_rows(calibration):
        if row.case != case:
            case = row.case
            yield case
        if row.remark:
            yield f"  {row.what}: {row.remark}"
        else:
            yield _row(f"  {row.what}", *row.cells, "" if row.passed else "FAILED")
    if calibration.throughput:
        yield ""
        yield from _speeds(calibration.throughput)
        yield from _earlier(calibration, calibration.throughput_epoch_s, "--throughput")
    if calibration.cross_check is not None:
        yield ""
        yield from _cross_check(calibration.cross_check)
        yield from _earlier(calibration, calibration.cross_check_epoch_s, "--against wrk")
    yield ""
    yield from textwrap.wrap(CALIBRATION_LEGEND, _LINE_WIDTH)
    if calibration.conditions is not None:
        yield ""
        for line in conditions_lines(calibration.conditions):
            yield from textwrap.wrap(line, _LINE_WIDTH)
    yield ""
    yield from calibration_verdict(calibration)


def calibration_verdict(calibration: Calibration) -> Iterator[str]:
    """How exact it is, and what failed: a line each."""
    if worst := worst_uncertainties_ms(calibration):
        yield f"the load generator's own uncertainty on this machine, at worst: {uncertainties_line(worst.items())}"
    yield calibration.allowed_line
    for failure in calibration.failures:
        yield f"FAILED: {failure}"
    yield f"{'calibrated' if calibration.passed else 'NOT calibrated'} ({calibration.elapsed_s:.0f} s)"


def _speeds(speeds: Sequence[Speed]) -> Iterator[str]:
    by_name = {speed.generator: speed.rps for speed in speeds}
    yield _row("one core, fast server", "requests/s", "x Fast", "x wrk")
    for speed in speeds:
        of_others = [f"{speed.rps / by_name[name]:.2f}" if name in by_name else "-" for name in (FAST_HTTP_USER, WRK)]
        yield _row(f"  {speed.generator}", f"{speed.rps:,.0f}", *of_others)
    if WRK not in by_name:
        yield "  wrk was not measured"
    turns = next((speed.slices_rps for speed in speeds if speed.generator == OURS), ())
    yield f"  median of {len(turns)} turns; ours: {', '.join(f'{rps:,.0f}' for rps in turns)}"


def _earlier(calibration: Calibration, measured_epoch_s: float | None, option: str) -> Iterator[str]:
    if measured_epoch_s is not None and measured_epoch_s != calibration.created_epoch_s:
        moment = datetime.fromtimestamp(measured_epoch_s, UTC)
        yield f"  kept from {moment:%Y-%m-%d %H:%M} UTC, the same machine and instrument; {option} measures it again"


def _cross_check(check: CrossCheck) -> Iterator[str]:
    yield (
        f"{check.route}, {check.connections} connections: "
        f"ours {check.ours_rps:,.0f} requests/s, {check.other} {check.other_rps:,.0f}: "
        f"{check.difference}, median of {len(check.ratios)} pairs; {_judgement(check)}"
    )
    yield (
        f"  cores: server {check.server_cores:.2f} under ours, {check.other_server_cores:.2f} under {check.other}; "
        f"ours itself {check.generator_cores:.2f}, {check.other} itself {check.other_generator_cores:.2f}"
    )


def _judgement(check: CrossCheck) -> str:
    if check.passed is None:
        return f"not judged: {check.why_not}"
    return "within 5 %" if check.passed else "NOT within 5 %"


def _row(name: str, *cells: str) -> str:
    """As many columns as there are cells; one too many is a remark."""
    columns = [f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=False)]
    return f"{name:<{_NAME_WIDTH}}{''.join(columns)}  {''.join(cells[len(_WIDTHS) :])}".rstrip()
