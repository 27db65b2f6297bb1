"""Which routes of somebody's own app are measured, and the workload files that ask them."""

from __future__ import annotations

import ast

from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.app_check import AppCheck, CheckedRoute
from harness.analysis.app_workloads import Answered, app_workloads, with_templates
from harness.analysis.blocking_lines import BlockingLine
from harness.driving.app_scenario import app_scenario
from harness.results.records.app_request import AppRequest
from harness.results.records.request_line import RequestLine
from harness.results.records.route_answer import RouteAnswer


def route(path: str, *, blocked_ms: float = 0.0, status: int = 200, reason: str = "") -> CheckedRoute:
    line = BlockingLine("/app/main.py", 3, "slow", "time.sleep", "waits", blocked_ms, "endpoint", f"GET {path}")
    lines = (line,) if blocked_ms else ()
    return CheckedRoute("GET", path, True, status, reason, "async def", 0, 5.0, blocked_ms, 0.0, 1.0, lines)


def check_of(*routes: CheckedRoute) -> AppCheck:
    return AppCheck(routes, tuple(line for each in routes for line in each.findings))


def answered(path: str, *, template: str = "", status: int = 200, reason: str = "") -> Answered:
    request = AppRequest(path=path, template=template)
    return Answered(request, RouteAnswer("GET", template or None, path, status, reason))


def test_the_mix_comes_first_then_the_routes_that_block_longest() -> None:
    check = check_of(route("/quick"), route("/slow", blocked_ms=50.0), route("/slower", blocked_ms=90.0))
    found = app_workloads(check, [answered("/quick"), answered("/slow"), answered("/slower")], most=2)
    assert [(each.name, each.route) for each in found] == [
        ("all", "all routes"),
        ("get_slower", "GET /slower"),
        ("get_slow", "GET /slow"),
    ]
    assert [request.path for request in found[0].requests] == ["/quick", "/slow", "/slower"]


def test_what_did_not_answer_as_it_should_is_not_measured() -> None:
    paths = [
        answered("/closed", status=401, reason="answered 401 (it asks for credentials)"),
        answered("/silent", status=0, reason="did not answer within 10 s"),
        Answered(AppRequest(path="/events"), RouteAnswer("GET", None, "/events", 200, cut="answers without an end")),
        answered("/gone", status=404),  # somebody has said that this is right
    ]
    (only,) = app_workloads(check_of(), paths, most=4)  # one route: the mix would be the same
    assert (only.name, only.route) == ("get_gone", "GET /gone")


def test_routes_that_look_alike_get_names_of_their_own() -> None:
    paths = [answered("/a/b"), answered("/a-b"), answered("/1/b", template="/{a}/b")]
    names = [each.name for each in app_workloads(check_of(), paths, most=4)]
    assert names == ["all", "get_a_b", "get_a_b_2", "get_a_b_3"]


def test_a_path_takes_the_name_of_the_route_that_answered_it() -> None:
    seen = [RequestLine(1, "GET", "/orders/7", "/orders/{id}", "def", 0, 200, 1.0, 1.0, 1.0)]
    for path in ("/orders/7?page=2", "/orders/%37"):
        (request,) = with_templates([AppRequest(path=path)], seen)
        assert request.route == "GET /orders/{id}"


@given(
    path=st.text(min_size=1),
    headers=st.dictionaries(st.text(min_size=1), st.text(), max_size=3),
    body=st.none() | st.binary(max_size=50),
    title=st.text(),
)
def test_what_is_asked_is_in_the_workload_file_whatever_it_holds(
    path: str, headers: dict[str, str], body: bytes | None, title: str
) -> None:
    request = AppRequest(path=path, headers=headers, body=body, weight=2.0)
    tree = ast.parse(app_scenario(title, [request, AppRequest(path="/b")], [201, 200]))
    assigned = {ast.unparse(each.targets[0]): each.value for each in tree.body if isinstance(each, ast.Assign)}
    asked = assigned["ASKED"]
    assert isinstance(asked, ast.List)
    first = asked.elts[0]
    assert isinstance(first, ast.Dict)
    fields = {ast.literal_eval(key): value for key, value in zip(first.keys, first.values, strict=True) if key}
    assert ast.literal_eval(fields["path"]) == path
    assert ast.literal_eval(fields.get("headers", ast.parse("{}", mode="eval").body)) == headers
    assert ast.unparse(fields["answer"]) == "Status(201)"
    assert (None if body is None else ast.literal_eval(fields["body"])) == body
    assert ast.literal_eval(assigned["WEIGHTS"]) == [2.0, 3.0]
