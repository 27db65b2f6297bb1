from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from anyio import to_thread

from harness.inside.bench_inside import gil
from harness.inside.bench_inside.lag import ASLEEP_TICK_S, TICK_S
from harness.inside.bench_inside.probe import QUIET_TICKS, App, Message, Probe, Receive, Send
from harness.results.records.probe_line import ProbeLine
from harness.results.store import read_lines


async def _receive() -> Message:
    return {"type": "http.request"}


async def _answer(scope: Message, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]})
    await send({"type": "http.response.body", "body": b"{}"})


def _probe(app: App, folder: Path, failures: list[BaseException] | None = None) -> Probe:
    return Probe(app, token="secret", folder=folder, on_failure=(failures if failures is not None else []).append)


async def _ask(probe: Probe, path: str) -> dict[bytes, bytes]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await probe({"type": "http", "path": path}, _receive, send)
    return dict(sent[0]["headers"])


def test_signs_health_and_nothing_else(tmp_path: Path) -> None:
    probe = _probe(_answer, tmp_path)
    assert asyncio.run(_ask(probe, "/io")) == {b"x": b"y"}
    assert asyncio.run(_ask(probe, "/health")) == {
        b"x": b"y",
        b"x-bench-token": b"secret",
        b"x-bench-pid": str(os.getpid()).encode(),
        b"x-bench-in-flight": b"0",
    }


