"""Where the requests of `bench app` come from, and what is said when they went wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.cli.app_requests import given_requests, why_no_load, why_no_success, wrong_status_lines
from harness.results.records.app_request import AppRequest
from harness.results.records.errors import UsageError
from harness.results.records.route_answer import RouteAnswer
from harness.serving.openapi_routes import routes_of_schema

KNOWN = routes_of_schema(
    {
        "paths": {
            "/quick": {"get": {}},
            "/orders/{order}": {"get": {"parameters": [{"name": "order", "in": "path"}]}, "delete": {}},
        }
    }
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_a_file_the_schema_says_what_is_asked() -> None:
    given = given_requests(ask=["/orders/7?a=b"])
    assert given.said == ""
    assert given.to_ask(KNOWN) == [
        AppRequest(path="/quick", template="/quick"),
        AppRequest(path="/orders/7?a=b", template="/orders/{order}"),
    ]
    (left,) = given.not_asked(KNOWN)
    assert (left.method, left.template, left.path) == ("DELETE", "/orders/{order}", None)
    assert left.reason == "DELETE is sent only when bench-app.toml has it; see --init"


def test_the_file_of_the_current_folder_replaces_the_schema() -> None:
    Path("bench-app.toml").write_text("[[request]]\nmethod = 'DELETE'\npath = '/orders/7'\n")
    given = given_requests(ask=["/x"])
    assert given.said == "bench-app.toml: 1 request"
    assert [each.route for each in given.to_ask(KNOWN)] == ["DELETE /orders/{order}", "GET /x"]
    reasons = {answer.template: answer.reason for answer in given.not_asked(KNOWN)}
    assert reasons == dict.fromkeys(["/quick", "/orders/{order}"], "bench-app.toml does not ask for it")


def test_a_file_that_is_named_comes_before_it() -> None:
    Path("bench-app.toml").write_text("broken")
    Path("other.toml").write_text("[[request]]\npath = '/a'\n[[request]]\npath = '/b'\n")
    assert given_requests(requests=Path("other.toml")).said == "other.toml: 2 requests"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"requests": Path("a"), "har": Path("b")}, "--requests a: --har b says what is asked, too; leave one of them"),
        ({"har_host": "x"}, "--har-host: is for a recording; add --har FILE"),
        ({"with_credentials": True}, "--with-credentials: is for a recording; add --har FILE"),
        ({"unsafe": True}, "--unsafe: is for a recording; add --har FILE"),
        ({"ask": ["orders"]}, "--ask orders: begin it with /"),
        ({"ask": ["/\udcff"]}, "--ask /\N{REPLACEMENT CHARACTER}: is no path "),
    ],
)
def test_options_that_mean_nothing_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=f"^{words}"):
        given_requests(**options)


def answer(status: int, reason: str = "", expected: int | None = None, path: str | None = "/a") -> RouteAnswer:
    return RouteAnswer("GET", "/a", path, status, reason, expected=expected)


def test_a_status_that_was_not_the_expected_one_is_a_line() -> None:
    wrong = [answer(500, "answered 500, expected 200", 200), answer(0, "did not answer within 10 s", 200)]
    said = ["GET /a: answered 500, expected 200", "GET /a: did not answer within 10 s"]
    assert wrong_status_lines([*wrong, answer(500, "answered 500"), answer(404, expected=404)]) == said


@pytest.mark.parametrize("answers", [[answer(200)], [answer(404, expected=404)], [answer(302, "a redirect")]])
def test_one_right_answer_is_success(answers: list[RouteAnswer]) -> None:
    assert why_no_success([answer(500, "answered 500"), *answers]) == ""


def test_without_success_the_way_out_depends_on_what_was_answered() -> None:
    closed = [answer(401, "answered 401"), answer(403, "answered 403"), answer(0, "not asked", path=None)]
    assert why_no_success(closed).startswith("every route asks for credentials; give them as headers in bench-app.toml")
    for other in ([], [answer(0, "not asked", path=None)], [*closed, answer(500, "answered 500")]):
        assert why_no_success(other).startswith("no route answered with success; ")


def test_what_has_no_end_and_what_leads_elsewhere_cannot_be_measured_under_load() -> None:
    endless = RouteAnswer("GET", "/a", "/a", 200, cut="answers without an end (read for 1 s)", expected=200)
    assert wrong_status_lines([endless]) == []
    assert why_no_success([endless]) == ""
    for answers in ([endless], [endless, answer(302, "a redirect")]):
        assert why_no_load(answers).startswith("no route has a right answer with an end, so nothing can be measured")
    assert why_no_load([endless, answer(200)]) == ""
