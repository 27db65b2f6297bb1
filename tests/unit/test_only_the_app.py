from __future__ import annotations

import pytest

from harness.driving.inside.only_the_app import aimed_at, other_place

OURS = ("127.0.0.1", 8000)


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("127.0.0.1", 8000))),
        ("socket.connect", (None, "/run/some.socket")),
        ("socket.connect", (None, b"\0abstract")),
        ("socket.connect", (None, (0, 0))),  # AF_NETLINK
        ("socket.sendmsg", (None, None)),  # of a socket that is connected
        ("socket.getaddrinfo", ("127.0.0.1", 8000, 0, 0, 0)),
        ("socket.getaddrinfo", (b"127.0.0.1", b"8000", 0, 0, 0)),
        ("socket.getaddrinfo", ("127.0.0.1", None, 0, 0, 0)),
        ("socket.getaddrinfo", (None, 0, 0, 0, 0)),
        ("socket.bind", (None, ("0.0.0.0", 0))),
        ("socket.gethostname", ()),
    ],
)
def test_the_app_and_what_is_no_address_are_left_alone(event: str, arguments: tuple[object, ...]) -> None:
    assert other_place(event, arguments, *OURS) == ""


@pytest.mark.parametrize(
    ("event", "arguments", "place"),
    [
        ("socket.connect", (None, ("10.0.0.7", 443)), "10.0.0.7:443"),
        ("socket.connect", (None, ("127.0.0.1", 8001)), "127.0.0.1:8001"),
        ("socket.connect", (None, ("::1", 8000, 0, 0)), "::1:8000"),
        ("socket.sendto", (None, ("metrics.example.com", 8125)), "metrics.example.com:8125"),
        ("socket.getaddrinfo", ("prod.example.com", 443, 0, 0, 0), "prod.example.com:443"),
        ("socket.getaddrinfo", ("prod.example.com", None, 0, 0, 0), "prod.example.com"),
        ("socket.getaddrinfo", ("localhost", 8001, 0, 0, 0), "localhost:8001"),
    ],
)
def test_any_other_address_is_named(event: str, arguments: tuple[object, ...], place: str) -> None:
    assert other_place(event, arguments, *OURS) == place


@pytest.mark.parametrize(
    ("named", "base"),
    [
        (None, "http://127.0.0.1:8000"),
        (object(), "http://127.0.0.1:8000"),
        ("https://shop.example.com", "http://127.0.0.1:8000"),
        ("http://localhost:9000/", "http://127.0.0.1:8000/"),
        ("https://shop.example.com/api/v1", "http://127.0.0.1:8000/api/v1"),
        ("https://user:secret@shop.example.com:8443", "http://user:secret@127.0.0.1:8000"),
        ("localhost:9000", "http://127.0.0.1:8000"),
        ("http://[::1", "http://127.0.0.1:8000"),
        ("http://127.0.0.1:8000/api", "http://127.0.0.1:8000/api"),
    ],
)
def test_a_base_url_keeps_its_path_and_loses_its_server(named: object, base: str) -> None:
    assert aimed_at(named, "127.0.0.1:8000") == base
