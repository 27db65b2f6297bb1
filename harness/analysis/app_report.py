"""Everything that `bench app` says of an app: what `--json` prints, and what all else is made of. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from harness.analysis.app_check import AppCheck, CheckedRoute
from harness.analysis.app_failures import AppFailure, app_failures
from harness.analysis.blocking_lines import BlockingLine
from harness.analysis.evidence import Analysis
from harness.analysis.measured_remedies import MeasuredRemedy, measured_remedies
from harness.judging.estimate import Estimate
from harness.judging.figures import Percentile
from harness.results.records.app_record import AppRecord


class ReportedRoute(CheckedRoute, frozen=True):
    """`failed`: the lines of the gate that are about it."""

    remedies: tuple[MeasuredRemedy, ...] = ()
    failed: tuple[str, ...] = ()


class RouteLoad(Struct, frozen=True, kw_only=True):
    """A route under load, as one variant answered it. `rate_rps`: the arrivals per second of an open loop; None: a
    closed loop, in which users ask again as soon as they are answered. `answered_rps`: right answers per second."""

    route: str
    workload: str
    variant: str
    phase: str
    rate_rps: float | None
    answered_rps: Estimate | None
    response_p50: Percentile | None
    response_p99: Percentile | None
    health_p99: Percentile | None


class AppReport(Struct, frozen=True, kw_only=True):
    """`findings` are all of them: also those that no route is to blame for. `under_load`: whether it was measured under
    load, which is in `load`. `gate`: what failed, one line each."""

    app: str
    folder: str
    python: str
    routes: tuple[ReportedRoute, ...]
    findings: tuple[BlockingLine, ...]
    remedies: tuple[MeasuredRemedy, ...]
    under_load: bool
    load: tuple[RouteLoad, ...]
    max_blocked_ms: float | None
    max_p99_ms: float | None
    at_rps: float | None
    gate: tuple[str, ...]

    @property
    def worst_first(self) -> list[ReportedRoute]:
        """The routes, those that block for longest first, and last those of which no request was seen to its end."""
        return sorted(self.routes, key=lambda route: (route.service_ms is None, -route.blocks_ms))


def app_report(record: AppRecord, check: AppCheck, analysis: Analysis | None) -> AppReport:
    """`analysis`: of the run in which it was measured under load; None where that was not done."""
    remedies = measured_remedies(record, analysis)
    failures = app_failures(record, check, analysis)
    return AppReport(
        app=record.app,
        folder=record.folder,
        python=record.python,
        routes=tuple(_route(route, remedies, failures) for route in check.routes),
        findings=check.findings,
        remedies=remedies,
        under_load=analysis is not None,
        load=tuple(_load(record, analysis)),
        max_blocked_ms=record.max_blocked_ms,
        max_p99_ms=record.max_p99_ms,
        at_rps=record.at_rps,
        gate=tuple(failure.line for failure in failures),
    )


def _route(route: CheckedRoute, remedies: tuple[MeasuredRemedy, ...], failures: list[AppFailure]) -> ReportedRoute:
    return ReportedRoute(
        **msgspec.structs.asdict(route),
        remedies=tuple(remedy for remedy in remedies if remedy.route == route.name),
        failed=tuple(failure.line for failure in failures if failure.route == route.name),
    )


def _load(record: AppRecord, analysis: Analysis | None) -> Iterator[RouteLoad]:
    for cell in analysis.cells if analysis is not None else ():
        if cell.workload not in record.workloads:
            continue
        for phase in cell.phases.values():
            yield RouteLoad(
                route=record.workloads[cell.workload],
                workload=cell.workload,
                variant=cell.variant,
                phase=phase.name,
                rate_rps=phase.offered_rps,
                answered_rps=phase.goodput_rps,
                response_p50=phase.response_p50,
                response_p99=phase.response_p99,
                health_p99=phase.health_p99,
            )
