"""The upstream under uvicorn's real loop: never early, never the bottleneck's excuse."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.bare_server import BareServer, bare_server, bare_upstream

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "by hand": ["harness.services.upstream", "--port", "0"],
    "uvloop": [
        "uvicorn",
        "--factory",
        "harness.services.upstream:app_from_environment",
        "--port",
        "0",
        "--loop",
        "uvloop",
        "--http",
        "httptools",
    ],
    "asyncio": [
        "uvicorn",
        "--factory",
        "harness.services.upstream:app_from_environment",
        "--port",
        "0",
        "--loop",
        "asyncio",
        "--http",
        "h11",
    ],
}


@pytest.fixture(scope="module", params=COMMANDS)
def upstream(request: pytest.FixtureRequest) -> Iterator[BareServer]:
    with bare_server(COMMANDS[request.param], ROOT, {"BENCH_TOKEN": "secret"}) as server:
        yield server


async def ask_many(port: int, query: str, connections: int, each: int) -> list[float]:
    """Seconds from the first byte sent to the whole answer read, of every request."""
    times_s: list[float] = []

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(each):
            began_s = monotonic()
            writer.write(f"GET /wait?{query} HTTP/1.1\r\nHost: upstream\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            await reader.readuntil(b"}")
            times_s.append(monotonic() - began_s)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(one() for _ in range(connections)))
    return times_s


@pytest.mark.parametrize("wait_ms", [1, 3.3, 20])
def test_no_answer_comes_before_its_wait(upstream: BareServer, wait_ms: float) -> None:
    times_s = asyncio.run(ask_many(upstream.port, f"ms={wait_ms}&key=1", connections=20, each=20))
    assert len(times_s) == 400
    assert min(times_s) * 1000 >= wait_ms


def test_no_drawn_answer_comes_before_half_the_median(upstream: BareServer) -> None:
    times_s = asyncio.run(ask_many(upstream.port, "ms=10&key=1&sigma=1.5", connections=20, each=10))
    assert min(times_s) * 1000 >= 5
    assert max(times_s) > 2 * min(times_s)


def test_health_and_bad_requests(upstream: BareServer) -> None:
    assert upstream.get("/health") == (200, {"status": "ok"})
    assert upstream.status("/wait?ms=-1&key=1") == 400
    assert upstream.status("/nowhere") == 404


def test_the_environments_sigma_is_the_default() -> None:
    with bare_upstream(ROOT, BENCH_UPSTREAM_SIGMA="1.5") as server:
        times_s = asyncio.run(ask_many(server.port, "ms=10&key=1", connections=20, each=10))
    assert max(times_s) > 3 * min(times_s)


def test_it_ends_on_sigterm() -> None:
    with bare_upstream(ROOT) as server:
        server.terminate()
        assert not server.left()
