"""What is asked of somebody's own app under load: a workload for each of the routes that matter most, and the mix of
all. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote

import msgspec

from harness.analysis.app_check import AppCheck, CheckedRoute
from harness.results.records.app_record import ALL_ROUTES
from harness.results.records.app_request import AppRequest
from harness.results.records.request_line import RequestLine
from harness.results.records.route_answer import RouteAnswer

ALL = "all"
_MOST_CHARACTERS = 48  # of a workload's name


class Answered(NamedTuple):
    """What was asked, and what the app as it is answered."""

    request: AppRequest
    answer: RouteAnswer


class AppWorkload(NamedTuple):
    """`route` is "GET /orders/{id}", or `ALL_ROUTES`."""

    name: str
    route: str
    asked: tuple[Answered, ...]

    @property
    def requests(self) -> tuple[AppRequest, ...]:
        return tuple(each.request for each in self.asked)


def with_templates(requests: Sequence[AppRequest], seen: Sequence[RequestLine]) -> tuple[AppRequest, ...]:
    """The requests, with the route that the app itself named where only a path was known."""
    routes = {(line.method, line.path): line.template for line in seen if line.template}

    def named(request: AppRequest) -> AppRequest:
        found = routes.get((request.method, unquote(request.path.partition("?")[0])))
        return request if request.template or not found else msgspec.structs.replace(request, template=found)

    return tuple(named(request) for request in requests)


def answered_right(answered: Sequence[Answered]) -> list[Answered]:
    """Those that are asked under load: not those whose answer has no end, either."""
    return [each for each in answered if each.answer.status and not (each.answer.reason or each.answer.cut)]


def app_workloads(check: AppCheck, answered: Sequence[Answered], most: int) -> tuple[AppWorkload, ...]:
    """The mix of all, and the `most` routes for which a remedy may do most: those that block first, the longest before
    the others, then those that take a thread, then the slowest. What was not answered as it should is in none, and
    neither is what is answered without an end."""
    right = answered_right(answered)
    seen = {route.name: route for route in check.routes}
    routes = sorted(dict.fromkeys(each.request.route for each in right), key=lambda name: _urgency(seen.get(name)))
    names: set[str] = {ALL}
    found = []
    for route in routes[:most]:
        name = _name_of(route, names)
        names.add(name)
        found.append(AppWorkload(name, route, tuple(each for each in right if each.request.route == route)))
    mixed = [AppWorkload(ALL, ALL_ROUTES, tuple(right))] if len(routes) > 1 else []
    return (*mixed, *found)


def _urgency(route: CheckedRoute | None) -> tuple[float, float, float]:
    if route is None:
        return 0.0, 0.0, 0.0
    blocked_ms = max([route.blocked_ms or 0.0, *(line.ms for line in route.findings)]) if route.findings else 0.0
    return -blocked_ms, -(route.thread_ms or 0.0), -(route.service_ms or 0.0)


def _name_of(route: str, taken: set[str]) -> str:
    """A short one, for folders and tables: `get_orders_id`."""
    plain = re.sub(r"[^a-z0-9]+", "_", route.lower()).strip("_")[:_MOST_CHARACTERS] or "route"
    name = plain if plain[0].isalpha() else f"route_{plain}"
    number = 2
    while name in taken:
        name, number = f"{plain}_{number}", number + 1
    return name
