"""A small closed-loop client on keep-alive connections, for tests that need a server to be busy.

As a script: `python -m tests.keep_alive PORT PATH CONNECTIONS SECONDS`.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path


def ask(port: int, path: str, connections: int, go_on: Callable[[], bool]) -> int:
    """Ask on all connections at once and read all answers, again and again while `go_on()`. Returns the number of
    answers.

    Only for routes whose answers always have the same length. Raises OSError when the server hangs up.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    sockets = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(connections)]
    try:
        sockets[0].sendall(request)
        length = _answer_length(sockets[0])
        answers = 0
        while go_on():
            for connection in sockets:
                connection.sendall(request)
            for connection in sockets:
                _read(connection, length)
            answers += connections
        return answers
    finally:
        for connection in sockets:
            connection.close()


def wait_open(port: int, deadline_s: float, log: Path) -> None:
    """Return when something listens on `port`; an AssertionError with the log after `deadline_s` seconds."""
    end_s = time.monotonic() + deadline_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError as error:
            assert time.monotonic() < end_s, f"nothing listens on {port} ({error}): {log.read_text()}"
            time.sleep(0.02)


def _answer_length(connection: socket.socket) -> int:
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = int(head.lower().partition(b"content-length:")[2].split()[0])
    _read(connection, length - len(body))
    return len(head) + 4 + length


def _read(connection: socket.socket, length: int) -> None:
    while length:
        chunk = connection.recv(length)
        if not chunk:
            raise ConnectionError("the server hung up")
        length -= len(chunk)


if __name__ == "__main__":
    end_s = time.monotonic() + float(sys.argv[4])
    print(ask(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), lambda: time.monotonic() < end_s))
