"""What the one-request part of `bench app` says of an app: what each route costs, and the lines that block. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import NamedTuple
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from harness.analysis.blocking_lines import (
    BlockingLine,
    blocking_lines,
    blocking_lines_under_load,
    is_a_turn,
    own_ms,
)
from harness.results.records.blocked_stretch import Stretch
from harness.results.records.credentials import path_without_credentials
from harness.results.records.request_line import RequestLine
from harness.results.records.route_answer import RouteAnswer


class CheckedRoute(Struct, frozen=True):
    """Times are of one request, the median of those that were made; None where none was seen to its end. `endpoint` is
    the name of its function, and that it `cannot_wait` its code says. Of functions that could be `def` in place of
    `async def` there are the file and the first line."""

    method: str
    path: str
    asked: bool
    status: int
    reason: str
    kind: str | None = None
    sync_dependencies: int | None = None
    service_ms: float | None = None
    blocked_ms: float | None = None
    thread_ms: float | None = None
    cpu_ms: float | None = None
    findings: tuple[BlockingLine, ...] = ()
    endpoint: str = ""
    endpoint_place: tuple[str, int] = ("", 0)
    endpoint_can_be_def: bool = False
    cannot_wait: bool = False
    movable_dependencies: tuple[tuple[str, int], ...] = ()
    background_in_threads: int | None = None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def blocks_alone(self) -> bool:
        return any(not line.under_load for line in self.findings)

    @property
    def blocks_ms(self) -> float:
        """For how long: one request that is alone, or else under load, the longest of its lines."""
        alone_ms = self.blocked_ms or 0.0
        return alone_ms if self.blocks_alone else max([alone_ms, *(line.ms for line in self.findings)])


class AppCheck(Struct, frozen=True):
    """`findings` are all of them: those of the routes, and those that no route is to blame for. `threads`: how many
    AnyIO may have in the app; None: it has no AnyIO, or no limit."""

    routes: tuple[CheckedRoute, ...]
    findings: tuple[BlockingLine, ...]
    threads: int | None = None


def checked(
    answers: Sequence[RouteAnswer],
    stretches: Sequence[Stretch],
    requests: Sequence[RequestLine],
    sources: Mapping[str, str],
) -> AppCheck:
    """The routes that were asked in that order, each of them once, then the others."""
    asked = _by_route(_Asked.read(answer, requests) for answer in answers if answer.path is not None)
    names = {request.number: each.name for each in asked for request in each.requests}
    findings = blocking_lines(stretches, names, sources)
    rows = [each.row(stretches, [line for line in findings if line.route == each.name]) for each in asked]
    others = {(answer.method, answer.template or ""): answer.reason for answer in answers if answer.path is None}
    for row in rows:  # a path that was named may be one of a route that could not be asked otherwise
        others.pop((row.method, row.path), None)
    rows += [CheckedRoute(method, path, False, 0, reason) for (method, path), reason in others.items()]
    threads = next((each.threads for each in reversed(requests) if each.threads is not None), None)
    return AppCheck(tuple(rows), tuple(findings), threads)


def checked_under_load(
    check: AppCheck,
    answers: Sequence[RouteAnswer],
    stretches: Sequence[Stretch],
    requests: Sequence[RequestLine],
    sources: Mapping[str, str],
) -> AppCheck:
    """`check` with what was seen when many of `requests` were made at once: for how long its lines block then, and the
    lines that block only then."""
    asked = _by_route(_Asked.read(answer, requests) for answer in answers if answer.path is not None)
    names = {request.number: each.name for each in asked for request in each.requests}
    seen = blocking_lines_under_load(stretches, names, requests, sources)
    alone = [msgspec.structs.replace(line, under_load_ms=_under_load_ms(line, seen)) for line in check.findings]
    news = [line for line in seen if not any(_is_same(line, each) for each in alone)]
    findings = (*alone, *news)
    routes = [
        msgspec.structs.replace(route, findings=tuple(line for line in findings if line.route == route.name))
        for route in check.routes
    ]
    return msgspec.structs.replace(check, routes=tuple(routes), findings=findings)


def _under_load_ms(alone: BlockingLine, seen: Sequence[BlockingLine]) -> float | None:
    same = (line for line in seen if _is_same(line, alone) and (line.route == alone.route or line.cause == alone.cause))
    return next((line.ms for line in same), None)


def _is_same(line: BlockingLine, alone: BlockingLine) -> bool:
    """Whatever the route: a line that blocks one blocks all that call it. What computes goes from line to line."""
    if (line.file, line.function) != (alone.file, alone.function):
        return False
    return line.line == alone.line or line.cause == alone.cause != "waits"


class _Asked(NamedTuple):
    answer: RouteAnswer
    template: str
    requests: list[RequestLine]

    @classmethod
    def read(cls, answer: RouteAnswer, requests: Sequence[RequestLine]) -> _Asked:
        path = unquote((answer.path or "").partition("?")[0])
        own = [each for each in requests if (each.method, _shown_path(each)) == (answer.method, path)]
        seen = next((each.template for each in own if each.template is not None), path)
        return cls(answer, answer.template or seen, own)

    @property
    def name(self) -> str:
        return f"{self.answer.method} {self.template}"

    def with_more(self, other: _Asked) -> _Asked:
        """Another request to the same route. Of the answers the first one counts that is wrong."""
        requests = {request.number: request for request in (*self.requests, *other.requests)}
        return _Asked(self.answer if self.answer.reason else other.answer, self.template, list(requests.values()))

    def row(self, stretches: Sequence[Stretch], findings: Sequence[BlockingLine]) -> CheckedRoute:
        answer = self.answer
        row = CheckedRoute(answer.method, self.template, True, answer.status, answer.reason or answer.cut)
        if not self.requests:
            return row
        ended = [request for request in self.requests if request.ended]
        return msgspec.structs.replace(
            row,
            kind=self.requests[-1].kind,
            sync_dependencies=self.requests[-1].sync_dependencies,
            background_in_threads=max(request.background_in_threads for request in self.requests),
            service_ms=_middle(request.service_ms for request in ended),
            blocked_ms=_middle(_blocked_ms(request, stretches) for request in self.requests),
            thread_ms=_middle(request.thread_ms for request in ended),
            cpu_ms=_middle(request.cpu_ms for request in ended),
            findings=tuple(findings),
            endpoint=self.requests[-1].endpoint,
            endpoint_place=self.requests[-1].endpoint_place,
            endpoint_can_be_def=self.requests[-1].endpoint_can_be_def,
            cannot_wait=self.requests[-1].cannot_wait,
            movable_dependencies=self.requests[-1].movable_dependencies,
        )


def _shown_path(request: RequestLine) -> str:
    """As an answer has it, which is without credentials."""
    return path_without_credentials(request.path, request.template or "")


def _by_route(asked: Iterable[_Asked]) -> list[_Asked]:
    routes: dict[str, _Asked] = {}
    for each in asked:
        routes[each.name] = routes[each.name].with_more(each) if each.name in routes else each
    return list(routes.values())


def _blocked_ms(request: RequestLine, stretches: Sequence[Stretch]) -> float:
    places = (place for stretch in stretches if stretch.request == request.number for place in stretch.places)
    return sum(own_ms(place) for place in places if not is_a_turn(place))


def _middle(values: Iterable[float]) -> float | None:
    known = list(values)
    return round(median(known), 1) if known else None
