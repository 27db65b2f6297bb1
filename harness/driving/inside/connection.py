"""One keep-alive HTTP/1.1 connection on a gevent socket, parsed by httptools (Node's llhttp).

Stock clients cost more than the server they measure (see `bench calibrate`); this one does what a load generator
needs and nothing else: GET or HEAD, keep-alive, chunked, bodies that end with the connection, a size limit and one
deadline for the whole exchange.
"""

from __future__ import annotations

from time import monotonic

import httptools
from gevent import socket

_BODY_LIMIT_BYTES = 8 << 20
_RECEIVE_BYTES = 16 << 10


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
    """Used by one greenlet at a time; `abort()` may be called from any other."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self._socket: socket.socket | None = None
        self._aborted = False
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._size_bytes = 0
        self._status = 0
        self._head = False
        self._framed = False
        self._started = False
        self._headers_complete = False
        self._keep_alive = False
        self._complete = False

    def exchange(self, request: bytes, timeout_s: float, *, head: bool = False) -> tuple[int, bytes]:
        """Send `request`, return (status, body). Raises an ExchangeError; the connection is then closed.

        A kept-alive connection that the server has closed meanwhile is replaced once: nothing of the response had
        come, and the methods we send may be repeated (RFC 9110, 9.2.2).
        """
        deadline_s = monotonic() + timeout_s
        self._aborted = False
        try:
            reused = self._socket is not None
            try:
                return self._exchange_once(request, deadline_s, head)
            except ConnectionBrokenError:
                if not reused or self._started or self._aborted:
                    raise
            return self._exchange_once(request, deadline_s, head)
        except BaseException as error:
            self.close()
            if self._aborted and isinstance(error, ExchangeError):
                raise ExchangeAbortedError("given up at the end of the drain") from error
            raise

    def abort(self) -> None:
        """Make the exchange under way fail now."""
        self._aborted = True
        self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    # ------------------------------------------------------------------------------------------ the exchange

    def _exchange_once(self, request: bytes, deadline_s: float, head: bool) -> tuple[int, bytes]:
        self._new_response()
        self._head = head
        try:
            connection = self._socket
            if connection is None:
                connection = self._connect(deadline_s)
            connection.settimeout(_left(deadline_s))
            connection.sendall(request)
            while not self._complete:
                connection.settimeout(_left(deadline_s))
                received = connection.recv(_RECEIVE_BYTES)
                if not received:
                    self._end_of_stream()
                    break
                self._started = True
                self._parser.feed_data(received)
        except TimeoutError as error:
            raise ExchangeTimeoutError("no whole response in time") from error
        except (OSError, AttributeError) as error:
            # AttributeError: gevent drops the wrapped socket when another greenlet closes it between two calls.
            self.close()
            raise ConnectionBrokenError(str(error) or type(error).__name__) from error
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            # httptools wraps what a callback raised; our own limit then says it better.
            raise MalformedResponseError(f"not HTTP/1.1: {error.__context__ or error}") from error
        if head or not self._keep_alive:
            # llhttp cannot be told that a HEAD has no body: the parser would read the next response as this one's.
            self.close()
        return self._status, b"".join(self._body)

    def _connect(self, deadline_s: float) -> socket.socket:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket = connection
        connection.settimeout(_left(deadline_s))
        connection.connect(self.address)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _end_of_stream(self) -> None:
        """The server closed: right only after a body that announced neither its length nor chunks (RFC 9112, 6.3)."""
        self.close()
        if not self._headers_complete or self._framed:
            raise ConnectionBrokenError("closed before the response was whole")
        self._keep_alive = False

    # -------------------------------------------------------------------------------- httptools calls these

    def _new_response(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._body = []
        self._size_bytes = 0
        self._status = 0
        self._head = False
        self._framed = False
        self._started = False
        self._headers_complete = False
        self._keep_alive = False
        self._complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self._framed = True

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        self._headers_complete = True
        if self._head and self._status >= 200:
            self._complete = True

    def on_body(self, part: bytes) -> None:
        self._size_bytes += len(part)
        if self._size_bytes > _BODY_LIMIT_BYTES:
            raise MalformedResponseError(f"body larger than {_BODY_LIMIT_BYTES} bytes")
        self._body.append(part)

    def on_message_complete(self) -> None:
        if self._complete and not self._head:
            # Bytes after the response that nobody asked for: what follows on this connection can't be trusted.
            self._keep_alive = False
            return
        if self._status < 200:  # an interim response (RFC 9110, 15.2): the real one follows
            self._framed = False
            self._headers_complete = False
            return
        self._complete = True
        self._keep_alive = self._parser.should_keep_alive()


def _left(deadline_s: float) -> float:
    left_s = deadline_s - monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s
