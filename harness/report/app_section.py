"""What the page says of somebody's own app: its routes, the lines that block with their source, the remedies. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.analysis.app_report import AppReport, ReportedRoute, RouteLoad
from harness.analysis.blocking_lines import BlockingLine
from harness.analysis.measured_remedies import MeasuredRemedy
from harness.analysis.remedy_ranking import ranked_remedies, unmeasured_remedies
from harness.report import wording
from harness.report.app_words import code_lines, code_parts, what_it_does
from harness.report.verdicts import VerdictBadge, capacity_badge
from harness.results.records.app_record import ALL_ROUTES, AS_IS
from harness.results.records.text import count, printable

_BEFORE = 3  # lines of source around the one that blocks
_AFTER = 2
_LONGEST = 200
_WHERE = {
    "endpoint": "in the endpoint",
    "dependency": "in a dependency",
    "middleware": "in a middleware",
    "background": "in a background task",
    "generator": "in the generator of a response",
    "startup": "at the startup",
    "other": "in none of the endpoint, its dependencies, middleware and background tasks",
}
Words = list[tuple[bool, str]]  # each part, and whether it is code


@dataclass(frozen=True)
class AppRouteRow:
    """`figures`: time, blocked, in threads and CPU of one request; empty where `note` says why there are none."""

    route: str
    kind: str
    figures: tuple[str, ...]
    note: Words
    blocks: bool


@dataclass(frozen=True)
class RouteLoadRow:
    route: str
    load: str
    answered: str
    answered_interval: str
    times: tuple[str, ...]  # response p50 and p99, `/health` p99


@dataclass(frozen=True)
class SourceLine:
    number: int
    text: str
    is_blocking: bool


@dataclass(frozen=True)
class BlockingRow:
    """`source` is empty where `missing` says why it cannot be shown."""

    place: str
    does: str
    where: str
    route: str
    source: tuple[SourceLine, ...]
    missing: str


@dataclass(frozen=True)
class RemedyRow:
    """`is_best`: of its route, among the remedies that are the same but for what comes on top."""

    route: str
    title: Words
    gain: str
    interval: str
    verdict: VerdictBadge
    health: str
    change: tuple[str, ...]
    is_best: bool


@dataclass(frozen=True)
class UnmeasuredRow:
    route: str
    title: Words
    status: str
    reason: Words


@dataclass(frozen=True)
class AppSection:
    name: str
    folder: str
    python: str
    failed: tuple[str, ...]
    routes: tuple[AppRouteRow, ...]
    not_asked: tuple[AppRouteRow, ...]
    load: tuple[RouteLoadRow, ...]
    blocking: tuple[BlockingRow, ...]
    under_load: bool
    remedies: tuple[RemedyRow, ...]
    unmeasured: tuple[UnmeasuredRow, ...]
    all_routes: str = ALL_ROUTES


def app_section(report: AppReport, sources: Mapping[str, str]) -> AppSection:
    """`sources` by the file's name; empty where it could not be read."""
    return AppSection(
        name=printable(report.app),
        folder=printable(report.folder),
        python=printable(report.python),
        failed=report.gate,
        routes=tuple(_route(route) for route in report.worst_first if route.asked),
        not_asked=tuple(_route(route) for route in report.routes if not route.asked),
        load=tuple(_load(load) for load in report.load if load.variant == AS_IS),
        blocking=tuple(_blocking(line, report.folder, sources) for line in report.findings),
        under_load=report.under_load,
        remedies=tuple(_remedies(report)),
        unmeasured=tuple(_unmeasured(remedy) for remedy in unmeasured_remedies(report.remedies)),
    )


