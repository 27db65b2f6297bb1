"""What is sent is what was asked, and nothing besides; what is right is what each call says."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.driving.inside.prepared_request import NO_ANSWER, PreparedRequest, Status, prepare_request

ADDRESS = ("127.0.0.1", 8000)
NAMES = st.text("Xab-_!~09", min_size=1, max_size=6)
WORDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=8)
VALUES = st.lists(WORDS, max_size=3).map(lambda words: " ".join(words).strip(" "))
HEADERS = st.dictionaries(NAMES, VALUES, max_size=4).filter(lambda each: len(set(map(str.lower, each))) == len(each))
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"])
ODD = st.text("aZ:/ \r\n\t\0é\x85\u2028,;", max_size=8)


def prepare(path: str = "/x", answer: Any = NO_ANSWER, sha256: str = "", **parts: Any) -> PreparedRequest:
    return prepare_request(ADDRESS, path, answer, sha256, parts)  # type: ignore[arg-type]


def parsed(request: bytes) -> tuple[str, str, dict[str, str], bytes]:
    """By a server's parser; it must be one whole request."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(request)
    head = server.next_event()
    assert isinstance(head, h11.Request)
    body = b""
    while not isinstance(event := server.next_event(), h11.EndOfMessage):
        assert isinstance(event, h11.Data), event
        body += bytes(event.data)
    assert server.trailing_data == (b"", False)
    headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
    assert len(headers) == len(head.headers)
    return head.method.decode(), head.target.decode(), headers, body


def test_a_plain_question_is_sent_as_ever() -> None:
    plain = prepare("/io?key=1", {"key": 1})
    assert plain.request == b"GET /io?key=1 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nAccept: application/json\r\n\r\n"
    assert (plain.method, plain.name, plain.url) == ("GET", "/io", "http://127.0.0.1:8000/io?key=1")
    assert plain.is_right(b'{"key": 1}') and not plain.is_right(b'{"key": 2}')


@given(method=METHODS, headers=HEADERS, body=st.binary(max_size=50))
def test_a_servers_parser_reads_back_what_was_asked(method: str, headers: dict[str, str], body: bytes) -> None:
    request = prepare("/x?y=1", 1, method=method, headers=headers, body=body).request
    got_method, path, got_headers, got_body = parsed(request)
    length = {"content-length": str(len(body))} if body or method in ("POST", "PUT", "PATCH") else {}
    given_headers = {name.lower(): value for name, value in headers.items()}
    assert (got_method, path, got_body) == (method, "/x?y=1", body)
    assert got_headers == {"host": "127.0.0.1:8000", "accept": "application/json", **length, **given_headers}


@given(path=ODD.map("/".__add__), method=ODD | METHODS, name=ODD | NAMES, value=ODD)
def test_nothing_can_be_smuggled_into_it(path: str, method: str, name: str, value: str) -> None:
    try:
        request = prepare(path, 1, method=method, headers={name: value}).request
    except ValueError as error:
        assert len(str(error).splitlines()) == 1
        return
    got_method, got_path, got_headers, body = parsed(request)
    assert (got_method, got_path, body) == (method, path, b"")
    assert got_headers.keys() - {"content-length"} == {"host", "accept", name.lower()}
    assert got_headers[name.lower()] == value


def test_a_host_and_what_is_accepted_may_be_named() -> None:
    _, _, headers, _ = parsed(prepare(answer=1, headers={"host": "shop.test", "ACCEPT": "*/*"}).request)
    assert headers == {"host": "shop.test", "accept": "*/*"}


def test_the_same_question_is_prepared_once_for_all_users() -> None:
    def one() -> PreparedRequest:
        return prepare("/a", {"made": 1}, method="POST", json={"item": [1]})

    assert one() is one()
    assert prepare_request(("127.0.0.1", 9), "/a", {"made": 1}, "", {}).url == "http://127.0.0.1:9/a"


def test_a_body_or_an_answer_that_is_changed_between_two_requests_is_another_one() -> None:
    body, answer = {"item": 1}, {"made": 1}
    before = prepare(answer=answer, method="POST", json=body)
    body["item"], answer["made"] = 2, 2
    after = prepare(answer=answer, method="POST", json=body)
    assert (parsed(before.request)[3], parsed(after.request)[3]) == (b'{"item":1}', b'{"item":2}')
    assert before.is_right(b'{"made":1}') and after.is_right(b'{"made":2}') and not after.is_right(b'{"made":1}')


@pytest.mark.parametrize("other", [True, 1.0, "1", [1], {"a": 1}])
def test_equal_values_of_other_types_are_other_answers(other: Any) -> None:
    assert not prepare("/types", other, method="GET").is_right(b"1")
    assert prepare("/types", 1, method="GET").is_right(b"1")


def test_values_that_only_python_knows_are_sent_too() -> None:
    class Size(IntEnum):
        LARGE = 3

    assert parsed(prepare(answer=1, method="POST", json={"size": Size.LARGE}).request)[3] == b'{"size":3}'


def test_a_status_is_the_answer_however_it_is_named() -> None:
    for asked in (prepare("/gone", Status(404)), prepare("/gone", status=404), prepare("/gone", None, status=404)):
        assert asked.status == 404
    assert prepare(answer=1).status is None


def test_each_call_has_its_own_predicate() -> None:
    first, second = (prepare("/p", lambda body, right=right: body == right, method="POST") for right in (b"1", b"2"))
    assert first.request is second.request
    assert first.is_right(b"1") and not first.is_right(b"2")
    assert second.is_right(b"2") and not second.is_right(b"1")


def test_head_is_answered_without_a_body() -> None:
    assert prepare("/x", Status(200), method="HEAD").is_head
    assert not prepare("/x", Status(200)).is_head
    with pytest.raises(ValueError, match="what answers HEAD has no body"):
        prepare("/x", lambda body: True, method="HEAD")


@pytest.mark.parametrize(
    ("answer", "more", "said"),
    [
        (NO_ANSWER, {}, "'/x': nothing says what is right; name an answer or a status"),
        (1, {"status": 200}, "'/x' has an answer and a status"),
        (Status(200), {"status": 200}, r"'/x' has Status\(code=200\) and a status; leave one out"),
        (Status(99), {}, "status 99 is none of 200 to 599"),
        ({1, 2}, {}, "'/x': its answer is not JSON: Object of type set is not JSON serializable"),
        (1, {"jsn": 1}, "no part 'jsn' of a request"),
    ],
)
def test_what_has_no_one_right_answer_is_refused_each_time(answer: Any, more: dict[str, Any], said: str) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match=said):
            prepare("/x", answer, **more)
