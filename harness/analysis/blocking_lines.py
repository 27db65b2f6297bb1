"""The lines that block an app's event loop, of what the thread that watches it has written. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from statistics import median
from typing import Literal, NamedTuple

from msgspec import Struct

from harness.analysis.call_names import call_name
from harness.results.records.blocked_stretch import HeldCoroutine, Stretch, StretchPlace
from harness.results.records.text import printable

THRESHOLD_MS = 5.0
# Threads that compute in Python hand the GIL on every 5 ms. To wait for a few of them is how threads work.
CANNOT_RUN_MS = 15.0

Cause = Literal["waits", "computes", "cannot_run"]

_HALF = 0.5
_MOST = 0.6
_QUARTER = 0.25
_LEAST_PART = 0.2  # of a stretch; what is shorter is no reason for it


class BlockingLine(Struct, frozen=True):
    """`ms`: for how long in one request, the median of those in which it blocked. `route`: None where no request is to
    blame. `call`: None where the line itself computes. `coroutines`: those of the app that stand still meanwhile, and
    where; empty where all of them are a library's."""

    file: str
    line: int
    function: str
    call: str | None
    cause: Cause
    ms: float
    where: str
    route: str | None
    coroutines: tuple[HeldCoroutine, ...] = ()

    def place(self, folder: str) -> str:
        """`shop/main.py:15 slow`; the file relative to `folder`, where it is in there."""
        path = PurePath(self.file)
        shown = path.relative_to(folder) if path.is_relative_to(folder) else path
        return printable(f"{shown}:{self.line} {self.function}")


class _Group(NamedTuple):
    """What is one finding. What waits does so in one line; what computes goes from line to line."""

    route: str | None
    file: str
    function: str
    where: str
    cause: Cause
    line: int | None


def blocking_lines(
    stretches: Sequence[Stretch], routes: Mapping[int, str], sources: Mapping[str, str]
) -> list[BlockingLine]:
    """The longest first. `routes` says which request was asked for which route; stretches of other requests are left
    out. `sources` are the user's files.

    A line counts when it blocks in at least half of the requests of its route. What happened once may have been the
    machine, and nothing else can be told from it.
    """
    asked = {route: sum(each == route for each in routes.values()) for route in set(routes.values())}
    spent_ms: dict[_Group, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    places: dict[_Group, list[StretchPlace]] = defaultdict(list)
    for number, stretch in enumerate(stretches):
        if stretch.request is not None and stretch.request not in routes:
            continue
        route = None if stretch.request is None else routes[stretch.request]
        for group, group_ms, members in _groups(stretch, route):
            spent_ms[group][-number if stretch.request is None else stretch.request] += group_ms
            places[group] += members
    found = []
    for group, by_request in spent_ms.items():
        long = [ms for ms in by_request.values() if ms >= least_ms(group.cause)]
        if len(long) >= _needed(group, asked):
            found.append(_line_of(group, places[group], median(long), sources))
    return sorted(found, key=lambda line: (-line.ms, line.file, line.line))


def least_ms(cause: Cause) -> float:
    return CANNOT_RUN_MS if cause == "cannot_run" else THRESHOLD_MS


def cause_of(place: StretchPlace) -> Cause:
    """Of the time in which the machine had a CPU for it."""
    if place.by_other:
        return "cannot_run"
    return "computes" if place.cpu_ms >= _HALF * (place.ms - place.queued_ms) else "waits"


def own_ms(place: StretchPlace) -> float:
    """Of its time, what the cause explains: what remains is the machine's."""
    cause = cause_of(place)
    if cause == "computes":
        return place.cpu_ms
    return place.ms - place.queued_ms - place.cpu_ms if cause == "waits" else place.ms


def _groups(stretch: Stretch, route: str | None) -> list[tuple[_Group, float, list[StretchPlace]]]:
    members: dict[_Group, list[StretchPlace]] = defaultdict(list)
    for place in stretch.places:
        cause = cause_of(place)
        if place.file is not None:
            line = None if cause == "computes" else place.line
            members[_Group(route, place.file, place.function, place.where, cause, line)].append(place)
    timed = [(group, sum(own_ms(place) for place in each), each) for group, each in members.items()]
    large = [each for each in timed if each[1] >= max(THRESHOLD_MS, _LEAST_PART * stretch.ms)]
    if large or not timed:
        return large
    # Many functions share it, each for too short: the one with most of it stands for all.
    group, _, each = max(timed, key=lambda one: one[1])
    return [(group, sum(ms for other, ms, _ in timed if other.cause == group.cause), each)]


def _needed(group: _Group, asked: Mapping[str, int]) -> int:
    if group.route is not None:
        return math.ceil(asked[group.route] / 2)
    return 1 if group.where == "startup" else 2


def _line_of(group: _Group, places: list[StretchPlace], ms: float, sources: Mapping[str, str]) -> BlockingLine:
    ms_by_line: dict[int, float] = defaultdict(float)
    for place in places:
        ms_by_line[place.line] += place.ms
    line = _representative(ms_by_line)
    longest = max((place for place in places if place.line == line), key=lambda place: place.ms)
    call = longest.call or call_name(sources.get(group.file, ""), line, longest.columns)
    if longest.call is not None and longest.call.startswith("importlib._bootstrap"):
        call = "import"
    return BlockingLine(
        group.file,
        line,
        group.function,
        call,
        group.cause,
        round(ms, 1),
        group.where,
        group.route,
        tuple(_coroutines(places)),
    )


def _coroutines(places: Sequence[StretchPlace]) -> list[HeldCoroutine]:
    """Those with a good part of it."""
    ms_by_coroutine: dict[HeldCoroutine | None, float] = defaultdict(float)
    for place in places:
        ms_by_coroutine[place.coroutine] += place.ms
    least = _LEAST_PART * sum(ms_by_coroutine.values())
    return [each for each, ms in ms_by_coroutine.items() if each is not None and ms >= least]


def _representative(ms_by_line: Mapping[int, float]) -> int:
    """The line with most of the time; where a loop shares it among its lines, the first with a good part of it, which
    is the same line in each run."""
    total_ms = sum(ms_by_line.values())
    line = max(ms_by_line, key=lambda each: ms_by_line[each])
    if ms_by_line[line] >= _MOST * total_ms:
        return line
    return min((each for each, ms in ms_by_line.items() if ms >= _QUARTER * total_ms), default=line)
