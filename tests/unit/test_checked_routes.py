"""`bench app` says one thing of a route, however many requests to it were made."""

from __future__ import annotations

from harness.analysis.app_check import checked
from harness.results.records.request_line import RequestLine
from harness.results.records.route_answer import RouteAnswer


def line(number: int, path: str, service_ms: float) -> RequestLine:
    return RequestLine(number, "GET", path, "/orders/{order}", "def", 0, 200, service_ms, 1.0, 0.0)


def test_several_requests_to_a_route_are_one_row_with_what_went_wrong() -> None:
    answers = [
        RouteAnswer("GET", None, "/orders/1", 200),
        RouteAnswer("GET", "/orders/{order}", "/orders/2?a=b", 500, "answered 500"),
        RouteAnswer("GET", None, "/orders/2", 404, "answered 404"),
        RouteAnswer("GET", "/orders/{order}", None, 0, "not asked"),
    ]
    requests = [line(1, "/orders/1", 10.0), line(2, "/orders/2", 20.0), line(3, "/orders/2", 30.0)]
    (row,) = checked(answers, [], requests, {}).routes
    assert (row.name, row.status, row.reason, row.asked) == ("GET /orders/{order}", 500, "answered 500", True)
    assert row.service_ms == 20.0


def test_an_answer_without_an_end_is_a_row_that_says_so() -> None:
    endless = RouteAnswer("GET", "/orders/{order}", "/orders/1", 200, cut="answers without an end (read for 1 s)")
    (row,) = checked([endless], [], [line(1, "/orders/1", 10.0)], {}).routes
    assert (row.status, row.reason, row.service_ms) == (200, "answers without an end (read for 1 s)", 10.0)
