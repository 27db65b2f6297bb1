"""Responses that no server should give, and a server that gives them: what a client must survive."""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from time import monotonic

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"right": true}'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\n"

# Told apart by name; each is all that comes before the server closes.
CORPUS: dict[str, bytes] = {
    "nothing": b"",
    "a null byte": b"\0",
    "tls alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "http/2 settings": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "http/0.9": b"<html>hello</html>",
    "another protocol": b"220 smtp.example.org ESMTP\r\n",
    "a request": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "version 9.9": OK.replace(b"1.1", b"9.9"),
    "status 0": OK.replace(b"200", b"000"),
    "status 99": OK.replace(b"200", b"99"),
    "status of 30 digits": OK.replace(b"200", b"2" * 30),
    "negative length": HEAD + b"Content-Length: -1\r\n\r\n",
    "length not a number": HEAD + b"Content-Length: many\r\n\r\n",
    "length beyond 64 bits": HEAD + b"Content-Length: 99999999999999999999\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
    "length and chunks": HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "more promised than sent": HEAD + b"Content-Length: 1000\r\n\r\nshort",
    "chunk size not hex": CHUNKED + b"zz\r\nok\r\n",
    "chunk size beyond 64 bits": CHUNKED + b"f" * 40 + b"\r\n",
    "negative chunk": CHUNKED + b"-2\r\nok\r\n0\r\n\r\n",
    "chunk longer than its size": CHUNKED + b"1\r\nok\r\n0\r\n\r\n",
    "chunks without an end": CHUNKED + b"2\r\nok\r\n",
    "trailers without an end": CHUNKED + b"0\r\nA: b\r\n",
    "unknown coding": HEAD + b"Transfer-Encoding: zip\r\n\r\nabc",
    "header without a colon": HEAD + b"nonsense\r\n\r\n",
    "header of control characters": HEAD + b"A: \x01\x02\x7f\r\n\r\n",
    "header not ascii": HEAD + b"\xff\xfe: \xff\r\nContent-Length: 0\r\n\r\n",
    "folded header": HEAD + b"A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "bare line feeds": OK.replace(b"\r\n", b"\n"),
    "bare carriage returns": OK.replace(b"\r\n", b"\r"),
    "only interim responses": b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
    "switching protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "204 with a body": b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
    "304 with a length": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    "two responses at once": OK + OK,
    "half a response too much": OK + OK[:20],
    "garbage after the response": OK + b"\0\1\2 garbage",
    "body that ends with the connection": HEAD + b"\r\n" + b'{"right": true}',
    "json that is not": OK.replace(b'{"right": true}', b'{"right": tru\xff}'),
    "json nested too deep": HEAD + b"\r\n" + b"[" * 100_000,
    "json of a huge number": HEAD + b"\r\n" + b"9" * 10_000,
}

# Without an end; the client has to make one.
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "body": (HEAD + b"\r\n", b"x" * 65536),
    "announced body": (HEAD + b"Content-Length: 999999999999\r\n\r\n", b"x" * 65536),
    "headers": (HEAD, b"A: " + b"b" * 4000 + b"\r\n"),
    "header name": (HEAD, b"a" * 65536),
    "header value": (HEAD + b"A: ", b"a" * 65536),
    "reason": (b"HTTP/1.1 200 ", b"a" * 65536),
    "interim responses": (b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 500),
    "chunks": (CHUNKED, b"1\r\nx\r\n" * 5000),
    "chunk extension": (CHUNKED + b"1;", b"a" * 65536),
    "trailers": (CHUNKED + b"0\r\n", b"A: b\r\n" * 5000),
    "empty lines": (b"", b"\r\n" * 5000),
}

Behaviour = Callable[[socket.socket], None]


def says(content: bytes) -> Behaviour:
    """Then it closes."""
    return lambda peer: peer.sendall(content)


def resets_after(content: bytes) -> Behaviour:
    """RST instead of FIN, once `content` had time to be read."""

    def behave(peer: socket.socket) -> None:
        peer.sendall(content)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return behave


def never_ends(begin: bytes, again: bytes, *, pause_s: float = 0.0) -> Behaviour:
    """Sends `again` over and over until the client has gone, for at most 10 s."""

    def behave(peer: socket.socket) -> None:
        deadline_s = monotonic() + 10
        peer.sendall(begin)
        peer.settimeout(pause_s or 10)
        while monotonic() < deadline_s:
            peer.sendall(again)
            if pause_s:
                with contextlib.suppress(TimeoutError):
                    if not peer.recv(1):
                        return

    return behave


class HostileServer:
    """Behaves as the next of `behaviours` on each connection, once a request has come; over and over."""

    def __init__(self, behaviours: Iterable[Behaviour]) -> None:
        self._behaviours: Iterator[Behaviour] = itertools.cycle(behaviours)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.address: tuple[str, int] = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(peer, next(self._behaviours)), daemon=True).start()

    @staticmethod
    def _serve(peer: socket.socket, behave: Behaviour) -> None:
        with peer, contextlib.suppress(OSError):
            if peer.recv(65536):
                behave(peer)

    def __enter__(self) -> HostileServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
