"""What the terminal says of somebody's own app."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from harness.analysis.app_report import AppReport, ReportedRoute
from harness.analysis.remedy_ranking import RankedRemedy, changes_in_turn, ranked_remedies, unmeasured_remedies
from harness.report.app_words import code_lines, finding_in_words, gain_in_words
from harness.results.records.app_record import ALL_ROUTES
from harness.results.records.text import printable


def app_lines(report: AppReport) -> list[str]:
    """A line for each route, the worst first, with the lines that block; then the remedies, the largest gain first,
    with the change to make. What failed of the gate is not among them."""
    return [*_route_lines(report), *(_remedy_lines(report) if report.under_load else ())]


def _route_lines(report: AppReport) -> Iterator[str]:
    for line in report.findings:
        if line.route is None:
            yield f"{'startup' if line.where == 'startup' else 'no route'}: {finding_in_words(line, report.folder)}"
    for route in report.worst_first:
        yield printable(_row(route))
        for line in route.findings:
            yield f"    {finding_in_words(line, report.folder)}"


def _row(route: ReportedRoute) -> str:
    if not route.asked:
        return f"{route.name}: not asked: {route.reason}"
    if route.service_ms is None:
        return f"{route.name}: {route.reason or f'answered {route.status}, and said nothing more'}"
    said = route.reason or (f"answered {route.status}" if route.status >= 400 else "")
    return f"{route.name}: {f'{said}, ' if said else ''}{route.kind}, {route.service_ms:g} ms, {_blocks(route)}"


def _blocks(route: ReportedRoute) -> str:
    if not route.findings:
        return "nothing blocks"
    return f"blocks the loop for {route.blocks_ms:g} ms{'' if route.blocks_alone else ' under load'}"


def _remedy_lines(report: AppReport) -> Iterator[str]:
    ranked = ranked_remedies(report.remedies)
    if ranked:
        yield ""
        yield "remedies, by how much more is answered:"
    for each, change in changes_in_turn(ranked):
        yield printable(_ranked_line(each))
        yield from (f"    {line}" for line in code_lines(change))
    reasons = [
        (f"{remedy.title}: {'not measured' if remedy.applies else 'does not apply'}: {remedy.why_not}", remedy.route)
        for remedy in unmeasured_remedies(report.remedies)
    ]
    if reasons:
        yield ""
    for said, group in groupby(reasons, key=lambda reason: reason[0]):
        yield printable(f"{_routes([route for _, route in group])}{said}")


def _routes(names: Sequence[str]) -> str:
    return "" if list(names) == [ALL_ROUTES] else f"{', '.join(_route(name) for name in names)}: "


def _ranked_line(ranked: RankedRemedy) -> str:
    said = [f"{ranked.first.title}: {gain_in_words(ranked.first)}"]
    said += [f"{words}: {gain_in_words(remedy)}" for words, remedy in ranked.beside]
    return f"{_route(ranked.first.route)}: {'; '.join(said)}"


def _route(name: str) -> str:
    return name if name == ALL_ROUTES else f"`{name}`"
