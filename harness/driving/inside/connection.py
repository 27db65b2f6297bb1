"""One keep-alive HTTP/1.1 connection under gevent, parsed by httptools (Node's llhttp).

Stock clients cost more than the server they measure (see `bench calibrate`); this one does what a load generator
needs and nothing else: keep-alive, chunked, bodies that end with the connection, a size limit and one
deadline for the whole exchange. It follows no redirect.

What makes it quick (tests/figures/test_generator_speed.py measures the whole: 15 us of CPU a request on the machine of
November 2026, half of it the kernel's):

- a plain non-blocking socket and one watcher for the connection's whole life, instead of `gevent.socket`, which makes
  and arms a watcher, a waiter and a timeout for every call;
- no receive before the answer is there: the event loop says when, so there is no EAGAIN to raise and catch;
- one timer for the connection, armed anew only when it fires, instead of one for every exchange;
- the parser lives as long as the connection, and has no `on_header`, so that parsing a response takes 1 us: the two
  headers that matter when a body ends with the connection are looked for only then.
"""

from __future__ import annotations

import math
import os
from errno import EINPROGRESS
from time import monotonic
from typing import Any

import httptools
from gevent import getcurrent, monkey, socket
from gevent.hub import get_hub

from harness.driving.inside import kernel_stamps

# Locust has patched the standard module by the time we are imported.
_Socket = monkey.get_original("socket", "socket")
# Of a whole response: interim ones, header lines, chunk extensions and body together, so that nothing is endless.
RESPONSE_LIMIT_BYTES = 8 << 20
_RECEIVE_BYTES = 64 << 10
# Servers close idle connections after seconds (uvicorn: 5, gunicorn: 2). A younger one needs no look.
_TRUSTED_IDLE_S = 0.5
_READABLE, _WRITABLE = 1, 2  # libev's EV_READ and EV_WRITE


class ExchangeError(Exception):
    """The exchange did not give a whole, valid response."""


class ExchangeTimeoutError(ExchangeError):
    """The deadline passed."""


class ExchangeAbortedError(ExchangeError):
    """`abort()` was called: the phase's drain is over."""


class ConnectionBrokenError(ExchangeError):
    """Refused, reset, or closed before the response was whole."""


class MalformedResponseError(ExchangeError):
    """What came is not HTTP, or is larger than we take."""


