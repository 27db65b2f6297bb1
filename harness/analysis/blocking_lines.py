"""The lines that block an app's event loop, of what the thread that watches it has written. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from statistics import median
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from harness.analysis.call_names import call_name
from harness.results.records.blocked_stretch import HeldCoroutine, Stretch, StretchPlace
from harness.results.records.request_line import RequestLine
from harness.results.records.text import printable

THRESHOLD_MS = 5.0
# Threads that compute in Python hand the GIL on every 5 ms. To wait for a few of them is how threads work.
CANNOT_RUN_MS = 25.0
# What happens once cannot be told from the machine by asking again, and nobody waits for it yet.
_STARTUP_MS = 15.0
# A thread that is here has let go of the GIL: what it has kept it for came before.
_LETS_GO = ("threading.", "queue.", "concurrent.futures.")

# Under load: how often a line blocks before it counts, in what part of the requests of its route, and for how long what
# happens in fewer of them. A machine without a free CPU makes 5 ms of 4 here and there, but not 10 ms in the same line.
_UNDER_LOAD_TIMES = 3
_UNDER_LOAD_PART = 0.1
_SELDOM_MS = 10.0
_ONCE_MS = 500.0  # no machine does that, and a loop that is blocked for good is so once

Cause = Literal["waits", "computes", "cannot_run"]

_HALF = 0.5
_MOST = 0.6
_QUARTER = 0.25
_LEAST_PART = 0.2  # of a stretch; what is shorter is no reason for it


class BlockingLine(Struct, frozen=True):
    """`ms`: for how long in one request, the median of those in which it blocked. `route`: None where no request is to
    blame. `call`: None where the line itself computes. `under_load`: it was found only when many requests were made at
    once. `under_load_ms`: for how long it blocked then; None where it was not found then. `coroutines`: those of the
    app that stand still meanwhile, and where; empty where all of them are a library's."""

    file: str
    line: int
    function: str
    call: str | None
    cause: Cause
    ms: float
    where: str
    route: str | None
    under_load: bool = False
    under_load_ms: float | None = None
    coroutines: tuple[HeldCoroutine, ...] = ()

    def place(self, folder: str) -> str:
        """`shop/main.py:15 slow`; the file relative to `folder`, where it is in there."""
        path = PurePath(self.file)
        shown = path.relative_to(folder) if path.is_relative_to(folder) else path
        return printable(f"{shown}:{self.line} {self.function}")


class _Routed(NamedTuple):
    stretch: Stretch
    route: str | None


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
    machine, and nothing else can be told from it. That threads take turns is how they work. Where one keeps the GIL and
    has gone on before it is seen, it was at the line at which others of the route have seen it.
    """
    asked = Counter(routes.values())
    routed = [_Routed(_without_turns(stretch), route) for stretch, route in _of_routes(stretches, routes)]
    unseen = Counter(each.route for each in routed if any(map(_is_unseen_thread, each.stretch.places)))

    def telling(group: _Group, long_ms: list[float]) -> list[float]:
        more = unseen[group.route] if group.cause == "cannot_run" and group.route is not None else 0
        return long_ms if len(long_ms) + more >= _needed(group, asked) else []

    return _lines(routed, sources, telling)


def is_a_turn(place: StretchPlace) -> bool:
    """Whether another thread only had the GIL for its turn."""
    return place.by_other and (place.takes_turns or own_ms(place) < CANNOT_RUN_MS)


def _without_turns(stretch: Stretch) -> Stretch:
    return msgspec.structs.replace(stretch, places=tuple(place for place in stretch.places if not place.takes_turns))


def _is_unseen_thread(place: StretchPlace) -> bool:
    return place.by_other and place.file is None and own_ms(place) >= CANNOT_RUN_MS


def blocking_lines_under_load(
    stretches: Sequence[Stretch],
    routes: Mapping[int, str],
    requests: Sequence[RequestLine],
    sources: Mapping[str, str],
) -> list[BlockingLine]:
    """As `blocking_lines`, of `requests` of which many were made at once.

    What blocks when requests meet does not do so in each of them. A line counts when it blocks three times (or once for
    very long), and in at least a tenth of the requests of its route. What is longer counts however seldom it is, with
    two exceptions: that threads take turns is no fault until it goes on all the time, and what happens while all
    garbage is collected may be nothing else than that, which begins at any line.
    """
    asked = Counter(routes.values())
    in_threads = {routes[each.number] for each in requests if each.kind == "def" and each.number in routes}

    def counted(group: _Group, long_ms: list[float]) -> list[float]:
        is_enough = len(long_ms) >= _UNDER_LOAD_TIMES or max(long_ms, default=0.0) >= _ONCE_MS
        return long_ms if is_enough and group.where != "startup" else []

    def often(group: _Group, long_ms: list[float]) -> list[float]:
        least = _UNDER_LOAD_PART * (asked.total() if group.route is None else asked[group.route])
        return counted(group, long_ms) if len(long_ms) >= least else []

    def seldom(group: _Group, long_ms: list[float]) -> list[float]:
        starts_thread = group.cause == "waits" and group.where == "endpoint" and group.route in in_threads
        if group.cause == "cannot_run" or starts_thread:
            return []
        return counted(group, [ms for ms in long_ms if ms >= _SELDOM_MS])

    endpoints = _endpoints(routes, requests)
    routed = [part for each in _of_routes(stretches, routes) for part in _by_thread(*each, endpoints)]
    found = {_place(line): line for line in _lines([r for r in routed if not r.stretch.collections], sources, seldom)}
    found |= {_place(line): line for line in _lines(routed, sources, often)}
    marked = [msgspec.structs.replace(line, under_load=True, under_load_ms=line.ms) for line in found.values()]
    return _longest_first(marked)


def least_ms(cause: Cause, where: str = "endpoint") -> float:
    if where == "startup" and cause != "waits":
        return _STARTUP_MS
    return CANNOT_RUN_MS if cause == "cannot_run" else THRESHOLD_MS


def cause_of(place: StretchPlace) -> Cause:
    """Of the time in which the machine had a CPU for it."""
    if place.by_other:
        return "cannot_run"
    return "computes" if place.cpu_ms >= _HALF * (place.ms - place.queued_ms) else "waits"


def own_ms(place: StretchPlace) -> float:
    """Of its time, what the cause explains: what remains is the machine's."""
    if cause_of(place) == "waits":
        return place.ms - place.queued_ms - place.cpu_ms
    return min(place.ms, place.cpu_ms)


