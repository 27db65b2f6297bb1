"""Every HTTP client of `pure_async` gets the right answers, from a real service, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.catalog.catalog import Catalog
from targets import _clients, _work

CALLS = 60


class Answering(BaseHTTPRequestHandler):
    """As the upstream answers, and counts connections and how many calls are under way at once."""

    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    connections = under_way = most = 0

    def setup(self) -> None:
        with self.lock:
            Answering.connections += 1
        super().setup()

    def do_GET(self) -> None:
        asked = {name: int(values[0]) for name, values in parse_qs(urlsplit(self.path).query).items()}
        with self.lock:
            Answering.under_way += 1
            Answering.most = max(Answering.most, Answering.under_way)
        threading.Event().wait(asked["ms"] / 1000)
        with self.lock:
            Answering.under_way -= 1
        body = b'{"value": %d}' % (asked["key"] ** 2 + 1)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Not into the test's output."""


class Listening(ThreadingHTTPServer):
    request_queue_size = 2 * CALLS
    daemon_threads = True  # a client may leave its connection open


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Answering]]:
    Answering.connections = Answering.under_way = Answering.most = 0
    with Listening(("127.0.0.1", 0), Answering) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("BENCH_UPSTREAM", f"http://127.0.0.1:{httpd.server_port}")
        yield Answering
        httpd.shutdown()
        thread.join()


def fetched(client: str, rounds: int, at_once: int, connections: int = _work.MAX_CONNECTIONS) -> list[int]:
    async def ask() -> list[int]:
        values: list[int] = []
        async with _clients.CLIENTS[client](connections) as fetch:
            for _ in range(rounds):
                values += await asyncio.gather(*(fetch(100, key) for key in range(at_once)))
        return values

    return asyncio.run(ask())


def test_the_strategy_lists_every_client_that_there_is() -> None:
    (strategy,) = Catalog.read(Path(__file__).parents[2]).select_strategies(["pure_async"])
    assert set(strategy.choices["client"]) == set(_clients.CLIENTS)
    assert strategy.params == {"client": "httpx", "client_connections": _work.MAX_CONNECTIONS}


@pytest.mark.parametrize("client", ["httpx", "httpx2", "aiohttp"])
def test_one_client_keeps_its_connections_and_holds_back_nothing(service: type[Answering], client: str) -> None:
    assert fetched(client, rounds=2, at_once=CALLS) == 2 * [key**2 + 1 for key in range(CALLS)]
    assert service.connections == CALLS
    assert service.most > _clients.BOUNDED_CONNECTIONS


@pytest.mark.parametrize("client", ["httpx", "httpx2", "aiohttp", "httpx_bounded"])
def test_a_client_has_no_more_connections_than_it_may(service: type[Answering], client: str) -> None:
    assert fetched(client, rounds=1, at_once=12, connections=4) == [key**2 + 1 for key in range(12)]
    assert service.connections == service.most == 4


def test_a_bounded_pool_holds_back_what_is_more(service: type[Answering]) -> None:
    assert fetched("httpx_bounded", rounds=2, at_once=CALLS) == 2 * [key**2 + 1 for key in range(CALLS)]
    assert service.connections == service.most == _clients.BOUNDED_CONNECTIONS


def test_a_client_per_request_connects_each_time(service: type[Answering]) -> None:
    assert fetched("httpx_per_request", rounds=2, at_once=5) == 2 * [key**2 + 1 for key in range(5)]
    assert service.connections == 10
