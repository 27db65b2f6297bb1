from __future__ import annotations

import pytest

from harness.results.records.app_request import AppRequest
from harness.results.records.route_answer import RouteAnswer, wrong_status


@pytest.mark.parametrize(
    ("status", "expected", "words"),
    [
        (200, None, ""),
        (204, None, ""),
        (401, 401, ""),
        (302, 302, ""),
        (500, None, "answered 500"),
        (200, 201, "answered 200, expected 201"),
        (403, None, "answered 403 (it asks for credentials)"),
        (401, 200, "answered 401, expected 200 (it asks for credentials)"),
    ],
)
def test_a_wrong_status_is_one_phrase(status: int, expected: int | None, words: str) -> None:
    assert wrong_status(status, expected) == words


def test_a_redirect_says_where_it_leads_without_the_query_and_in_one_line() -> None:
    said = wrong_status(307, None, "http://127.0.0.1:1/a\x1b[31m\nb?code=hunter2")
    assert (
        said
        == "answered 307 (a redirect to http://127.0.0.1:1/a\N{REPLACEMENT CHARACTER}[31m b, which is not followed)"
    )
    assert len(wrong_status(307, None, "/" + "x" * 9999)) < 200


def test_who_expects_a_refusal_is_not_told_to_give_credentials() -> None:
    assert RouteAnswer("GET", None, "/", 401, "answered 401").asks_for_credentials
    assert not RouteAnswer("GET", None, "/", 401, "", expected=401).asks_for_credentials


def test_a_request_has_the_name_of_its_route() -> None:
    assert AppRequest(path="/orders/7?a=b", template="/orders/{id}").route == "GET /orders/{id}"
    assert AppRequest(method="POST", path="/orders?a=b").route == "POST /orders"
