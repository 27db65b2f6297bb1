"""The upstream's arithmetic: what it waits, what it answers, what it refuses."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from harness.services.upstream import (
    FLOOR_OF_MEDIAN,
    MAX_SIGMA,
    MAX_WAIT_MS,
    BadRequestError,
    Question,
    WaitingApp,
    _Message,
    parse,
    shortest_wait_ms,
    wait_until,
)


def ask(app: WaitingApp, path: str, query: bytes = b"") -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and body that the ASGI callable sends."""
    sent: list[_Message] = []

    async def receive() -> _Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: _Message) -> None:
        sent.append(message)

    asyncio.run(app({"type": "http", "path": path, "query_string": query}, receive, send))
    start, body = sent
    return start["status"], dict(start["headers"]), body["body"]


def upstream(sigma: float = 0.0, seed: str = "1", token: str = "") -> WaitingApp:
    return WaitingApp(sigma, seed, token)


def test_a_wait_is_answered_with_the_keys_value() -> None:
    status, headers, body = ask(upstream(), "/wait", b"ms=1&key=3")
    assert (status, body) == (200, b'{"key":3,"value":10}')
    assert headers == {b"content-type": b"application/json", b"content-length": b"20"}


def test_health_sends_the_token_back_when_there_is_one() -> None:
    assert ask(upstream(token="secret"), "/health")[1][b"x-bench-token"] == b"secret"
    status, headers, _ = ask(upstream(), "/health")
    assert status == 200 and b"x-bench-token" not in headers


def test_another_path_is_404() -> None:
    assert ask(upstream(), "/")[0] == 404


@pytest.mark.parametrize(
    "query",
    [
        b"",
        b"ms=100",
        b"key=1",
        b"ms=x&key=1",
        b"ms=-1&key=1",
        b"ms=nan&key=1",
        b"ms=inf&key=1",
        b"ms=60001&key=1",
        b"ms=1&key=1.5",
        b"ms=1&key=1&sigma=-0.1",
        b"ms=1&key=1&sigma=9",
        b"\xff\xfe",
    ],
)
def test_a_query_without_a_wait_is_400_in_one_line(query: bytes) -> None:
    status, _, body = ask(upstream(), "/wait", query)
    assert status == 400
    assert body.endswith(b"\n") and body.count(b"\n") == 1


@given(
    ms=st.floats(0, MAX_WAIT_MS),
    key=st.integers(-(10**12), 10**12),
    sigma=st.none() | st.floats(0, MAX_SIGMA),
    default=st.floats(0, MAX_SIGMA),
)
def test_a_query_is_read_as_it_was_written(ms: float, key: int, sigma: float | None, default: float) -> None:
    query = {"ms": ms, "key": key} | ({} if sigma is None else {"sigma": sigma})
    assert parse(urlencode(query).encode(), default) == Question(ms, key, default if sigma is None else sigma)


@given(query=st.binary(max_size=60))
def test_any_query_is_a_question_or_refused(query: bytes) -> None:
    try:
        question = parse(query, 0.0)
    except BadRequestError:
        return
    assert 0 <= question.ms <= MAX_WAIT_MS


# ------------------------------------------------------------------------------------------------------ waiting


@given(ms=st.floats(0, MAX_WAIT_MS))
def test_a_fixed_wait_is_what_was_asked_for(ms: float) -> None:
    assert upstream().draw_ms(Question(ms, 1, 0.0)) == ms == shortest_wait_ms(ms, 0.0)


@given(ms=st.floats(1, 10_000), sigma=st.floats(0.01, MAX_SIGMA), seed=st.text(max_size=9))
def test_no_drawn_wait_is_below_the_floor(ms: float, sigma: float, seed: int) -> None:
    app = upstream(seed=seed)
    draws = [app.draw_ms(Question(ms, 1, sigma)) for _ in range(20)]
    assert min(draws) >= shortest_wait_ms(ms, sigma) == ms * FLOOR_OF_MEDIAN
    assert max(draws) <= MAX_WAIT_MS


