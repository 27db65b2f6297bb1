"""One request over HTTP/1.1: how the harness itself asks a process that it has started."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from time import monotonic
from typing import Any

from msgspec import Struct

from harness.results.records.errors import HarnessError

_EVENTS = "text/event-stream"


class HttpAnswer(Struct, frozen=True):
    """Whatever the status. Names in `headers` are lower-case; a header that came twice is joined by commas. `cut`: why
    the body was not read to its end, as a phrase; what was read of it is not kept then."""

    status: int
    headers: dict[str, str]
    body: bytes
    cut: str = ""


class AskError(HarnessError):
    """No answer. `str()` is a phrase, to follow what was asked and a colon: "did not answer within 1 s"."""


class TooLongError(AskError):
    """An answer of more bytes than are read."""


def ask(
    host: str,
    port: int,
    path: str,
    *,
    timeout_s: float,
    max_bytes: int = 1 << 20,
    headers: Mapping[str, str] | None = None,
    method: str = "GET",
    body: bytes | None = None,
    stream_s: float | None = None,
) -> HttpAnswer:
    """Ask for `path` on a connection of its own. `timeout_s` is the limit for everything from connecting to the last
    byte.

    No redirect is followed, and proxies in the environment are not used. Raises AskError, also for an answer that is
    longer than `max_bytes`: no more than that is read. With `stream_s` such an answer is cut instead, and so is one
    that tells no length and goes on until the timeout; a stream of events is read for `stream_s` only.
    """
    with _PunctualSocket(timeout_s) as sock:
        connection = http.client.HTTPConnection(host, port)
        connection.sock = sock
        try:
            sock.connect((host, port))
            connection.request(method, path, body or None, {"Connection": "close", **(headers or {})})
            with connection.getresponse() as response:
                answered: dict[str, str] = {}
                for name, value in response.getheaders():
                    key = name.lower()
                    answered[key] = f"{answered[key]}, {value}" if key in answered else value
                if stream_s is None:
                    return HttpAnswer(response.status, answered, _whole(response, max_bytes))
                if answered.get("content-type", "").startswith(_EVENTS):
                    timeout_s = sock.end_within(stream_s)
                try:
                    return HttpAnswer(response.status, answered, _whole(response, max_bytes))
                except TooLongError as error:
                    return HttpAnswer(response.status, answered, b"", str(error))
                except TimeoutError:
                    if response.length is not None:
                        raise
                    return HttpAnswer(
                        response.status, answered, b"", f"answers without an end (read for {timeout_s:.3g} s)"
                    )
        except TimeoutError as error:
            raise AskError(f"did not answer within {timeout_s:.3g} s") from error
        except ConnectionRefusedError as error:
            raise AskError("nothing listened on its port") from error
        except (ConnectionError, http.client.RemoteDisconnected) as error:
            raise AskError("closed the connection without an answer") from error
        except http.client.IncompleteRead as error:
            raise AskError("broke off in the middle of its answer") from error
        except (http.client.HTTPException, ValueError) as error:  # ValueError: a chunk of a negative length
            raise AskError(f"answered what is not HTTP ({type(error).__name__})") from error
        except OSError as error:
            raise AskError(f"could not be asked ({error})") from error


def _whole(response: http.client.HTTPResponse, max_bytes: int) -> bytes:
    body = response.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise TooLongError(f"answered with more than {max_bytes:,} bytes")
    if response.length:  # of a read with a limit http.client does not say that it was cut short
        raise http.client.IncompleteRead(body, response.length)
    return body


class _PunctualSocket(socket.socket):
    """A socket with one deadline for everything that it sends and receives. A timeout alone would begin again with each
    byte."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self._deadline_s = monotonic() + timeout_s
        self.settimeout(timeout_s)

    def end_within(self, limit_s: float) -> float:
        """From now on; how long that is, since a deadline is never put off."""
        limit_s = min(limit_s, self._deadline_s - monotonic())
        self._deadline_s = monotonic() + limit_s
        return limit_s

    def recv_into(self, *arguments: Any) -> int:
        self.settimeout(self._left_s())
        return super().recv_into(*arguments)

    def sendall(self, *arguments: Any) -> None:
        self.settimeout(self._left_s())
        super().sendall(*arguments)

    def _left_s(self) -> float:
        left_s = self._deadline_s - monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s
