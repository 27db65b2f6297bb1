"""What the harness's own HTTP client says of servers that answer, and of those that do not."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.processes.ask import AskError, ask
from harness.processes.ports import HOST, free_port
from tests.hostile import CORPUS, ENDLESS, Behaviour, HostileServer, never_ends, resets_after, says
from tests.hostile import OK as WELL


@contextmanager
def answering(*parts: bytes, pause_s: float = 0.0, hold: bool = False) -> Iterator[tuple[int, list[bytes]]]:
    """A server that sends `parts` to the one who connects, `pause_s` apart; then it closes, or `hold`s on. Its port and
    what it was asked."""
    asked: list[bytes] = []
    done = threading.Event()

    def serve() -> None:
        client, _ = listener.accept()
        with client:
            asked.append(client.recv(65536))
            for part in parts:
                try:
                    client.sendall(part)
                except OSError:
                    return
                done.wait(pause_s)
            if hold:
                done.wait(10.0)

    with socket.create_server((HOST, 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], asked
        finally:
            done.set()
            thread.join()


OK = b"HTTP/1.1 200 OK\r\n"


def test_an_answer_is_its_status_its_headers_in_lower_case_and_its_body() -> None:
    with answering(OK, b"X-Bench-Token: abc\r\nVia: a\r\nVIA: b\r\nContent-Length: 2\r\n\r\n", b"{}", hold=True) as (
        port,
        asked,
    ):
        answer = ask(HOST, port, "/health?x=1", timeout_s=5.0)
    assert answer.status == 200
    assert answer.headers == {"x-bench-token": "abc", "via": "a, b", "content-length": "2"}
    assert answer.body == b"{}"
    assert asked[0].startswith(b"GET /health?x=1 HTTP/1.1\r\n")
    assert b"\r\nConnection: close\r\n" in asked[0]


@pytest.mark.parametrize(
    "body",
    [b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"\r\nhello"],
    ids=["chunked", "closed"],
)
def test_a_body_of_no_told_length_is_read_to_its_end(body: bytes) -> None:
    with answering(OK + body) as (port, _):
        assert ask(HOST, port, "/", timeout_s=5.0).body == b"hello"


def test_a_bad_status_is_an_answer_too() -> None:
    with answering(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n") as (port, _):
        assert ask(HOST, port, "/", timeout_s=5.0).status == 500


def test_a_port_without_a_listener() -> None:
    with pytest.raises(AskError, match=r"^nothing listened on its port$"):
        ask(HOST, free_port(), "/", timeout_s=5.0)


@pytest.mark.parametrize(
    ("parts", "phrase"),
    [
        ((), "closed the connection without an answer"),
        ((b"SSH-2.0-OpenSSH\r\n",), r"answered what is not HTTP \(BadStatusLine\)"),
        ((OK, b"Content-Length: 9\r\n\r\nshort"), "broke off in the middle of its answer"),
        ((OK, b"Transfer-Encoding: chunked\r\n\r\n9\r\nshort"), "broke off in the middle of its answer"),
        ((OK, b"Content-Length: 9999\r\n\r\n", b"x" * 9999), "answered with more than 1,000 bytes"),
        ((OK, b"\r\n", b"x" * 9999), "answered with more than 1,000 bytes"),
    ],
)
def test_what_is_no_answer_is_a_phrase(parts: tuple[bytes, ...], phrase: str) -> None:
    with answering(*parts) as (port, _), pytest.raises(AskError, match=f"^{phrase}$"):
        ask(HOST, port, "/", timeout_s=5.0, max_bytes=1000)


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (OK, *[b"X-More: and more\r\n"] * 50),
        (OK + b"Content-Length: 50\r\n\r\n", *[b"x"] * 50),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 50),
    ],
    ids=["silent", "slow headers", "slow body", "slow chunks"],
)
def test_the_timeout_is_for_the_whole_answer(parts: tuple[bytes, ...]) -> None:
    """Each part comes well within it."""
    began_s = time.monotonic()
    with answering(*parts, pause_s=0.05, hold=True) as (port, _):
        with pytest.raises(AskError, match=r"^did not answer within 0\.3 s$"):
            ask(HOST, port, "/", timeout_s=0.3)
        assert time.monotonic() - began_s < 1.5


EVENTS = b"Content-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "body", "cut"),
    [
        (EVENTS, [b"1\r\nx\r\n"] * 50, r"answers without an end \(read for 0\.1 s\)"),
        (EVENTS, [], r"answers without an end \(read for 0\.1 s\)"),
        (EVENTS, [b"1\r\nx\r\n0\r\n\r\n"], ""),
        (b"Transfer-Encoding: chunked\r\n\r\n", [b"1\r\nx\r\n"] * 50, r"answers without an end \(read for 0\.3 s\)"),
        (b"Content-Length: 9999\r\n\r\n", [b"x" * 9999], "answered with more than 1,000 bytes"),
    ],
)
def test_an_answer_without_an_end_has_a_status(head: bytes, body: list[bytes], cut: str) -> None:
    began_s = time.monotonic()
    with answering(OK + head, *body, pause_s=0.02, hold=True) as (port, _):
        answer = ask(HOST, port, "/", timeout_s=0.3, max_bytes=1000, stream_s=0.1)
        assert time.monotonic() - began_s < 1.5
    assert answer.status == 200
    assert re.fullmatch(cut, answer.cut)
    assert answer.body == (b"" if cut else b"x")


def test_an_answer_of_a_told_length_that_stops_is_none() -> None:
    with answering(OK, b"Content-Length: 9\r\n\r\nx", hold=True) as (port, _), pytest.raises(AskError):
        ask(HOST, port, "/", timeout_s=0.3, stream_s=0.1)


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{HOST}:{free_port()}")
    monkeypatch.setenv("http_proxy", f"http://{HOST}:{free_port()}")
    with answering(OK, b"Content-Length: 0\r\n\r\n") as (port, _):
        assert ask(HOST, port, "/", timeout_s=5.0).status == 200


@pytest.mark.parametrize(
    "behave",
    [
        *(pytest.param(says(content), id=name) for name, content in CORPUS.items()),
        *(pytest.param(never_ends(*endless), id=f"endless {name}") for name, endless in ENDLESS.items()),
        *(pytest.param(resets_after(WELL[:cut]), id=f"reset after {cut}") for cut in range(0, len(WELL), 20)),
    ],
)
def test_whatever_comes_is_an_answer_or_a_phrase_and_in_time(behave: Behaviour) -> None:
    began_s = time.monotonic()
    with HostileServer([behave]) as server, contextlib.suppress(AskError):
        assert len(ask(*server.address, "/", timeout_s=0.5).body) <= 1 << 20
    assert time.monotonic() - began_s < 1.5


def test_a_method_headers_and_a_body_are_sent_as_they_are() -> None:
    with answering(OK, b"Content-Length: 0\r\n\r\n") as (port, asked):
        ask(HOST, port, "/a?b=%20", timeout_s=5.0, method="PUT", headers={"X-A": "b"}, body=b"\x00\xff")
    head, _, body = asked[0].partition(b"\r\n\r\n")
    assert head.startswith(b"PUT /a?b=%20 HTTP/1.1\r\n")
    assert b"\r\nX-A: b" in head
    assert b"\r\nContent-Length: 2" in head
    assert body in (b"", b"\x00\xff"), "in the same read, or in the next"


@pytest.mark.parametrize(("method", "told"), [("POST", True), ("GET", False)])
def test_no_body_is_told_where_a_server_waits_for_one(method: str, told: bool) -> None:
    with answering(OK, b"Content-Length: 0\r\n\r\n") as (port, asked):
        ask(HOST, port, "/x", timeout_s=5.0, method=method)
    assert (b"\r\nContent-Length: 0\r\n" in asked[0]) == told


def test_what_answers_head_announces_a_body_that_does_not_come() -> None:
    with answering(OK, b"Content-Length: 15\r\n\r\n", hold=True) as (port, _):
        answer = ask(HOST, port, "/", timeout_s=5.0, method="HEAD")
    assert (answer.status, answer.body, answer.headers) == (200, b"", {"content-length": "15"})


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with answering(b"HTTP/1.1 307 No\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n") as (port, asked):
        assert ask(HOST, port, "/x", timeout_s=5.0, method="POST", body=b"1").status == 307
    assert len(asked) == 1


def test_a_body_that_nobody_reads_is_given_up_in_time() -> None:
    with socket.create_server((HOST, 0)) as listener:
        began_s = time.monotonic()
        with pytest.raises(AskError, match=r"^did not answer within 0\.3 s$"):
            ask(HOST, listener.getsockname()[1], "/", timeout_s=0.3, method="POST", body=b"x" * 20_000_000)
        assert time.monotonic() - began_s < 1.5