def test_drawn_waits_are_log_normal_around_their_median() -> None:
    app = upstream(seed="7")
    draws = sorted(app.draw_ms(Question(100, key, 0.3)) for key in range(200) for _ in range(100))
    assert statistics.median(draws) == pytest.approx(100, rel=0.02)
    assert draws[int(0.8413 * 20_000)] == pytest.approx(100 * 2.718281828**0.3, rel=0.03)  # one sigma above
    assert draws[int(0.9772 * 20_000)] == pytest.approx(100 * 2.718281828**0.6, rel=0.04)  # two


def waits_by_key(app: WaitingApp, keys: Sequence[int]) -> dict[int, list[float]]:
    """In the order of the questions."""
    waits: dict[int, list[float]] = {}
    for key in keys:
        waits.setdefault(key, []).append(app.draw_ms(Question(100, key, 0.3)))
    return waits


@given(keys=st.lists(st.integers(0, 3), max_size=40), data=st.data())
def test_two_strategies_meet_the_same_waits_per_key_in_whatever_order_they_ask(
    keys: list[int], data: st.DataObject
) -> None:
    """The one may ask for the keys in another order, and more often: what both ask for has the same waits."""
    app = upstream()
    app.begin("1/io")
    one = waits_by_key(app, keys)
    app.begin("1/io")
    other = waits_by_key(app, data.draw(st.permutations([*keys, 0, 1])))
    for key, waits in one.items():
        assert other[key][: len(waits)] == waits


def test_another_round_has_other_waits_and_so_has_another_key_and_the_next_time() -> None:
    app = upstream()
    app.begin("1/io")
    first = waits_by_key(app, [1, 1, 2])
    app.begin("2/io")
    second = waits_by_key(app, [1, 1, 2])
    assert len({*first[1], *first[2], *second[1], *second[2]}) == 6


def test_a_wait_that_is_fixed_takes_no_turn_of_its_key() -> None:
    app, other = upstream(), upstream()
    app.draw_ms(Question(100, 1, 0.0))
    assert app.draw_ms(Question(100, 1, 0.3)) == other.draw_ms(Question(100, 1, 0.3))


def test_begin_is_asked_over_http() -> None:
    app, other = upstream(), upstream()
    other.begin("3/io mixed")
    assert ask(app, "/begin", b"seed=3/io%20mixed")[0] == 200
    assert waits_by_key(app, [1, 1]) == waits_by_key(other, [1, 1])


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_waiting_never_ends_early(run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    """A bare `asyncio.sleep` under uvloop is early in 4 of 10 of these, by up to 1.3 ms."""
    random = Random(1)
    early_s: list[float] = []

    async def wait(seconds: float) -> None:
        moment_s = monotonic() + seconds
        await wait_until(moment_s)
        early_s.append(moment_s - monotonic())

    async def many() -> None:
        await asyncio.gather(*(wait(random.uniform(-0.001, 0.02)) for _ in range(500)))

    run(many())
    assert len(early_s) == 500
    assert max(early_s) <= 0


def test_the_environment_says_seed_sigma_and_token() -> None:
    app = WaitingApp.from_environment({"BENCH_UPSTREAM_SIGMA": "0.5", "BENCH_UPSTREAM_SEED": "9", "BENCH_TOKEN": "t"})
    other = upstream(seed="9")
    assert app.draw_ms(Question(100, 1, 0.5)) == other.draw_ms(Question(100, 1, 0.5))
    assert ask(app, "/health")[1][b"x-bench-token"] == b"t"


def test_a_sigma_out_of_bounds_in_the_environment_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"BENCH_UPSTREAM_SIGMA=7\.0: not within 0\.\.3"):
        WaitingApp.from_environment({"BENCH_UPSTREAM_SIGMA": "7"})
