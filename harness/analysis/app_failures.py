"""What of an app is above the limits of the gate (`--max-blocked`, `--max-p99`, `--at`). Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from harness.analysis.app_check import AppCheck, CheckedRoute
from harness.analysis.evidence import Analysis, CellPhase
from harness.analysis.measured_remedies import cell_of, missing_of
from harness.results.records.app_record import ALL_ROUTES, AS_IS, AppRecord
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.records.text import count, printable

_P99_SHARE = 0.01  # with more requests than this without a right answer, 99 % of them were not answered in any time


class AppFailure(NamedTuple):
    """`route`: as "GET /slow", or what else it is about."""

    route: str
    line: str


def app_failures(record: AppRecord, check: AppCheck, analysis: Analysis | None) -> list[AppFailure]:
    """One line each, the routes in the order in which they were asked."""
    found = [*_blocked(record, check), *_too_slow(record, check, analysis)]
    return [AppFailure(each.route, printable(each.line)) for each in found]


def _blocked(record: AppRecord, check: AppCheck) -> Iterator[AppFailure]:
    limit_ms = record.max_blocked_ms
    if limit_ms is None:
        return
    for route in check.routes:
        if (route.blocked_ms or 0.0) > limit_ms:
            where = _lines(route, record.folder) or "no line of the app"
            said = f"{route.name}: blocked for {route.blocked_ms:g} ms, above {limit_ms:g} ms: {where}"
            yield AppFailure(route.name, said)
        for line in route.findings if (route.blocked_ms or 0.0) <= limit_ms else ():
            if (under_load_ms := line.under_load_ms or 0.0) > limit_ms:
                said = f"{route.name}: blocked for {under_load_ms:g} ms under load, above {limit_ms:g} ms"
                yield AppFailure(route.name, f"{said}: {line.place(record.folder)}")
        if route.asked and route.blocked_ms is None:
            said = f"{route.name}: for how long it blocks is not known: {route.reason or 'it was not seen to its end'}"
            yield AppFailure(route.name, said)
    for line in check.findings:
        if line.route is None and line.where != "startup" and line.ms > limit_ms:
            under_load = " under load" if line.under_load else ""
            said = f"no route: blocked for {line.ms:g} ms{under_load}, above {limit_ms:g} ms"
            yield AppFailure("no route", f"{said}: {line.place(record.folder)}")
    if not any(route.asked for route in check.routes):
        yield AppFailure(ALL_ROUTES, f"{ALL_ROUTES}: for how long they block is not known: none was asked")


def _too_slow(record: AppRecord, check: AppCheck, analysis: Analysis | None) -> Iterator[AppFailure]:
    limit_ms, rate_rps = record.max_p99_ms, record.at_rps
    if rate_rps is None:
        if limit_ms is not None:
            yield AppFailure(ALL_ROUTES, f"{ALL_ROUTES}: there is no p99, since no rate was named (--at)")
        return
    # The rate is one of the whole app, where the whole app was asked.
    workloads = {name: route for name, route in record.workloads.items() if route == ALL_ROUTES} or record.workloads
    if not workloads:
        yield AppFailure(
            ALL_ROUTES, f"{ALL_ROUTES} at {rate_rps:g}/s: there is no p99: nothing was measured under load"
        )
    for workload, route in workloads.items():
        about = f"{route} at {rate_rps:g}/s"
        phase = _phase_at(analysis, workload, rate_rps)
        if phase is None:
            missing = missing_of(cell_of(analysis, workload, AS_IS)) or "was not asked at this rate"
            yield AppFailure(route, f"{about}: there is no p99: the app {missing}")
            continue
        blocks = _worst(check, None if route == ALL_ROUTES else route, record.folder)
        for said in _of_phase(phase, limit_ms):
            yield AppFailure(route, f"{about}: {said}{f'; {blocks}' if blocks else ''}")


def _phase_at(analysis: Analysis | None, workload: str, rate_rps: float) -> CellPhase | None:
    cell = cell_of(analysis, workload, AS_IS)
    return next(
        (
            phase
            for phase in (cell.phases.values() if cell is not None else ())
            if phase.kind is PhaseKind.RATE
            and phase.offered_rps is not None
            and math.isclose(phase.offered_rps, rate_rps, rel_tol=0.01)
        ),
        None,
    )


def _of_phase(phase: CellPhase, limit_ms: float | None) -> Iterator[str]:
    slices = sum(phase.statuses.values())
    for status, did in (
        (PhaseStatus.SKIPPED, "it was skipped, since the app had choked before"),
        (PhaseStatus.CHOKED, "the app choked"),
        (PhaseStatus.FAILED, "it failed"),
    ):
        if many := phase.statuses.get(status, 0):
            yield f"in {many} of {count(slices, 'slice')} {did}"
    behind = phase.overloaded - phase.statuses.get(PhaseStatus.SKIPPED, 0) - phase.statuses.get(PhaseStatus.CHOKED, 0)
    if behind > 0:
        yield f"in {behind} of {count(slices, 'slice')} the app did not keep up"
    asked = sum(phase.outcomes.values())
    not_ok = asked - phase.outcomes.get(Outcome.OK, 0)
    if not_ok > _P99_SHARE * asked:
        yield f"{not_ok:,} of {count(asked, 'request')} got no right answer"
    if limit_ms is None:
        return
    if phase.response_p99 is None:
        yield "there is no p99: it needs 100 answers"
    elif phase.response_p99.value_ms > limit_ms:
        least = "at least " if phase.response_p99.at_least else ""
        yield f"p99 {least}{_above(phase.response_p99.value_ms, limit_ms)} ms, above {limit_ms:g} ms"
    elif phase.response_p99.at_least:
        yield f"p99 at least {round(phase.response_p99.value_ms, 1):g} ms, so it may be above {limit_ms:g} ms"


def _above(value_ms: float, limit_ms: float) -> str:
    """In as many digits as it takes to see that it is above."""
    said = (f"{value_ms:.{digits}f}" for digits in range(0 if value_ms >= 100 else 1, 7))
    return next((each for each in said if float(each) > limit_ms), repr(value_ms))


def _worst(check: AppCheck, name: str | None, folder: str) -> str:
    """The route that blocks for longest, or that one, and its lines; empty when none blocks."""
    blocking = [route for route in check.routes if route.findings and name in (None, route.name)]
    if not blocking:
        return ""
    route = max(blocking, key=lambda each: each.blocks_ms)
    return f"{route.name} blocks the loop for {route.blocks_ms:g} ms: {_lines(route, folder)}"


def _lines(route: CheckedRoute, folder: str) -> str:
    return ", ".join(line.place(folder) for line in route.findings)