class Connection:
    """Used by one greenlet at a time; `abort()` may be called from any other.

    `arrived_s`: when the last part of the latest response came, CLOCK_MONOTONIC. `by_kernel`: whether that is when the
    kernel had it (`stamps`), which takes 2 us more a response, or when we got to look at it.
    """

    def __init__(self, address: tuple[str, int], *, by_kernel: bool = False) -> None:
        self.address = address
        self.by_kernel = by_kernel
        self.arrived_s = -math.inf
        self._hub = get_hub()
        self._sleep = self._hub.switch  # until something may have happened
        self._socket: Any = None
        self._stamped = False
        self._kept_open = False  # after an answer
        self._parser: Any = None
        self._readable: Any = None  # libev watchers
        self._timer: Any = None
        self._timer_due_s = math.inf
        self._waiting: Any = None  # the greenlet to wake
        self._given_up: ExchangeError | None = None
        self._deadline_s = math.inf
        self._received: list[bytes] = []
        self._body: list[bytes] = []
        self._status = 0
        self._keep_alive = False
        self._complete = False

    def exchange(self, request: bytes, timeout_s: float, is_head: bool = False) -> tuple[int, bytes]:
        """Send `request`, return (status, body). Raises an ExchangeError; the connection is then closed. `is_head`: the
        response to a HEAD is whole when its headers are.

        Nothing is sent twice. A client may repeat a GET when a kept-alive connection breaks before the first byte of an
        answer (RFC 9110, 9.2.2), but a server that drops requests would then look like one that does not. So a
        connection is looked at before it is used again, the first time (some servers close after every answer) and when
        it has been idle. One that breaks after that broke a request.
        """
        now_s = monotonic()
        self._deadline_s = deadline_s = now_s + timeout_s
        self._given_up = None
        try:
            connection = self._socket
            if connection is not None and not (self._kept_open and now_s - self.arrived_s <= _TRUSTED_IDLE_S):
                self._kept_open = True
                if self._has_gone_stale():
                    self.close()
                    connection = None
            if connection is None:
                connection = self._connect()
            elif deadline_s < self._timer_due_s:
                self._arm(timeout_s)
            if is_head:
                self._parser = httptools.HttpResponseParser(_HeadersOnly(self))
            self._exchange(connection, request, now_s)
            if is_head:
                self._parser = httptools.HttpResponseParser(self)  # the other one still waits for a body
        except BaseException:
            self.close()
            raise
        if not self._keep_alive:
            self.close()
        body = self._body
        return self._status, body[0] if len(body) == 1 else b"".join(body)

    def abort(self) -> None:
        """Make the exchange under way fail now."""
        self._given_up = ExchangeAbortedError("given up at the end of the drain")
        self._hub.loop.run_callback(self._wake)

    def close(self) -> None:
        """Not while an exchange is under way: `abort()` it."""
        if self._socket is not None:
            self._readable.close()
            self._timer.close()
            self._socket.close()
            self._socket = self._readable = self._timer = None
            self._timer_due_s = math.inf

    # ------------------------------------------------------------------------------------------ the exchange

    def _connect(self) -> Any:
        try:
            connection = self._socket = _Socket(socket.AF_INET, socket.SOCK_STREAM)
            self._parser = httptools.HttpResponseParser(self)
            self._readable = self._hub.loop.io(connection.fileno(), _READABLE)
            self._arm(self._deadline_s - monotonic())
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._stamped = self._kept_open = False
            error = connection.connect_ex(self.address)
            if error == EINPROGRESS:
                self._wait_writable(connection)
                error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        except OSError as impossible:  # no such host, no free file descriptor
            raise ConnectionBrokenError(str(impossible)) from impossible
        if error:
            raise ConnectionBrokenError(os.strerror(error))
        self._readable.start(self._on_readable)
        return connection

    def _has_gone_stale(self) -> bool:
        """Whether the server has closed the idle connection, or sent what nobody asked for, since the last look."""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:  # reset
            pass
        return True

    def _exchange(self, connection: Any, request: bytes, began_s: float) -> None:
        received = self._received = []
        self._body = []
        self._complete = False
        size_bytes = 0
        if self._stamped is not self.by_kernel:
            self._stamped = kernel_stamps.switch(connection, on=self.by_kernel)
        try:
            sent_bytes = connection.send(request)
            if sent_bytes < len(request):
                self._send_rest(connection, memoryview(request)[sent_bytes:])
            self._waiting = getcurrent()
            while not self._complete:
                self._sleep()
                part = self._receive(connection, began_s)
                if part == b"":
                    self._end_of_stream()
                    break
                if part is not None:
                    received.append(part)
                    size_bytes += len(part)
                    if size_bytes > RESPONSE_LIMIT_BYTES:
                        raise MalformedResponseError(f"response larger than {RESPONSE_LIMIT_BYTES} bytes")
                    self._parser.feed_data(part)
                # Only now: what had come whole before we looked is an answer, however late we are.
                if self._given_up is not None and not self._complete:
                    raise self._given_up
        except OSError as error:
            raise ConnectionBrokenError(str(error) or type(error).__name__) from error
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise MalformedResponseError(f"not HTTP/1.1: {error}") from error
        finally:
            self._waiting = None

    def _send_rest(self, connection: Any, rest: memoryview) -> None:
        """What did not fit into the socket's buffer. An early answer is read afterwards: until then it would wake us
        without an end."""
        self._readable.stop()
        try:
            while rest:
                self._wait_writable(connection)
                rest = rest[connection.send(rest) :]
        finally:
            self._readable.start(self._on_readable)

    def _receive(self, connection: Any, began_s: float) -> bytes | None:
        """What has come, nothing at the end of the stream; None when we were woken for another reason."""
        try:
            if not self._stamped:
                part: bytes = connection.recv(_RECEIVE_BYTES)
                self.arrived_s = monotonic()
                return part
            part, ancillary, _, _ = connection.recvmsg(_RECEIVE_BYTES, kernel_stamps.SPACE_BYTES)
        except BlockingIOError:
            return None
        # In this order: after a pause between the two the answer seems to be late, never early.
        age_s = kernel_stamps.age_s(ancillary)
        self.arrived_s = max(monotonic() - age_s, began_s)
        return part

    def _end_of_stream(self) -> None:
        """The server closed: right only after a body that announced neither its length nor chunks (RFC 9112, 6.3)."""
        self._keep_alive = False
        if not _ends_with_the_connection(b"".join(self._received)):
            raise ConnectionBrokenError("closed before the response was whole")
        self._status = self._parser.get_status_code()

    # ----------------------------------------------------------------------------------------------- waiting

    def _wait_writable(self, connection: Any) -> None:
        """For a connect, or a request that did not fit into the socket's buffer."""
        is_writable = False

        def wake() -> None:
            nonlocal is_writable
            is_writable = True
            self._wake()

        watcher = self._hub.loop.io(connection.fileno(), _WRITABLE)
        watcher.start(wake)
        self._waiting = getcurrent()
        try:
            while not is_writable:
                self._sleep()
                if self._given_up is not None:
                    raise self._given_up
        finally:
            self._waiting = None
            watcher.close()

    def _wake(self) -> None:
        if self._waiting is not None:
            self._waiting.switch()

    def _on_readable(self) -> None:
        if self._waiting is not None:
            self._waiting.switch()
        else:  # nothing was asked: the server has closed, or sends what cannot be trusted
            self.close()

    def _arm(self, timeout_s: float) -> None:
        if self._timer is not None:
            self._timer.close()
        self._timer_due_s = monotonic() + timeout_s
        self._timer = self._hub.loop.timer(max(0.0, timeout_s))
        self._timer.start(self._on_timer)

    def _on_timer(self) -> None:
        """It was set for the deadline of an earlier exchange, which has usually ended by now."""
        self._timer_due_s = math.inf
        if self._waiting is None:
            return
        left_s = self._deadline_s - monotonic()
        if left_s > 0:
            self._arm(left_s)
        else:
            self._given_up = ExchangeTimeoutError("no whole response in time")
            self._waiting.switch()

    # -------------------------------------------------------------------------------- httptools calls these

    def on_message_begin(self) -> None:
        if self._complete:  # more than was asked for: what follows on this connection can't be trusted
            self._keep_alive = False

    def on_body(self, part: bytes) -> None:
        if not self._complete:
            self._body.append(part)

    def on_message_complete(self) -> None:
        if self._complete:
            return
        self._status = status = self._parser.get_status_code()
        if status >= 200:  # below: an interim one (RFC 9110, 15.2), the real one follows
            self._complete = True
            self._keep_alive = self._parser.should_keep_alive()


class _HeadersOnly:
    """Listens for a Connection to the response to a HEAD, which announces a body and has none."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def on_headers_complete(self) -> None:
        self._connection.on_message_complete()

    def on_body(self, part: bytes) -> None:
        self._connection.on_message_begin()  # more than was asked for

    def on_message_begin(self) -> None:
        self._connection.on_message_begin()


def _ends_with_the_connection(received: bytes) -> bool:
    """Whether this response, which was cut off by the server's closing, is a whole one."""
    framing = _Framing()
    httptools.HttpResponseParser(framing).feed_data(received)
    return framing.headers_complete and not framing.framed


class _Framing:
    def __init__(self) -> None:
        self.framed = False
        self.headers_complete = False

    def on_message_begin(self) -> None:
        self.framed = self.headers_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self.framed = True

    def on_headers_complete(self) -> None:
        self.headers_complete = True

    def on_message_complete(self) -> None:  # of an interim response; the real one did not come
        self.headers_complete = False