def _route(route: ReportedRoute) -> AppRouteRow:
    times = (route.service_ms, route.blocked_ms, route.thread_ms, route.cpu_ms)
    is_seen = route.service_ms is not None
    note = route.reason or (f"answered {route.status}" if route.status >= 400 or not is_seen else "")
    if route.findings and not route.blocks_alone:
        note = f"{note}{note and ', '}blocks the loop under load"
    return AppRouteRow(
        route=printable(route.name),
        kind=printable(", ".join(filter(None, [route.kind or "", _takes_threads(route)]))),
        figures=tuple(wording.ms(time_ms) for time_ms in times) if is_seen else (),
        note=code_parts(note),
        blocks=route.blocks_alone,
    )


def _takes_threads(route: ReportedRoute) -> str:
    takes = [
        count(number, *names)
        for number, names in (
            (route.sync_dependencies, ("dependency", "dependencies")),
            (route.background_in_threads, ("background task",)),
        )
        if number
    ]
    return f"{' and '.join(takes)} in a thread" if takes else ""


def _load(load: RouteLoad) -> RouteLoadRow:
    answered = load.answered_rps
    return RouteLoadRow(
        route=printable(load.route),
        load="closed loop" if load.rate_rps is None else f"{wording.number(load.rate_rps)} requests/s",
        answered=f"{wording.number(answered.value)}/s" if answered else wording.NOTHING,
        answered_interval=wording.interval(answered),
        times=tuple(wording.percentile(each) for each in (load.response_p50, load.response_p99, load.health_p99)),
    )


def _blocking(line: BlockingLine, folder: str, sources: Mapping[str, str]) -> BlockingRow:
    source = tuple(_source(sources.get(line.file, ""), line.line))
    return BlockingRow(
        place=line.place(folder),
        does=what_it_does(line),
        where=_WHERE.get(line.where, printable(line.where)),
        route=printable(line.route or ""),
        source=source,
        missing="" if source else "Its source cannot be shown: the file is not there, or is larger than 2 MB.",
    )


def _source(text: str, blocking: int) -> Iterator[SourceLine]:
    """The line with those around it; nothing where the file has no such line."""
    lines = text.removesuffix("\n").split("\n")  # as Python counts them; `splitlines` takes more characters for an end
    if not (text and 1 <= blocking <= len(lines)):
        return
    for number in range(max(1, blocking - _BEFORE), min(len(lines), blocking + _AFTER) + 1):
        said = " ".join(code_lines(lines[number - 1]))
        shown = f"{said[:_LONGEST]}…" if len(said) > _LONGEST else said
        yield SourceLine(number, shown, number == blocking)


def _remedies(report: AppReport) -> Iterator[RemedyRow]:
    for ranked in ranked_remedies(report.remedies):
        for remedy in ranked.members:
            ratio = remedy.ratio
            yield RemedyRow(
                route=printable(remedy.route),
                title=code_parts(remedy.title),
                gain=wording.times(ratio.value if ratio else None),
                interval=wording.interval_of_ratio(ratio) if ratio else "",
                verdict=capacity_badge(remedy.verdict),
                health=_health(report, remedy),
                change=tuple(code_lines(remedy.change)),
                is_best=remedy is ranked.best,
            )


def _health(report: AppReport, remedy: MeasuredRemedy) -> str:
    """`820 ms → 9.1 ms`: the p99 of `/health` in the closed loop, as it is and with the remedy."""
    before, after = (_closed_loop(report, remedy.route, variant) for variant in (AS_IS, remedy.name))
    if before is None or after is None or before.health_p99 is None or after.health_p99 is None:
        return wording.NOTHING
    return f"{wording.percentile(before.health_p99)} → {wording.percentile(after.health_p99)}"


def _closed_loop(report: AppReport, route: str, variant: str) -> RouteLoad | None:
    own = (load for load in report.load if (load.route, load.variant, load.rate_rps) == (route, variant, None))
    return next(own, None)


def _unmeasured(remedy: MeasuredRemedy) -> UnmeasuredRow:
    return UnmeasuredRow(
        route=printable(remedy.route),
        title=code_parts(remedy.title),
        status="not measured" if remedy.applies else "does not apply",
        reason=code_parts(remedy.why_not),
    )