def _of_routes(stretches: Sequence[Stretch], routes: Mapping[int, str]) -> Iterator[_Routed]:
    for stretch in stretches:
        if stretch.request is None:
            yield _Routed(stretch, None)
        elif stretch.request in routes:
            yield _Routed(stretch, routes[stretch.request])


def _endpoints(routes: Mapping[int, str], requests: Sequence[RequestLine]) -> dict[str, str]:
    """The route of each function that is the endpoint of one only."""
    found: dict[str, set[str]] = defaultdict(set)
    for each in requests:
        if each.endpoint and each.number in routes:
            found[each.endpoint].add(routes[each.number])
    return {function: min(of) for function, of in found.items() if len(of) == 1}


def _by_thread(stretch: Stretch, route: str | None, endpoints: Mapping[str, str]) -> Iterator[_Routed]:
    """What the loop's thread did for its request, and what other threads did: they keep the GIL from whatever request
    comes next."""
    own = tuple(place for place in stretch.places if not place.by_other)
    yield _Routed(msgspec.structs.replace(stretch, places=own), route)
    others: dict[str | None, list[StretchPlace]] = defaultdict(list)
    for place in stretch.places:
        if place.by_other:
            others[endpoints.get(place.function)].append(place)
    for keeping, places in others.items():
        yield _Routed(msgspec.structs.replace(stretch, request=None, places=tuple(places)), keeping)


def _lines(
    stretches: Sequence[_Routed],
    sources: Mapping[str, str],
    telling: Callable[[_Group, list[float]], list[float]],
) -> list[BlockingLine]:
    """`telling` says which of the times that were long enough, one of each request, are a finding; empty: there is
    none."""
    spent_ms: dict[_Group, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    places: dict[_Group, list[StretchPlace]] = defaultdict(list)
    for number, (stretch, route) in enumerate(stretches):
        for group, group_ms, members in _groups(stretch, route):
            spent_ms[group][-number if stretch.request is None else stretch.request] += group_ms
            places[group] += members
    found = []
    for group, by_request in spent_ms.items():
        counted = telling(group, [ms for ms in by_request.values() if ms >= least_ms(group.cause, group.where)])
        if counted:
            found.append(_line_of(group, places[group], median(counted), sources))
    return _longest_first(found)


def _longest_first(lines: Sequence[BlockingLine]) -> list[BlockingLine]:
    return sorted(lines, key=lambda line: (-line.ms, line.file, line.line))


def _place(line: BlockingLine) -> tuple[str | None, str, str, str, Cause, int | None]:
    """As of its `_Group`."""
    return line.route, line.file, line.function, line.where, line.cause, line.line if line.cause == "waits" else None


def _groups(stretch: Stretch, route: str | None) -> list[tuple[_Group, float, list[StretchPlace]]]:
    members: dict[_Group, list[StretchPlace]] = defaultdict(list)
    for place in stretch.places:
        cause = cause_of(place)
        if place.file is not None:
            line = place.line if cause == "waits" else None
            members[_Group(route, place.file, place.function, place.where, cause, line)].append(place)
    timed = [(group, sum(own_ms(place) for place in each), each) for group, each in members.items()]
    large = [each for each in timed if each[1] >= max(THRESHOLD_MS, _LEAST_PART * stretch.ms)]
    if large or not timed:
        # That threads take turns several times in a request is not that one of them keeps the GIL.
        return [each for each in large if each[0].cause != "cannot_run" or each[1] >= CANNOT_RUN_MS]
    # Many functions share it, each for too short: the one with most of it stands for all.
    group, _, each = max(timed, key=lambda one: one[1])
    return [(group, sum(ms for other, ms, _ in timed if other.cause == group.cause), each)]


def _needed(group: _Group, asked: Mapping[str, int]) -> int:
    if group.route is not None:
        return math.ceil(asked[group.route] / 2)
    return 1 if group.where == "startup" else 2


def _line_of(group: _Group, places: list[StretchPlace], ms: float, sources: Mapping[str, str]) -> BlockingLine:
    keeping = [place for place in places if not (place.by_other and (place.call or "").startswith(_LETS_GO))]
    places = keeping or places
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
        coroutines=tuple(_coroutines(places)),
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
