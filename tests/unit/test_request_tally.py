from __future__ import annotations

import pytest

from harness.driving.inside.request_tally import RequestTally, bucket_us, error_text, failure_text
from harness.results.records.locust_lines import OTHER_NAMES, NamedRequests, SecondOfRequests


def test_requests_are_counted_by_name_and_by_second() -> None:
    tally = RequestTally()
    for time_ms in (1.0, 1.0, 2.5):
        tally.add("GET", "/a", time_ms, 0)
    tally.add("GET", "/a", 9.0, 1, failure="answered 500")
    tally.add("POST", "/a", 4.0, 1)
    tally.add_given_up("GET", "/never", 3000.0)
    assert tally.named() == [
        NamedRequests(
            method="GET",
            name="/a",
            count=4,
            failures=1,
            failure_texts={"answered 500": 1},
            answered_us=((1000, 2), (2500, 1)),
        ),
        NamedRequests(method="POST", name="/a", count=1, answered_us=((4000, 1),)),
        NamedRequests(method="GET", name="/never", given_up_us=((3000000, 1),)),
    ]
    assert tally.seconds() == [
        SecondOfRequests(second=0, count=3, failures=0, longest_ms=2.5),
        SecondOfRequests(second=1, count=2, failures=1, longest_ms=9.0),
    ]


def test_memory_does_not_grow_with_names_texts_or_times() -> None:
    tally = RequestTally()
    for number in range(3000):
        tally.add("GET", f"/orders/{number}", 1.0, 0)
        tally.add("GET", "/a", number / 7, 0, failure=f"reason {number}")
    rows = {row.name: row for row in tally.named()}
    assert len(rows) == 1001
    assert rows[OTHER_NAMES].count == 3000 - 999
    assert len(rows["/a"].failure_texts) == 6
    assert sum(rows["/a"].failure_texts.values()) == 3000
    tally = RequestTally()
    for number in range(100_000):
        tally.add("GET", "/a", 100 + number / 7, 0)
    (row,) = tally.named()
    assert sum(many for _, many in row.answered_us) == 100_000
    assert len(row.answered_us) < 20_000


@pytest.mark.parametrize(
    ("time_ms", "expected_us"),
    [(0.0, 0), (-1.0, 0), (1.2345, 1234), (12.3411, 12350), (1234.567, 1235000), (9999.9, 10000000)],
)
def test_times_have_four_figures_and_are_never_made_shorter(time_ms: float, expected_us: int) -> None:
    assert bucket_us(time_ms) == expected_us


class HTTPError(Exception):
    pass


class CatchResponseError(Exception):
    pass


class Answer:
    status_code = 503


def test_the_same_reason_is_the_same_text() -> None:
    assert failure_text(HTTPError("503 Server Error for url: http://127.0.0.1:1/x?a=1"), Answer()) == "answered 503"
    assert failure_text(CatchResponseError("no stock"), Answer()) == "no stock"
    refused = "HTTPConnectionPool: Max retries exceeded with url: /x?token=1 (Caused by <C object at 0x7f1>)"
    assert failure_text(ConnectionError(refused), None) == (
        "ConnectionError: HTTPConnectionPool: Max retries exceeded (Caused by <C>)"
    )
    assert failure_text(OSError("URL http://127.0.0.1:1/x?token=1: reset\nmore"), None) == "OSError: reset"
    assert error_text(KeyError("token")) == "KeyError: 'token'"
    assert error_text(ValueError()) == "ValueError"
    assert len(failure_text(ValueError("x" * 10_000), None)) == 200
