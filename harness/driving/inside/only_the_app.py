"""Keeps a locustfile to the one server that is measured: nothing else is connected to, or looked up, in this process.

By an audit hook (https://docs.python.org/3/library/audit_events.html): it sees every client (requests, plain sockets,
geventhttpclient), each redirect, and what is asked while the file is imported; and no code can take it away again. What
C libraries connect to by themselves it does not see.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

# Part of the text of each refusal, by which the failure of a request is told to be one.
REFUSAL = "is not the app that is measured"
_ADDRESS_AT = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1}


class NotTheAppError(socket.gaierror):
    """Not sent. Clients take it for a name that was not found, which gevent does not print."""


def refusal_in(error: BaseException | None) -> str:
    """What a refusal said, where `error` came of one; else empty."""
    while error is not None and not isinstance(error, NotTheAppError):
        error = error.__cause__ or error.__context__
    return "" if error is None else str(error)


class OnlyTheApp:
    """From `keep` on, connecting to any other address than `host`:`port` raises NotTheAppError."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self.refused: dict[str, int] = {}

    def keep(self) -> None:
        """For the rest of this process's life."""
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: Sequence[object]) -> None:
        if not event.startswith("socket."):
            return
        place = other_place(event, arguments, self._host, self._port)
        if place:
            self.refused[place] = self.refused.get(place, 0) + 1
            raise NotTheAppError(f"{place} {REFUSAL}")


def other_place(event: str, arguments: Sequence[object], host: str, port: int) -> str:
    """ "shop.example.com:443" where an audit event is about another address than ours; else empty. Sockets of this
    machine that have no port (such as AF_UNIX) are no address."""
    if event == "socket.getaddrinfo":
        asked_host, asked_port = arguments[0], arguments[1]
        if asked_host in (None, "", b""):
            return ""
        any_port = asked_port in (None, 0, "0", b"0", "", b"")
    elif event in _ADDRESS_AT:
        address = arguments[_ADDRESS_AT[event]]
        if not isinstance(address, tuple) or len(address) < 2 or not isinstance(address[0], str | bytes):
            return ""
        asked_host, asked_port = address[0], address[1]
        any_port = False
    else:
        return ""
    shown_host, shown_port = _text(asked_host), _text(asked_port)
    if shown_host == host and (any_port or shown_port == str(port)):
        return ""
    return shown_host if any_port else f"{shown_host}:{shown_port}"


def aimed_at(named: object, ours: str) -> str:
    """The base URL of a user class whose own is `named`, with `ours` ("127.0.0.1:8000") as its server. Credentials and
    a path stay: they are part of what is asked."""
    try:
        parts = urlsplit(named) if isinstance(named, str) else None
    except ValueError:
        parts = None
    if parts is None or not parts.netloc:
        return f"http://{ours}"
    credentials, at, _ = parts.netloc.rpartition("@")
    return f"http://{credentials}{at}{ours}{parts.path}"


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
