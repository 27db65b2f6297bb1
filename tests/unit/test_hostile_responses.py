"""Whatever a server does, an exchange ends in a response or in an ExchangeError, in time, and the next one is clean."""

from time import monotonic

import gevent
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.driving.inside.connection import (
    Connection,
    ConnectionBrokenError,
    ExchangeError,
    ExchangeTimeoutError,
    MalformedResponseError,
)
from tests.hostile import (
    CHUNKED,
    CORPUS,
    ENDLESS,
    HEAD,
    OK,
    Behaviour,
    HostileServer,
    never_ends,
    resets_after,
    says,
)

ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
RIGHT = (200, b'{"right": true}')
_TIMEOUT_S = 5.0
_FULL = CHUNKED + b'7\r\n{"right\r\n8\r\n": true}\r\n0\r\n\r\n'


def outcome(behave: Behaviour, timeout_s: float = _TIMEOUT_S) -> tuple[int, bytes] | type[ExchangeError]:
    """Of an exchange with it; a right one must follow on the same Connection."""
    with HostileServer([behave, says(OK)]) as server:
        connection = Connection(server.address)
        try:
            ended: tuple[int, bytes] | type[ExchangeError]
            try:
                ended = connection.exchange(ASK, timeout_s)
            except ExchangeError as error:
                ended = type(error)
            gevent.sleep(0.005)  # as between two requests: the hub learns that the server has closed
            assert connection.exchange(ASK, _TIMEOUT_S) == RIGHT
        finally:
            connection.close()
    return ended


@pytest.mark.parametrize("name", CORPUS)
def test_what_no_server_should_say_ends_in_an_outcome_and_taints_nothing(name: str) -> None:
    ended = outcome(says(CORPUS[name]))
    assert ended is not ExchangeTimeoutError, "hung on a closed connection"
    if name in ("two responses at once", "half a response too much", "body that ends with the connection"):
        assert ended == RIGHT
    if name in ("nothing", "more promised than sent", "chunks without an end", "only interim responses"):
        assert ended is ConnectionBrokenError
    if name in ("tls alert", "http/0.9", "two lengths", "length and chunks", "chunk size not hex", "negative length"):
        assert ended is MalformedResponseError


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_ended_by_the_size_limit_however_fast_it_comes(name: str) -> None:
    assert outcome(never_ends(*ENDLESS[name]), timeout_s=30.0) is MalformedResponseError


@pytest.mark.parametrize("name", ["headers", "body", "announced body", "interim responses", "chunks", "empty lines"])
def test_a_byte_at_a_time_is_ended_by_the_deadline(name: str) -> None:
    begin, again = ENDLESS[name]
    began_s = monotonic()
    small = again[: len(again) // 500 or 1] if name == "interim responses" else again[:6]
    assert outcome(never_ends(begin, small, pause_s=0.02), timeout_s=0.25) is ExchangeTimeoutError
    assert 0.25 <= monotonic() - began_s < 3


@pytest.mark.parametrize(("whole", "complete_from"), [(OK, len(OK)), (_FULL, len(_FULL))])
def test_closing_at_any_byte_is_a_broken_connection(whole: bytes, complete_from: int) -> None:
    for cut in range(len(whole) + 1):
        assert outcome(says(whole[:cut])) == (RIGHT if cut >= complete_from else ConnectionBrokenError), cut


def test_closing_at_any_byte_of_a_body_without_length_is_its_end() -> None:
    head = HEAD + b"A: b\r\n\r\n"
    whole = head + b"body"
    for cut in range(len(whole) + 1):
        expected = (200, whole[len(head) : cut]) if cut >= len(head) else ConnectionBrokenError
        assert outcome(says(whole[:cut])) == expected, cut


@pytest.mark.parametrize("cut", [0, 1, 12, len(OK) - 16, len(OK) - 1])
def test_a_reset_is_a_broken_connection(cut: int) -> None:
    assert outcome(resets_after(OK[:cut])) is ConnectionBrokenError


def test_what_comes_unasked_is_no_answer_to_the_next_request() -> None:
    wrong = OK.replace(b" true", b"false")
    with HostileServer([says(OK + wrong), says(OK)]) as server:
        connection = Connection(server.address)
        assert connection.exchange(ASK, _TIMEOUT_S) == RIGHT
        gevent.sleep(0.005)
        assert connection.exchange(ASK, _TIMEOUT_S) == RIGHT
        connection.close()


_PIECES = st.sampled_from(
    [*CORPUS.values(), OK, CHUNKED, HEAD, b"\r\n", b"0\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.one_of(_PIECES, st.binary(max_size=20)), min_size=1, max_size=4).map(b"".join),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=2)), max_size=4),
)
def test_any_mixture_of_them_mutated_ends_in_an_outcome(content: bytes, changes: list[tuple[float, bytes]]) -> None:
    mutated = bytearray(content)
    for where, put in changes:
        at = int(where * len(mutated))
        mutated[at : at + 1] = put
    assert outcome(says(bytes(mutated))) is not ExchangeTimeoutError
