"""What the one-request part of `bench app` says of an app: what each route costs, and the lines that block. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import NamedTuple
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from harness.analysis.blocking_lines import BlockingLine, blocking_lines, own_ms
from harness.results.records.blocked_stretch import Stretch
from harness.results.records.credentials import path_without_credentials
from harness.results.records.request_line import RequestLine
from harness.results.records.route_answer import RouteAnswer


class CheckedRoute(Struct, frozen=True):
    """Times are of one request, the median of those that were made; None where none was seen to its end. `endpoint` is
    the name of its function, and that it `cannot_wait` its code says."""

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
    cannot_wait: bool = False
    movable_dependencies: int = 0

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


class AppCheck(Struct, frozen=True):
    """`findings` are all of them: those of the routes, and those that no route is to blame for."""

    routes: tuple[CheckedRoute, ...]
    findings: tuple[BlockingLine, ...]


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
    return AppCheck(tuple(rows), tuple(findings))


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
        return msgspec.structs.replace(
            row,
            kind=self.requests[-1].kind,
            sync_dependencies=self.requests[-1].sync_dependencies,
            service_ms=_middle(request.service_ms for request in self.requests),
            blocked_ms=_middle(_blocked_ms(request, stretches) for request in self.requests),
            thread_ms=_middle(request.thread_ms for request in self.requests),
            cpu_ms=_middle(request.cpu_ms for request in self.requests),
            findings=tuple(findings),
            endpoint=self.requests[-1].endpoint,
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
    return sum(own_ms(place) for place in places)


def _middle(values: Iterable[float]) -> float:
    return round(median(values), 1)
