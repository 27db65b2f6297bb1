from __future__ import annotations

import datetime
from typing import Any

import msgspec
import pytest

from harness.results.records.app_request import AppRequest
from harness.serving.request_entry import RequestEntry


def made(**keys: Any) -> AppRequest:
    return msgspec.convert(keys, RequestEntry).request()


def test_what_is_left_out_has_its_default() -> None:
    assert made(path="/") == AppRequest(path="/")


def test_a_query_is_added_to_that_of_the_path() -> None:
    assert made(path="/a", query={"b": "x&y", "c": [1, 2], "d": True}).path == "/a?b=x%26y&c=1&c=2&d=true"
    assert made(path="/a?b=1", query={"c": ""}).path == "/a?b=1&c="


def test_a_path_is_sent_percent_encoded_and_what_is_encoded_stays() -> None:
    assert made(path="/ä b/%2F/c#part").path == "/%C3%A4%20b/%2F/c"
    assert made(path="/a?filter={x}").path == "/a?filter=%7Bx%7D"


def test_a_body_has_its_content_type_unless_the_headers_say_another() -> None:
    post = made(method="post", path="/", json={"a": [1, None, "ä"]})
    assert (post.method, post.body) == ("POST", '{"a":[1,null,"ä"]}'.encode())
    assert post.headers == {"Content-Type": "application/json"}
    assert made(path="/", json={}, headers={"content-type": "a/b"}).headers == {"content-type": "a/b"}
    form = made(path="/", form={"a": "x y", "b": [False, 2.5]})
    assert (form.body, form.headers) == (b"a=x+y&b=false&b=2.5", {"Content-Type": "application/x-www-form-urlencoded"})
    assert (made(path="/", body="ä").body, made(path="/", body="").headers) == ("ä".encode(), {})


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"path": "a"}, r"path: begin it with /, as in '/a'"),
        ({"path": "/orders/{order}/x"}, r"path: put a value in place of \{order\}"),
        ({"json": 1, "body": "x"}, "json and body: a request has one body"),
        ({"json": {"a": datetime.date(2026, 1, 1)}}, "json: .* such as a date or nan; put it into quotes"),
        ({"json": float("nan")}, "json: .* such as a date or nan"),
        ({"headers": {"a b": ""}}, "headers: 'a b' is no name of a header"),
        ({"headers": {"A": "x\r\nB: y"}}, "headers: the value of A has a line end"),
        ({"headers": {"A": "\N{EURO SIGN}"}}, "headers: the value of A has .* beyond Latin-1; percent-encode it"),
        ({"headers": {"Content-length": "3"}}, "headers: Content-length is set by whoever sends the request"),
    ],
)
def test_what_cannot_be_sent_names_the_key(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        made(**{"path": "/", **keys})
