from __future__ import annotations

import socket

from harness.processes.ports import free_port, why_not


def test_a_free_port_can_be_used() -> None:
    assert why_not(free_port()) == ""


def test_a_taken_port_cannot() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert why_not(taken.getsockname()[1]) == "Address already in use"


def test_connections_that_linger_do_not_matter() -> None:
    """The server's side closes first, so its port stays in TIME_WAIT: that must not fail the next slice on it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = listener.accept()
            accepted.close()
            assert client.recv(1) == b""
    assert why_not(port) == ""


def test_a_number_that_is_no_port_cannot_be_used() -> None:
    assert "0-65535" in why_not(70000)
