"""What is said of somebody's own app as GitHub's Markdown, for a job summary. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.analysis.app_report import AppReport, ReportedRoute, RouteLoad
from harness.analysis.blocking_lines import BlockingLine
from harness.analysis.measured_remedies import MeasuredRemedy
from harness.analysis.remedy_ranking import changes_in_turn, ranked_remedies, unmeasured_remedies
from harness.report import wording
from harness.report.app_words import code_lines, code_parts, gain_in_words, what_it_does
from harness.results.records.app_record import ALL_ROUTES, AS_IS
from harness.results.records.text import count, printable

_ROWS = 100  # of a table: a job summary may have 1 MiB
_MARKUP = re.compile(r"[&<>|\\`*_\[\]~]")


def app_markdown(report: AppReport) -> str:
    """What failed, then a table each of the routes, the lines that block, the load and the remedies."""
    sections = (
        [f"### {_code(report.app)}: what blocks its event loop"],
        [f"- **failed**: {_plain(line)}" for line in report.gate],
        _table(("route", "kind", "one request", "blocks the loop", "in threads", "CPU"), _routes(report)),
        _table(("line that blocks", "what it does", "where", "route"), _findings(report)),
        _table(
            ("under load, as it is", "load", "answered", "p50", "p99", "`/health` p99"),
            [_load(load) for load in report.load if load.variant == AS_IS],
        ),
        _table(("route", "remedy", "capacity"), _ranked(report)),
        *_changes(report),
        _unmeasured(report),
    )
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Nothing without a row."""
    if not rows:
        return []
    shown = [head, ["---"] * len(head), *rows[:_ROWS]]
    more = [f"| and {len(rows) - _ROWS} more |{' |' * (len(head) - 1)}"] if len(rows) > _ROWS else []
    return [*(f"| {' | '.join(cells)} |" for cells in shown), *more]


def _routes(report: AppReport) -> list[Sequence[str]]:
    return [(_code(route.name), *_figures(route)) for route in report.worst_first]


def _figures(route: ReportedRoute) -> Sequence[str]:
    if not route.asked or route.service_ms is None:
        said = route.reason or f"answered {route.status}, and said nothing more"
        return (_words(said if route.asked else f"not asked: {said}"), *[wording.NOTHING] * 4)
    status = route.reason or (f"answered {route.status}" if route.status >= 400 else "")
    times = (route.service_ms, route.blocked_ms, route.thread_ms, route.cpu_ms)
    return (_words(f"{route.kind}{status and f', {status}'}"), *(wording.ms(time_ms) for time_ms in times))


def _findings(report: AppReport) -> list[Sequence[str]]:
    return [_finding(line, report.folder) for line in report.findings]


def _finding(line: BlockingLine, folder: str) -> Sequence[str]:
    route = wording.NOTHING if line.route is None else _code(line.route)
    return _code(line.place(folder)), _plain(what_it_does(line)), _plain(line.where), route


def _load(load: RouteLoad) -> Sequence[str]:
    answered = f"{wording.number(load.answered_rps.value if load.answered_rps else None)}/s"
    return (
        _route(load.route),
        "closed loop" if load.rate_rps is None else f"{wording.number(load.rate_rps)}/s",
        f"{answered} {wording.interval(load.answered_rps)}" if load.answered_rps else wording.NOTHING,
        *(wording.percentile(each) for each in (load.response_p50, load.response_p99, load.health_p99)),
    )


def _ranked(report: AppReport) -> list[Sequence[str]]:
    return [
        (_route(remedy.route), _words(remedy.title), gain_in_words(remedy))
        for ranked in ranked_remedies(report.remedies)
        for remedy in ranked.members
    ]


def _changes(report: AppReport) -> list[list[str]]:
    changes = changes_in_turn(ranked_remedies(report.remedies))
    return [_change(each.best, change) for each, change in changes if each.best is not None and change][:_ROWS]


def _change(remedy: MeasuredRemedy, change: str) -> list[str]:
    lines = code_lines(change)
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{_words(remedy.title)}:", "", fence, *lines, fence]


def _unmeasured(report: AppReport) -> list[str]:
    if not report.under_load:
        return []
    lines = [_without(remedy) for remedy in unmeasured_remedies(report.remedies)]
    more = len(lines) - _ROWS
    return [*lines[:_ROWS], *([f"- and {count(more, 'remedy', 'remedies')} more"] if more > 0 else [])]


def _without(remedy: MeasuredRemedy) -> str:
    said = "not measured" if remedy.applies else "does not apply"
    return f"- {_words(remedy.title)}, {_route(remedy.route)}: {said}: {_words(remedy.why_not)}"


def _route(name: str) -> str:
    return name if name == ALL_ROUTES else _code(name)


def _words(text: str) -> str:
    """What is between backticks as code, all else as plain text."""
    return "".join(_code(part) if is_code else _escaped(part) for is_code, part in code_parts(text))


def _code(text: str) -> str:
    """In backticks where that is safe. There is no way to write a backtick or the bar of a table in them."""
    said = printable(text)
    return f"`{said}`" if said and not re.search(r"[`|\\]", said) else f"<code>{_plain(said)}</code>"


def _plain(text: str) -> str:
    """What an app wrote is no markup, and no new row."""
    return _escaped(printable(text))


def _escaped(text: str) -> str:
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", text)
