"""Whatever a scenario names is sent as exactly that, or refused in one line."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.results.records.encoded_request import (
    RequestParts,
    accepting_json,
    check_expectation,
    encode_request,
    needs_length,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def refusal(path: str = "/x", **parts: Any) -> str:
    with pytest.raises(ValueError) as caught:
        encode_request(path, parts)  # type: ignore[arg-type]
    (line,) = str(caught.value).splitlines()
    assert repr(path) in line
    return line


def test_without_parts_it_is_a_plain_get() -> None:
    assert encode_request("/x?y=1", {}) == ("GET", {}, b"")


@given(value=JSON)
def test_json_is_a_body_that_says_what_it_is(value: Any) -> None:
    method, headers, body = encode_request("/x", {"method": "POST", "json": value})
    assert (method, headers) == ("POST", {"Content-Type": "application/json"})
    assert json.loads(body) == value


@given(fields=st.dictionaries(TEXT, TEXT | st.integers() | st.lists(TEXT, max_size=3), max_size=4))
def test_a_form_is_read_back_as_its_fields(fields: dict[str, Any]) -> None:
    _, headers, body = encode_request("/x", {"method": "POST", "form": fields})
    assert headers == {"Content-Type": "application/x-www-form-urlencoded"}
    lists = [(name, values if type(values) is list else [values]) for name, values in fields.items()]
    each = [(name, value) for name, values in lists for value in values]
    assert parse_qsl(body.decode(), keep_blank_values=True) == [(name, str(value)) for name, value in each]


@pytest.mark.parametrize(("body", "sent"), [("é", b"\xc3\xa9"), (b"\xff\0", b"\xff\0"), ("", b""), (None, b"")])
def test_a_body_is_sent_as_it_is_and_says_nothing_of_itself(body: str | bytes | None, sent: bytes) -> None:
    assert encode_request("/x", {"method": "PUT", "body": body}) == ("PUT", {}, sent)


@pytest.mark.parametrize("name", ["Content-Type", "content-type"])
def test_a_content_type_that_is_given_is_kept(name: str) -> None:
    given_type: RequestParts = {"method": "PATCH", "json": [], "headers": {name: "application/json-patch+json"}}
    assert encode_request("/x", given_type).headers == {name: "application/json-patch+json"}


@pytest.mark.parametrize("method", ["GE T", "", "GET\r\nX: y", "GET /x HTTP/1.1", "Ä", 5, None])
def test_a_method_is_a_token(method: Any) -> None:
    assert refusal(method=method) == f"'/x': method {method!r} is not a token such as POST"


def test_a_known_method_in_small_letters_and_a_tunnel_are_refused() -> None:
    assert refusal(method="post") == "'/x': method 'post' is written POST"
    assert "opens a tunnel" in refusal(method="CONNECT")
    assert encode_request("/x", {"method": "M-SEARCH"}).method == "M-SEARCH"


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"X": "a\r\nY: b"}, "header 'X': its value is not one line"),
        ({"X": "a\nY: b"}, "header 'X': its value is not one line"),
        ({"X": "a\0"}, "header 'X': its value is not one line"),
        ({"X": " a"}, "without blanks around it"),
        ({"X": "\N{SNOWMAN}"}, "its value is not one line of Latin-1"),
        ({"X": 1}, "header 'X': its value is not text"),
        ({"X: y\r\nZ": "a"}, "header 'X: y\\r\\nZ' is not named with a token"),
        ({"": "a"}, "header '' is not named with a token"),
        ({"content-Length": "3"}, "header 'content-Length' is written by the client; leave it out"),
        ({"Transfer-Encoding": "chunked"}, "is written by the client"),
        ({"Expect": "100-continue"}, "is written by the client"),
        ({"A": "1", "a": "2"}, "header 'a' is named twice"),
    ],
)
def test_a_header_that_would_be_read_as_something_else_is_refused(headers: dict[str, Any], said: str) -> None:
    assert said in refusal(headers=headers)


def test_the_value_of_a_header_is_not_repeated() -> None:
    assert "s3cret" not in refusal(headers={"Authorization": "Bearer s3cret\n"})


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"json": 1, "form": {}}, "has json and form; a request has one body"),
        ({"json": None, "body": ""}, "has json and body"),
        ({"form": {"a": "b"}, "body": "x", "json": 1}, "has json and form and body"),
        ({"json": {1, 2}}, "set is not JSON serializable"),
        ({"json": float("nan")}, "not JSON compliant"),
        ({"json": "\ud800"}, "surrogates not allowed"),
        ({"form": {"a": True}}, "form field 'a' is neither text nor a number"),
        ({"form": {"a": {}}}, "form field 'a' is neither text nor a number"),
        ({"form": {1: "a"}}, "form field 1 is neither"),
        ({"form": [("a", "b")]}, "form is not a dict"),
        ({"body": 5}, "body is neither text nor bytes"),
        ({"jsn": 1}, "no part 'jsn' of a request; there are body, form, headers, json, method, status"),
    ],
)
def test_a_body_that_cannot_be_sent_is_one_line(parts: dict[str, Any], said: str) -> None:
    assert said in refusal(**parts)


@pytest.mark.parametrize("path", ["x", "", "/x y", "/x\r\nX: y", "/é"])
def test_a_path_is_sent_unchanged_or_not_at_all(path: str) -> None:
    assert "is not / followed by visible ASCII" in refusal(path)


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        ({"has_answer": False, "sha256": "", "status": None}, "nothing says what is right; name an answer or a status"),
        ({"has_answer": True, "sha256": "", "status": 200}, "has an answer and a status; leave one out"),
        ({"has_answer": False, "sha256": "ab", "status": 200}, "has a SHA-256 and a status"),
        ({"has_answer": False, "sha256": "", "status": 99}, "status 99 is none of 200 to 599"),
        ({"has_answer": False, "sha256": "", "status": "201"}, "status '201' is none of 200 to 599"),
    ],
)
def test_one_thing_says_what_is_right(expectation: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_expectation("/x", "GET", **expectation)


def test_what_answers_head_is_a_status() -> None:
    check_expectation("/x", "HEAD", has_answer=False, sha256="", status=200)
    with pytest.raises(ValueError, match="'/x': what answers HEAD has no body; name a status"):
        check_expectation("/x", "HEAD", has_answer=True, sha256="", status=None)


def test_json_is_accepted_unless_the_headers_say_something_else() -> None:
    assert accepting_json({"X": "y"}) == {"Accept": "application/json", "X": "y"}
    assert accepting_json({"accept": "text/html"}) == {"accept": "text/html"}


@pytest.mark.parametrize(
    ("method", "body", "needed"), [("GET", "", False), ("GET", "x", True), ("POST", "", True), ("DELETE", "", False)]
)
def test_a_length_is_told_when_a_server_waits_for_a_body(method: str, body: str, needed: bool) -> None:
    assert needs_length(encode_request("/x", {"method": method, "body": body})) == needed
