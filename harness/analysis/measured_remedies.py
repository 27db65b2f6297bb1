"""What each remedy gains on each route, or why that is not known. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from msgspec import Struct

from harness.analysis.comparisons import CAPACITY
from harness.analysis.evidence import Analysis, Cell, Comparison
from harness.judging.estimate import Estimate
from harness.results.records.app_record import ALL_ROUTES, AS_IS, AppRecord
from harness.results.records.outcome import error_count, refused_count, too_late_count
from harness.results.records.phase_record import PhaseKind
from harness.results.records.remedy import Remedy
from harness.results.records.text import count

MOST_WRONG = 0.01  # of the requests of a remedy that works, on top of what the app as it is answers wrong
NOT_UNDER_LOAD = "nothing was measured under load"


class MeasuredRemedy(Struct, frozen=True, kw_only=True):
    """`ratio`: its capacity on the route over that of the app as it is; None: not measured, and `why_not` says why.
    `changes_route`: false where it was measured on a route that it leaves as it is."""

    name: str
    title: str
    route: str
    applies: bool
    why_not: str
    ratio: Estimate | None
    verdict: Literal["faster", "slower", "same", "open", "not measured"]
    change: str
    changes_route: bool = True


def measured_remedies(record: AppRecord, analysis: Analysis | None) -> tuple[MeasuredRemedy, ...]:
    """Each remedy on each route that it was measured on, and on those where that is missing."""
    return tuple(row for remedy in record.remedies for row in _rows(remedy, record.workloads, analysis))


def _rows(remedy: Remedy, workloads: dict[str, str], analysis: Analysis | None) -> Iterator[MeasuredRemedy]:
    for route, why_not in remedy.not_for.items():
        yield _without(remedy, route, why_not, applies=False)
    if remedy.why_not:
        for route in remedy.routes or (() if remedy.not_for else (ALL_ROUTES,)):
            yield _without(remedy, route, remedy.why_not, applies=False)
        return
    seen = set(remedy.not_for)
    for workload, route in workloads.items():
        changes = not remedy.routes or route == ALL_ROUTES or route in remedy.routes
        if route in remedy.not_for:
            continue
        made = _comparison(analysis, workload, remedy.name)
        if failing := _failing(analysis, workload, remedy.name, made):
            yield _without(remedy, route, failing)
        elif made is not None:
            yield _with(remedy, route, made, changes)
        elif changes:
            yield _without(remedy, route, _why_not(analysis, workload, remedy.name))
        seen.add(route)
    for route in remedy.routes or ((ALL_ROUTES,) if not seen else ()):
        if route not in seen:
            yield _without(remedy, route, NOT_UNDER_LOAD if analysis is None else "it was not measured under load")


def _with(remedy: Remedy, route: str, made: Comparison, changes_route: bool) -> MeasuredRemedy:
    return MeasuredRemedy(
        name=remedy.name,
        title=remedy.titles.get(route, remedy.title),
        route=route,
        applies=True,
        why_not="",
        ratio=made.ratio,
        verdict=made.verdict,
        change=_change(remedy, route),
        changes_route=changes_route,
    )


def _without(remedy: Remedy, route: str, why_not: str, *, applies: bool = True) -> MeasuredRemedy:
    return MeasuredRemedy(
        name=remedy.name,
        title=remedy.titles.get(route, remedy.title),
        route=route,
        applies=applies,
        why_not=why_not,
        ratio=None,
        verdict="not measured",
        change=_change(remedy, route),
    )


def _change(remedy: Remedy, route: str) -> str:
    return remedy.change_for(route) if route in remedy.routes else remedy.change


def _comparison(analysis: Analysis | None, workload: str, variant: str) -> Comparison | None:
    if analysis is None:
        return None
    key = workload, variant, AS_IS, CAPACITY.name
    return next(
        (made for made in analysis.comparisons if (made.workload, made.variant, made.baseline, made.metric) == key),
        None,
    )


def _failing(analysis: Analysis | None, workload: str, variant: str, made: Comparison | None) -> str:
    """What fast errors gain is no gain, and neither is what is gained by leaving some without an answer. An app that
    refuses many as it is, or is too slow for them, may do so with a remedy, too."""
    before, after = (_answers(analysis, workload, name) for name in (AS_IS, variant))
    if after.share(after.wrong) > before.share(before.wrong) + MOST_WRONG:
        return f"with it, {after.of_asked(after.wrong)} got a wrong answer, an error or a refusal{before.also()}"
    leaves_more = after.share(after.late) > MOST_WRONG >= before.share(before.late)
    if leaves_more and made is not None and made.verdict != "slower":
        return f"with it, {after.of_asked(after.late)} got no answer in time"
    return ""


class _Answers(NamedTuple):
    """Of a closed loop: how many requests there were, and how many had no right answer, or none in time."""

    asked: int
    wrong: int
    late: int

    def share(self, many: int) -> float:
        return many / self.asked if self.asked else 0.0

    def of_asked(self, many: int) -> str:
        return f"{many:,} of {count(self.asked, 'request')}"

    def also(self) -> str:
        return f"; as it is, {self.of_asked(self.wrong)} did" if self.wrong else ""


def _answers(analysis: Analysis | None, workload: str, variant: str) -> _Answers:
    cell = cell_of(analysis, workload, variant)
    phases = [] if cell is None else [each for each in cell.phases.values() if each.kind is PhaseKind.CAPACITY]
    outcomes = [phase.outcomes for phase in phases]
    return _Answers(
        sum(sum(each.values()) for each in outcomes),
        sum(error_count(each) + refused_count(each) for each in outcomes),
        sum(too_late_count(each) for each in outcomes),
    )


def cell_of(analysis: Analysis | None, workload: str, variant: str) -> Cell | None:
    if analysis is None:
        return None
    return next((cell for cell in analysis.cells if (cell.workload, cell.variant) == (workload, variant)), None)


def _why_not(analysis: Analysis | None, workload: str, variant: str) -> str:
    if analysis is None:
        return NOT_UNDER_LOAD
    for name, said in ((variant, "with it"), (AS_IS, "as it is")):
        if missing := missing_of(cell_of(analysis, workload, name)):
            return f"{said}, the app {missing}"
    return "the two have no valid slices in a common round"


def missing_of(cell: Cell | None) -> str:
    """Why a cell has no figures, as what the app did; empty when it has."""
    if cell is None or cell.status == "missing":
        return "was not measured"
    if cell.status in ("failed", "not_applicable"):
        error = cell.error.removeprefix(f"{cell.variant}: ")  # who says it names the remedy
        return f"could not be measured: {error}" if error else "could not be measured"
    if cell.without_answer:
        return f"gave no right answer in {count(cell.without_answer, 'slice')}"
    return "" if cell.valid_slices else "has no valid slice: the machine was busy, or see Slices in the report"