def _lifespan(
    probe: Probe, during: Callable[[], Awaitable[None]] | None = None
) -> tuple[list[str], BaseException | None]:
    """Run the probe's lifespan as uvicorn does, with `during` between startup and shutdown. Returns what the server
    would see; what `during` raises is raised."""
    said: list[str] = []

    async def run() -> BaseException | None:
        shutdown = asyncio.Event()
        messages: asyncio.Queue[Message] = asyncio.Queue()
        await messages.put({"type": "lifespan.startup"})

        async def send(message: Message) -> None:
            said.append(message["type"])
            shutdown.set()

        task = asyncio.create_task(probe({"type": "lifespan"}, messages.get, send))
        waiting = asyncio.create_task(shutdown.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if during is not None:
            await during()
        await messages.put({"type": "lifespan.shutdown"})
        waiting.cancel()
        try:
            await task
        except BaseException as error:  # noqa: BLE001 - what the server would see is the value under test
            return error
        return None

    return said, asyncio.run(run())


async def _with_lifespan(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["path"] == "/block":
        time.sleep(0.1)  # noqa: ASYNC251 - the stall is what the test is about
    elif scope["path"] == "/fail":
        raise RuntimeError("no")


def _lines(folder: Path) -> list[ProbeLine]:
    return read_lines(folder / f"{os.getpid()}.jsonl", ProbeLine)


def test_writes_a_line_at_once_and_the_last_one_at_shutdown(tmp_path: Path) -> None:
    probe = _probe(_with_lifespan, tmp_path)

    async def during() -> None:
        assert [(line.requests, line.in_flight) for line in _lines(tmp_path)] == [(0, 0)]
        for path in ("/a", "/health", "/b"):
            await probe({"type": "http", "path": path}, _receive, _nowhere)
        with pytest.raises(RuntimeError):
            await probe({"type": "http", "path": "/fail"}, _receive, _nowhere)

    said, error = _lifespan(probe, during)
    assert error is None
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert (_lines(tmp_path)[-1].requests, _lines(tmp_path)[-1].in_flight) == (3, 0)


async def _nowhere(message: Message) -> None:
    return None


def test_a_blocked_loop_shows_with_the_missed_ticks(tmp_path: Path) -> None:
    probe = _probe(_with_lifespan, tmp_path)

    async def during() -> None:
        await asyncio.sleep(0.05)
        await probe({"type": "http", "path": "/block"}, _receive, _nowhere)
        await asyncio.sleep(0.15)

    _lifespan(probe, during)
    lags = [lag for line in _lines(tmp_path) for lag in line.lags_us]
    worst = max(lags)
    assert worst >= 80_000, "the tick fell due at most 20 ms after the stall had begun"
    index = lags.index(worst)
    assert lags[index : index + 4] == [worst, worst - 20_000, worst - 40_000, worst - 60_000]


def test_lines_are_written_while_the_loop_is_blocked_and_say_so(tmp_path: Path) -> None:
    """A server that is killed because it had choked has no later line to tell."""
    probe = _probe(_with_lifespan, tmp_path)

    async def during() -> None:
        await asyncio.sleep(0.05)
        began_s = time.monotonic()
        time.sleep(0.35)  # noqa: ASYNC251 - the stall is what the test is about
        blocked = [line for line in _lines(tmp_path) if line.t_s > began_s + 0.05]
        assert len(blocked) >= 2
        overdue_s = [line.overdue_us / 1e6 - (line.t_s - began_s) for line in blocked]
        assert all(-TICK_S <= ahead_s <= TICK_S for ahead_s in overdue_s), "overdue since the first tick of the stall"
        await asyncio.sleep(0.15)

    _lifespan(probe, during)
    assert _lines(tmp_path)[-1].overdue_us == 0


def test_ticks_keep_their_schedule(tmp_path: Path) -> None:
    """A late tick must not move the later ones, or a busy loop would be looked at less often."""
    probe = _probe(_with_lifespan, tmp_path)

    async def during() -> None:
        for _ in range(100):
            time.sleep(0.006)  # noqa: ASYNC251 - so that every tick is late, but none so late that the next is skipped
            await asyncio.sleep(0)

    _lifespan(probe, during)
    lines = _lines(tmp_path)
    ticks = sum(len(line.lags_us) for line in lines)
    assert ticks >= 0.85 * (lines[-1].t_s - lines[0].t_s) / TICK_S


ASLEEP_AFTER_S = (QUIET_TICKS + 5) * TICK_S


def _lags_after(folder: Path, after_s: float) -> list[int]:
    return [lag for line in _lines(folder) if line.t_s > after_s for lag in line.lags_us]


def test_an_idle_loop_ticks_less_but_its_lines_go_on(tmp_path: Path) -> None:
    """Other servers are measured beside it, and what looks whether it is idle needs a new line soon."""
    span_s = 2 * ASLEEP_TICK_S

    async def during() -> None:
        await asyncio.sleep(ASLEEP_AFTER_S + 0.2)
        began_s = time.monotonic()
        await asyncio.sleep(span_s)
        asleep = [line for line in _lines(tmp_path) if line.t_s > began_s]
        assert len(asleep) >= 5 * span_s
        assert sum(len(line.lags_us) for line in asleep) <= span_s / ASLEEP_TICK_S + 2

    _lifespan(_probe(_with_lifespan, tmp_path), during)


@pytest.mark.parametrize("path", ["/health", "/io"])
def test_the_first_request_wakes_it_at_once(tmp_path: Path, path: str) -> None:
    probe = _probe(_with_lifespan, tmp_path)

    async def during() -> None:
        await asyncio.sleep(ASLEEP_AFTER_S + 0.1)
        began_s = time.monotonic()
        await probe({"type": "http", "path": path}, _receive, _nowhere)
        await asyncio.sleep(0.3)
        lags = _lags_after(tmp_path, began_s)
        assert len(lags) >= 0.6 * 0.2 / TICK_S, "of 0.2 s, since the last line may be 0.1 s old"
        assert max(lags) < ASLEEP_TICK_S * 0.2e6, "the long pause between two ticks is no lag"

    _lifespan(probe, during)


def test_one_request_after_the_other_keeps_it_awake(tmp_path: Path) -> None:
    """Also where none is in flight when a tick looks."""
    probe = _probe(_with_lifespan, tmp_path)

    async def during() -> None:
        began_s = time.monotonic()
        for _ in range(3):
            await asyncio.sleep(0.8 * QUIET_TICKS * TICK_S)
            await probe({"type": "http", "path": "/health"}, _receive, _nowhere)
        ticks = len(_lags_after(tmp_path, began_s))
        assert ticks >= 0.85 * (_lines(tmp_path)[-1].t_s - began_s) / TICK_S

    _lifespan(probe, during)


def test_a_request_in_flight_keeps_it_awake(tmp_path: Path) -> None:
    async def slow(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _with_lifespan(scope, receive, send)
        else:
            await asyncio.sleep(2 * ASLEEP_AFTER_S)

    probe = _probe(slow, tmp_path)

    async def during() -> None:
        began_s = time.monotonic()
        await probe({"type": "http", "path": "/io"}, _receive, _nowhere)
        ticks = len(_lags_after(tmp_path, began_s))
        assert ticks >= 0.85 * (_lines(tmp_path)[-1].t_s - began_s) / TICK_S

    _lifespan(probe, during)


def test_a_first_request_that_blocks_a_sleeping_loop_is_seen_from_its_beginning(tmp_path: Path) -> None:
    async def blocking(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _with_lifespan(scope, receive, send)
        else:
            time.sleep(0.4)  # noqa: ASYNC251 - the stall is what the test is about

    probe = _probe(blocking, tmp_path)

    async def during() -> None:
        await asyncio.sleep(ASLEEP_AFTER_S + 0.1)
        began_s = time.monotonic()
        await probe({"type": "http", "path": "/io"}, _receive, _nowhere)
        overdue_s = [
            line.t_s - began_s - line.overdue_us / 1e6 for line in _lines(tmp_path) if line.t_s > began_s + 2.5 * TICK_S
        ]
        assert len(overdue_s) >= 2
        assert max(overdue_s) <= TICK_S + 0.005, "since the first tick after the request"
        await asyncio.sleep(0.15)
        assert 0.35e6 <= max(_lags_after(tmp_path, began_s)) <= 0.45e6

    _lifespan(probe, during)


def test_a_stall_of_a_sleeping_loop_that_no_request_began_is_seen_by_its_next_tick(tmp_path: Path) -> None:
    async def during() -> None:
        await asyncio.sleep(ASLEEP_AFTER_S + 0.1)
        began_s = time.monotonic()
        time.sleep(ASLEEP_TICK_S + 0.2)  # noqa: ASYNC251 - the stall is what the test is about
        assert any(line.overdue_us for line in _lines(tmp_path) if line.t_s > began_s)
        await asyncio.sleep(0.05)
        resumed_s = time.monotonic()
        await asyncio.sleep(0.4)
        assert max(_lags_after(tmp_path, began_s)) >= 0.15e6
        assert len(_lags_after(tmp_path, resumed_s + 0.1)) >= 0.6 * 0.2 / TICK_S, "and it is awake again"

    _lifespan(_probe(_with_lifespan, tmp_path), during)


def test_a_late_tick_is_told_also_when_a_request_comes_before_it_runs(tmp_path: Path) -> None:
    probe = _probe(_with_lifespan, tmp_path)

    async def during() -> None:
        await asyncio.sleep(ASLEEP_AFTER_S + 0.1)
        began_s = time.monotonic()
        time.sleep(ASLEEP_TICK_S + 0.2)  # noqa: ASYNC251 - the stall is what the test is about
        await probe({"type": "http", "path": "/health"}, _receive, _nowhere)
        await asyncio.sleep(0.15)
        assert max(_lags_after(tmp_path, began_s)) >= 0.15e6

    _lifespan(probe, during)


def test_limiter_is_the_one_that_threads_wait_for(tmp_path: Path) -> None:
    probe = _probe(_with_lifespan, tmp_path)

    async def during() -> None:
        await asyncio.gather(*(to_thread.run_sync(time.sleep, 0.1) for _ in range(60)))

    _lifespan(probe, during)
    assert max(line.limiter_borrowed for line in _lines(tmp_path)) == 40
    assert max(line.limiter_waiting for line in _lines(tmp_path)) == 20


def test_a_server_without_lifespan_is_watched_from_its_first_health_on(tmp_path: Path) -> None:
    async def ask_twice() -> None:
        probe = _probe(_answer, tmp_path)
        for path in ("/health", "/io", "/health"):
            await _ask(probe, path)
        await asyncio.sleep(0.25)

    asyncio.run(ask_twice())
    lines = _lines(tmp_path)
    assert lines[0].requests == 0
    assert lines[-1].requests == 1
    assert any(line.lags_us for line in lines)


def test_a_line_has_the_keys_that_the_harness_reads(tmp_path: Path) -> None:
    """Both sides spell them: what runs in the target knows nothing of ours."""

    async def during() -> None:
        time.sleep(0.3)  # noqa: ASYNC251 - for every key to have a value
        await to_thread.run_sync(time.sleep, 0.1)

    _lifespan(_probe(_with_lifespan, tmp_path), during)
    lines = [json.loads(line) for line in (tmp_path / f"{os.getpid()}.jsonl").read_text().splitlines()]
    written = {key for line in lines for key in line}
    assert written <= set(ProbeLine.__struct_fields__)
    assert written >= {"t_s", "requests", "in_flight", "lags_us", "overdue_us", "limiter_borrowed"}


def test_an_application_without_lifespan_is_watched_all_the_same(tmp_path: Path) -> None:
    async def bare(scope: Message, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"

    failures: list[BaseException] = []
    _, error = _lifespan(_probe(bare, tmp_path, failures))
    assert isinstance(error, AssertionError), "uvicorn learns from it that there is no lifespan"
    assert len(_lines(tmp_path)) == 1
    assert failures == []


def test_a_failed_startup_is_reported_and_nothing_is_watched(tmp_path: Path) -> None:
    async def failing(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.failed", "message": "traceback"})
        raise ValueError("no database")

    failures: list[BaseException] = []
    _lifespan(_probe(failing, tmp_path, failures))
    assert [str(failure) for failure in failures] == ["no database"]
    assert _lines(tmp_path) == []


@pytest.mark.parametrize(
    ("built_without", "enabled", "says"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_a_gil_that_came_back_is_said_in_health_and_in_every_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built_without: bool, enabled: bool, says: bool
) -> None:
    monkeypatch.setattr(gil, "_BUILT_WITHOUT", built_without)
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: enabled, raising=False)
    probe = _probe(_answer, tmp_path)
    assert (asyncio.run(_ask(probe, "/health")).get(b"x-bench-gil") == b"on") is says
    (path,) = tmp_path.glob("*.jsonl")
    lines = read_lines(path, ProbeLine)
    assert lines and all(line.gil_came_back is says for line in lines)
