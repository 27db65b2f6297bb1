"""One rule says which answers are right. The check before the load and the load itself both go by it."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.driving.inside.answer_checker import answer_checker
from harness.results.records.answer import answer_sha256, canonical_json, is_success, json_sha256
from harness.results.records.workload import Request, Workload
from harness.serving.answers import check_answers
from tests.hostile import HostileServer, says

# Few different values, so that equal ones and nearly equal ones are common.
SCALARS = st.sampled_from([None, True, False, 0, 1, 2, 0.0, -0.0, 1.0, "1", "", "a", 10**30, 1e30])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


def is_same(one: Any, other: Any) -> bool:
    """Written another way, and slowly."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return str(one) == str(other)  # 0.0 and -0.0 are written differently


@given(one=VALUES, other=VALUES)
def test_two_values_have_the_same_text_exactly_when_they_are_the_same(one: Any, other: Any) -> None:
    assert (canonical_json(one) == canonical_json(other)) == is_same(one, other)
    assert canonical_json(json.loads(canonical_json(one))) == canonical_json(one)


@given(answer=VALUES, body=VALUES.map(lambda value: json.dumps(value, indent=1).encode()))
def test_the_load_goes_by_it(answer: Any, body: bytes) -> None:
    assert answer_checker(answer)(body) == is_same(json.loads(body), answer)


@pytest.mark.parametrize(
    ("status", "body", "right"),
    [(200, b"1", True), (201, b" 1\n", True), (200, b"1.0", False), (200, b"true", False), (404, b"1", False)],
)
def test_the_check_before_the_load_goes_by_it_too(status: int, body: bytes, right: bool) -> None:
    assert (is_success(status) and answer_checker(1)(body)) == right
    response = b"HTTP/1.1 %d Whatever\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)
    with HostileServer([says(response)]) as server:
        verdict = check_answers(*server.address, Workload("w", "", "", "", (Request("/", 1),)), 5.0)
    assert (verdict.status == "ok") == right


@given(answer=VALUES, body=VALUES.map(lambda value: json.dumps(value, indent=1).encode()))
def test_a_digest_stands_for_an_answer(answer: Any, body: bytes) -> None:
    assert answer_checker(None, json_sha256(answer))(body) == is_same(json.loads(body), answer)


@pytest.mark.parametrize(("body", "right"), [(b'{"a":1}', True), (b'{"a":2}', False), (b"null", False)])
def test_the_check_before_the_load_goes_by_the_digest_and_tells_the_one_that_came(body: bytes, right: bool) -> None:
    response = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    expected = json_sha256({"a": 1})
    with HostileServer([says(response)]) as server:
        verdict = check_answers(*server.address, Workload("w", "", "", "", (Request("/", None, expected),)), 5.0)
    assert (verdict.status == "ok") == right
    assert right or f"of SHA-256 {json_sha256(json.loads(body))}, expected {expected}" in verdict.error


@pytest.mark.parametrize(
    ("refusals", "status", "right"), [(1, 503, True), (8, 504, True), (9, 503, False), (1, 500, False), (1, 429, False)]
)
def test_what_is_refused_is_asked_again_a_few_times(refusals: int, status: int, right: bool) -> None:
    no = says(b"HTTP/1.1 %d No\r\nContent-Length: 4\r\n\r\nbusy" % status)
    with HostileServer([*[no] * refusals, says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")]) as server:
        verdict = check_answers(*server.address, Workload("w", "", "", "", (Request("/", 1),)), 5.0)
    assert verdict.status == ("ok" if right else "failed")
    assert right or verdict.error == f"w: / answered {status} (busy)"


@pytest.mark.parametrize(
    ("one", "other", "ignore", "same"),
    [
        (b'{"id": 1, "of": [{"at": 1}]}', b'{"of": [{"at": 2}], "id": 1}', ("at",), True),
        (b'{"id": 1}', b'{"id": 2}', ("at",), False),
        (b'{"id": 1}', b'{"id":1}', (), False),
        (b"not JSON", b"not JSON", ("at",), True),
        (b"not JSON", b"not json", ("at",), False),
        (b"[" * 100_000, b"[" * 99_999, ("at",), False),
    ],
)
def test_two_answers_are_the_same_but_for_the_fields_that_differ_each_time(
    one: bytes, other: bytes, ignore: tuple[str, ...], same: bool
) -> None:
    assert (answer_sha256(one, ignore) == answer_sha256(other, ignore)) == same
    assert len(answer_sha256(b"")) == 64


@pytest.mark.parametrize(
    ("came", "expected", "error"),
    [
        (204, 204, ""),
        (503, 503, ""),
        (404, 404, ""),
        (302, 302, ""),
        (200, 201, "w: POST / answered 200 (), expected 201"),
        (500, 404, "w: POST / answered 500 (), expected 404"),
        (503, 200, "w: POST / answered 503 (), expected 200"),
    ],
)
def test_a_status_is_right_when_it_is_the_one_that_is_expected(came: int, expected: int, error: str) -> None:
    request = Request("/", None, method="POST", status=expected)
    with HostileServer([says(b"HTTP/1.1 %d Whatever\r\nContent-Length: 0\r\n\r\n" % came)]) as server:
        verdict = check_answers(*server.address, Workload("w", "", "", "", (request,)), 5.0)
    assert (verdict.status, verdict.error) == ("failed" if error else "ok", error)


@pytest.mark.parametrize(
    ("method", "came", "status"),
    [
        ("POST", 404, "not_applicable"),
        ("POST", 405, "not_applicable"),
        ("GET", 404, "not_applicable"),
        ("GET", 405, "failed"),
    ],
)
def test_a_route_without_that_method_is_not_there(method: str, came: int, status: str) -> None:
    request = Request("/", 1, method=method)
    with HostileServer([says(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % came)]) as server:
        assert check_answers(*server.address, Workload("w", "", "", "", (request,)), 5.0).status == status


def test_requests_of_one_name_are_told_apart_by_their_number() -> None:
    requests = tuple(Request("/", 1, method="POST", body=body) for body in ("a", "b"))
    answers = [says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number) for number in (1, 2)]
    with HostileServer(answers) as server:
        verdict = check_answers(*server.address, Workload("w", "", "", "", requests), 5.0)
    assert verdict.error == "w: POST / (request 2) answered 2, expected 1"


def test_a_run_that_was_stored_before_requests_had_methods_is_read_as_it_was() -> None:
    stored = msgspec.json.decode(b'[["/io",{"key":1}],["/json",null,"%b"]]' % (b"a" * 64), type=tuple[Request, ...])
    assert stored == (Request("/io", {"key": 1}), Request("/json", None, "a" * 64))
    assert {request.method for request in stored} == {"GET"} and {request.status for request in stored} == {None}
    assert msgspec.json.decode(msgspec.json.encode(stored), type=tuple[Request, ...]) == stored
