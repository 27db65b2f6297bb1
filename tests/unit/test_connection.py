"""The connection against a raw socket server that answers byte for byte what a test says."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import gevent
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.driving.inside.connection import (
    Connection,
    ConnectionBrokenError,
    ExchangeAbortedError,
    ExchangeError,
    ExchangeTimeoutError,
    MalformedResponseError,
)

ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Script:
    """Each accepted connection answers its requests with the next parts; `None` closes it, `...` says nothing."""

    def __init__(self, *connections: list[bytes | None]) -> None:
        self._connections = list(connections)
        self.accepted = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = ("127.0.0.1", self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for answers in self._connections:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._open.append(peer)
            for answer in answers:
                if answer is None:
                    break
                try:
                    if not peer.recv(65536):
                        break
                    peer.sendall(answer)
                except OSError:
                    break
            else:
                continue
            peer.close()

    def close(self) -> None:
        self._listener.close()
        for peer in self._open:
            peer.close()
        self._thread.join(5)


@contextmanager
def scripted(*connections: list[bytes | None]) -> Iterator[tuple[Script, Connection]]:
    server = Script(*connections)
    connection = Connection(server.address)
    try:
        yield server, connection
    finally:
        connection.close()
        server.close()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (OK, (200, b"ok")),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 1\r\n\r\n!", (500, b"!")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"")),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", (304, b"")),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n3\r\nyes\r\n0\r\n\r\n", (200, b"okyes")),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, (200, b"ok")),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, (200, b"ok")),
    ],
)
def test_framings(answer: bytes, expected: tuple[int, bytes]) -> None:
    with scripted([answer, OK]) as (server, connection):
        assert connection.exchange(ASK, 5) == expected
        assert connection.exchange(ASK, 5) == (200, b"ok")
        assert server.accepted == 1


def test_a_body_may_end_with_the_connection() -> None:
    with scripted([b"HTTP/1.1 200 OK\r\n\r\nall of it", None], [OK]) as (server, connection):
        assert connection.exchange(ASK, 5) == (200, b"all of it")
        assert connection.exchange(ASK, 5) == (200, b"ok")
        assert server.accepted == 2


def test_connection_close_is_obeyed() -> None:
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    with scripted([closing], [OK]) as (server, connection):
        assert connection.exchange(ASK, 5) == connection.exchange(ASK, 5) == (200, b"ok")
        assert server.accepted == 2


def test_a_kept_alive_connection_that_was_closed_meanwhile_is_replaced() -> None:
    with scripted([OK, None], [OK]) as (server, connection):
        assert connection.exchange(ASK, 5) == (200, b"ok")
        gevent.sleep(0.1)  # the hub is told
        assert connection.exchange(ASK, 5) == (200, b"ok")
        assert server.accepted == 2


def test_an_idle_connection_is_looked_at_before_it_is_used_though_the_hub_had_no_turn() -> None:
    with scripted([OK, None], [OK]) as (server, connection):
        assert connection.exchange(ASK, 5) == (200, b"ok")
        time.sleep(1.0)  # not gevent's: nothing is told
        assert connection.exchange(ASK, 5) == (200, b"ok")
        assert server.accepted == 2


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\n"])
def test_a_request_dropped_on_a_kept_alive_connection_is_not_sent_again_unseen(answer: bytes) -> None:
    with scripted([OK, answer, None], [OK]) as (server, connection):
        assert connection.exchange(ASK, 5) == (200, b"ok")
        with pytest.raises(ConnectionBrokenError):
            connection.exchange(ASK, 5)
        assert server.accepted == 1
        assert connection.exchange(ASK, 5) == (200, b"ok")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel does not stamp")
def test_a_response_has_arrived_when_the_kernel_had_it_however_late_we_look() -> None:
    with scripted([OK] * 3) as (_, connection):
        connection.exchange(ASK, 5)
        connection.by_kernel = True
        connection.exchange(ASK, 5)
        time.sleep(0.1)  # the kernel begins to stamp once somebody has asked for it, a moment later
        began_s = monotonic()
        gevent.spawn(time.sleep, 0.2)  # takes the whole process, like a neighbour on the same core
        connection.exchange(ASK, 5)
        assert monotonic() - began_s >= 0.2
        assert 0 < connection.arrived_s - began_s < 0.1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok",
        b"HTTP/1.1 200",
        b"",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
)
def test_a_truncated_response_is_a_broken_connection(answer: bytes) -> None:
    with scripted([answer, None]) as (_, connection), pytest.raises(ConnectionBrokenError):
        connection.exchange(ASK, 5)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    ],
)
def test_what_is_not_http_is_malformed(answer: bytes) -> None:
    with scripted([answer, None]) as (_, connection), pytest.raises(MalformedResponseError):
        connection.exchange(ASK, 5)


def test_an_endless_body_ends_at_the_limit() -> None:
    huge = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * (9 << 20)
    with scripted([huge]) as (_, connection), pytest.raises(MalformedResponseError, match="larger than"):
        connection.exchange(ASK, 20)


def test_silence_is_a_timeout_of_the_whole_exchange() -> None:
    with scripted([b"HTTP/1.1 200 OK\r\n"]) as (_, connection):
        began_s = monotonic()
        with pytest.raises(ExchangeTimeoutError):
            connection.exchange(ASK, 0.2)
        assert 0.2 <= monotonic() - began_s < 2


def test_refused_is_broken_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with pytest.raises(ConnectionBrokenError):
        Connection(address).exchange(ASK, 5)


def test_abort_from_another_greenlet_ends_the_exchange_now() -> None:
    with scripted([b"HTTP/1.1 200 OK\r\n"]) as (_, connection):
        gevent.spawn_later(0.05, connection.abort)
        began_s = monotonic()
        with pytest.raises(ExchangeAbortedError):
            connection.exchange(ASK, 30)
        assert monotonic() - began_s < 5


HEAD = b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 15\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 0\r\n"]
)
@pytest.mark.parametrize("status", [200, 204, 404])
def test_what_answers_head_is_whole_when_its_headers_are(framing: bytes, status: int) -> None:
    head = b"HTTP/1.1 %d Whatever\r\n%b\r\n" % (status, framing)
    with scripted([b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + head, OK, head, OK]) as (server, connection):
        for _ in range(2):
            assert connection.exchange(HEAD, 5, is_head=True) == (status, b"")
            assert connection.exchange(ASK, 5) == (200, b"ok"), "nothing of it is left"
        assert server.accepted == 1


def test_a_head_that_is_answered_with_a_body_costs_the_connection_and_no_later_answer() -> None:
    with scripted([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"], [OK]) as (server, connection):
        assert connection.exchange(HEAD, 5, is_head=True) == (200, b"")
        assert connection.exchange(ASK, 5) == (200, b"ok")
        assert server.accepted == 2


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_a_head_whose_headers_do_not_come_is_broken(answer: bytes) -> None:
    with scripted([answer, None], [OK]) as (_, connection):
        with pytest.raises(ConnectionBrokenError):
            connection.exchange(HEAD, 5, is_head=True)
        assert connection.exchange(ASK, 5) == (200, b"ok")


def test_a_redirect_is_an_answer() -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    with scripted([redirect, OK]) as (server, connection):
        assert connection.exchange(ASK, 5) == (302, b"")
        assert connection.exchange(ASK, 5) == (200, b"ok")
        assert server.accepted == 1


@contextmanager
def swallowing(expected: int, early: bytes, late: bytes) -> Iterator[tuple[tuple[str, int], list[int]]]:
    """A server that says `early`, reads `expected` bytes and says `late`; how many it read."""
    read = [0]

    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.sendall(early)
            while read[0] < expected and (part := peer.recv(65536)):
                read[0] += len(part)
            peer.sendall(late)
            peer.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname(), read
        thread.join(5)


@pytest.mark.parametrize(("early", "late"), [(b"", OK), (OK, b"")])
def test_a_body_larger_than_the_sockets_buffer_is_sent_whole(early: bytes, late: bytes) -> None:
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n" + b"x" * 20_000_000
    with swallowing(len(request), early, late) as (address, read):
        connection = Connection(address)
        assert connection.exchange(request, 20) == (200, b"ok")
        connection.close()
    assert read == [len(request)]


def test_a_server_that_answers_and_does_not_read_the_rest_is_waited_for_without_spinning() -> None:
    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n" + b"x" * 20_000_000
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = Connection(listener.getsockname())
        accepted: list[socket.socket] = []

        def answer() -> None:
            peer, _ = listener.accept()
            peer.sendall(OK)
            accepted.append(peer)

        gevent.spawn_later(0.05, answer)
        began_cpu_s = time.process_time()
        with pytest.raises(ExchangeTimeoutError):
            connection.exchange(request, 0.6)
        assert time.process_time() - began_cpu_s < 0.3
        accepted[0].close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=60).map(lambda tail: OK[:-2] + tail),
        st.binary(max_size=60).map(lambda tail: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + tail),
        st.tuples(st.integers(0, len(OK)), st.binary(max_size=5)).map(lambda at: OK[: at[0]] + at[1] + OK[at[0] :]),
    )
)
def test_whatever_comes_gives_a_response_or_an_exchange_error(answer: bytes) -> None:
    with scripted([answer, None], [answer, None]) as (_, connection):
        for _ in range(2):
            try:
                status, body = connection.exchange(ASK, 60)  # a busy machine took more than 5 s for it
            except ExchangeTimeoutError:
                raise AssertionError("hung on a closed connection") from None
            except ExchangeError:
                continue
            assert 200 <= status <= 999
            assert isinstance(body, bytes)
