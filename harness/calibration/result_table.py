"""A calibration as text, for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from harness.calibration.calibration_record import (
    FAST_HTTP_USER,
    OURS,
    WRK,
    Calibration,
    Case,
    CrossCheck,
    QuantileError,
    Speed,
)

_NAME_WIDTH = 24
_WIDTHS = (10, 10, 10, 14, 10, 16, 10)


def lines(calibration: Calibration) -> Iterator[str]:
    yield _row("", "law", "server", "ours", "FastHttpUser", "error", "of the rounds", "allowed")
    for case in calibration.cases:
        yield from _case(case)
    if calibration.throughput:
        yield ""
        yield from _speeds(calibration.throughput)
        yield from _earlier(calibration, calibration.throughput_epoch_s, "--throughput")
    if calibration.cross_check is not None:
        yield ""
        yield from _cross_check(calibration.cross_check)
        yield from _earlier(calibration, calibration.cross_check_epoch_s, "--against wrk")
    yield ""
    yield "latencies in ms; law: by arithmetic; server: what it did, by its own clock; error: ours against the server"
    yield "from the send: what an instrument that does not count the wait for a free user would have said"
    if calibration.steal_percent:
        yield f"other tenants took {calibration.steal_percent:.1f} % of the CPU time meanwhile"
    yield calibration_verdict(calibration)


def calibration_verdict(calibration: Calibration) -> str:
    took = f"({calibration.elapsed_s:.0f} s)"
    if calibration.passed:
        return f"calibrated {took}: the instrument is within its bounds on this machine"
    return f"NOT calibrated {took}: {'; '.join(calibration.failures)}"


def _case(case: Case) -> Iterator[str]:
    yield f"{case.law}: {case.title}{f' ({case.note})' if case.note else ''}"
    for figure in case.figures:
        yield _row(
            f"  p{figure.percent:g}",
            _ms(figure.law_ms),
            _ms(figure.did_ms),
            _ms(figure.ours_ms),
            _ms(figure.stock_ms),
            f"{figure.error_ms:+.2f}",
            _spread(figure),
            "-" if figure.allowed_ms is None else f"{figure.allowed_ms:.2f}",
            "" if figure.passed else "FAILED",
        )
    if (sent := case.from_send) is not None:
        yield _row(
            f"  p{sent.percent:g} from the send",
            "-",
            "-",
            _ms(sent.service_ms),
            "-",
            "-",
            "-",
            f"< {sent.most_ms:.0f}",
            "" if sent.passed else "FAILED",
        )
    for count in case.counts:
        stock = "-" if count.stock is None else f"{count.stock} of {count.stock_truth}"
        yield _row(
            f"  {count.what}",
            "-",
            str(count.truth),
            str(count.ours),
            stock,
            f"{count.ours - count.truth:+d}",
            "-",
            "0",
            "" if count.passed else "FAILED",
        )


def _spread(figure: QuantileError) -> str:
    """The least and the largest error of the rounds."""
    if len(figure.errors_ms) == 1:
        return "-"
    return f"{min(figure.errors_ms):+.2f} to {max(figure.errors_ms):+.2f}"


def _speeds(speeds: Sequence[Speed]) -> Iterator[str]:
    by_name = {speed.generator: speed.rps for speed in speeds}
    yield _row("one core, fast server", "requests/s", "x Fast", "x wrk")
    for speed in speeds:
        of_wrk = f"{speed.rps / by_name[WRK]:.2f}" if WRK in by_name else "-"
        yield _row(f"  {speed.generator}", f"{speed.rps:,.0f}", f"{speed.rps / by_name[FAST_HTTP_USER]:.2f}", of_wrk)
    if WRK not in by_name:
        yield "  wrk is not installed"
    slices = next(speed.slices_rps for speed in speeds if speed.generator == OURS)
    yield f"  median of {len(slices)} alternating slices; ours: {', '.join(f'{rps:,.0f}' for rps in slices)}"


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


def _ms(value_ms: float | None) -> str:
    return "-" if value_ms is None else f"{value_ms:.2f}"


def _row(name: str, *cells: str) -> str:
    """As many columns as there are cells; one too many is a remark."""
    columns = [f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=False)]
    return f"{name:<{_NAME_WIDTH}}{''.join(columns)}  {''.join(cells[len(_WIDTHS) :])}".rstrip()
