"""The watching thread on a real loop, in this process: this file is the user's code."""

from __future__ import annotations

import asyncio
import gc
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import uvloop

from harness.analysis.blocking_lines import cause_of
from harness.inside.bench_inside.probe import App, Message, Receive, Send
from harness.inside.bench_inside.watch import Watch
from harness.inside.bench_inside.watched import Watched
from harness.results.records.blocked_stretch import Stretch, StretchPlace
from harness.results.records.request_line import RequestLine
from harness.results.watch_files import WatchFiles

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
KEEPS_THE_GIL = re.compile(r"(a+)+$")
LONG_FOR_IT = "a" * 21 + "!"


async def answered(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def asgi(work: Callable[[], Awaitable[object]]) -> App:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            return
        await work()
        await answered(send)

    return app


def watched(
    folder: Path, work: Callable[[], Awaitable[object]], *, loop: str = "asyncio", after_s: float = 0.05
) -> tuple[list[Stretch], list[RequestLine]]:
    """One request whose work this is, from startup to shutdown."""

    async def serve() -> None:
        messages: asyncio.Queue[Message] = asyncio.Queue()
        said: asyncio.Queue[Message] = asyncio.Queue()
        app = Watched(asgi(work), folder)
        lifespan = asyncio.ensure_future(app({"type": "lifespan"}, messages.get, said.put))
        messages.put_nowait({"type": "lifespan.startup"})
        await said.get()
        request = app({"type": "http", "method": "GET", "path": "/a"}, messages.get, said.put)
        await asyncio.ensure_future(request)
        await asyncio.sleep(after_s)
        messages.put_nowait({"type": "lifespan.shutdown"})
        await lifespan

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(serve())
    files = WatchFiles.read(folder)
    return list(files.stretches), list(files.requests)


def longest(stretches: list[Stretch]) -> tuple[Stretch, StretchPlace]:
    stretch = max(stretches, key=lambda each: each.ms)
    return stretch, max(stretch.places, key=lambda place: place.ms)


def line_with(mark: str) -> int:
    return next(i for i, line in enumerate(Path(__file__).read_text().splitlines(), 1) if line.endswith(f" {mark}"))


async def sleeps() -> None:
    time.sleep(0.06)  # noqa: ASYNC251 - sleeps here


async def computes() -> None:
    end_s = time.thread_time() + 0.06
    while time.thread_time() < end_s:
        pass


async def keeps_the_gil() -> None:
    KEEPS_THE_GIL.match(LONG_FOR_IT)  # keeps it here


def keeps_it_in_a_thread() -> None:
    KEEPS_THE_GIL.match(LONG_FOR_IT)  # keeps it there


@pytest.mark.parametrize("loop", LOOPS)
def test_a_wait_is_found_with_its_line_and_its_time(tmp_path: Path, loop: str) -> None:
    stretches, (request,) = watched(tmp_path, sleeps, loop=loop)
    stretch, place = longest(stretches)
    assert (place.file, place.line, place.function) == (__file__, line_with("sleeps here"), "sleeps")
    assert cause_of(place) == "waits"
    assert stretch.request == request.number
    assert 50 <= stretch.ms <= 75
    assert (request.method, request.path, request.status) == ("GET", "/a", 200)
    assert request.service_ms >= 60


@pytest.mark.parametrize("loop", LOOPS)
def test_computing_in_python_is_found(tmp_path: Path, loop: str) -> None:
    stretches, _ = watched(tmp_path, computes, loop=loop)
    _, place = longest(stretches)
    assert (place.function, cause_of(place)) == ("computes", "computes")
    assert place.cpu_ms >= 40


@pytest.mark.parametrize("loop", LOOPS)
def test_a_function_that_keeps_the_gil_is_found_when_it_returns(tmp_path: Path, loop: str) -> None:
    stretches, _ = watched(tmp_path, keeps_the_gil, loop=loop)
    stretch, place = longest(stretches)
    assert (place.file, place.line) == (__file__, line_with("keeps it here"))
    assert cause_of(place) == "computes"
    assert stretch.ms >= 40


@pytest.mark.parametrize("loop", LOOPS)
def test_a_thread_that_keeps_the_gil_is_named_and_not_the_loop(tmp_path: Path, loop: str) -> None:
    async def waits_for_it() -> None:
        await asyncio.to_thread(keeps_it_in_a_thread)

    stretches, (request,) = watched(tmp_path, waits_for_it, loop=loop)
    stretch, place = longest(stretches)
    assert (place.file, place.line, place.by_other) == (__file__, line_with("keeps it there"), True)
    assert cause_of(place) == "cannot_run"
    assert stretch.request == request.number


@pytest.fixture
def without_gc() -> Iterator[None]:
    """It takes 20 ms in a process as large as that of the tests."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_gc")
@pytest.mark.parametrize("loop", LOOPS)
def test_many_short_callbacks_in_one_turn_of_the_loop_are_no_stretch(tmp_path: Path, loop: str) -> None:
    async def short() -> None:
        end_s = time.thread_time() + 0.001
        while time.thread_time() < end_s:
            pass

    async def many() -> None:
        await asyncio.gather(*(short() for _ in range(50)))

    stretches, _ = watched(tmp_path, many, loop=loop)
    assert [place for stretch in stretches for place in stretch.places if place.cpu_ms >= 5] == []


def test_what_a_task_of_a_request_does_is_the_requests(tmp_path: Path) -> None:
    tasks = []

    async def leaves_a_task() -> None:
        tasks.append(asyncio.create_task(sleeps()))

    stretches, (request,) = watched(tmp_path, leaves_a_task, after_s=0.1)
    stretch, place = longest(stretches)
    assert (stretch.request, place.function, place.where) == (request.number, "sleeps", "background")


def test_a_thread_that_ends_meanwhile_does_no_harm(tmp_path: Path) -> None:
    async def many_threads() -> None:
        for _ in range(200):
            threading.Thread(target=time.sleep, args=(0.0001,)).start()
            await asyncio.sleep(0.0005)
        await sleeps()

    stretches, _ = watched(tmp_path, many_threads)
    assert "sleeps" in {place.function for stretch in stretches for place in stretch.places}


def test_a_stretch_that_goes_on_is_written_before_it_ends(tmp_path: Path) -> None:
    during: list[WatchFiles] = []

    async def sleeps_for_long() -> None:
        reader = threading.Timer(1.5, lambda: during.append(WatchFiles.read(tmp_path)))
        reader.start()
        time.sleep(2.0)  # noqa: ASYNC251 - sleeps for long
        reader.join()

    stretches, requests = watched(tmp_path, sleeps_for_long)
    (early,) = [each for each in during[0].stretches if each.ms > 500]
    (told,) = during[0].requests
    assert (early.places[0].line, early.request, told.path) == (line_with("sleeps for long"), told.number, "/a")
    assert 900 <= early.ms <= 1500
    assert not told.ended
    (whole,) = [each for each in stretches if each.ms > 500]
    assert (whole.t_s, len(requests), requests[0].ended) == (early.t_s, 1, True)
    assert whole.ms >= 1900


@pytest.mark.parametrize("loop", LOOPS)
def test_one_that_looks_less_often_finds_what_blocks_for_long(
    tmp_path: Path, loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.inside.bench_inside.watched._TOLD_APART", 1)  # then it is told to

    async def sleeps_for_long() -> None:
        await asyncio.sleep(0.1)
        time.sleep(0.3)  # noqa: ASYNC251 - is still found

    stretches, _ = watched(tmp_path, sleeps_for_long, loop=loop)
    _, place = longest(stretches)
    assert (place.line, cause_of(place)) == (line_with("is still found"), "waits")
    assert place.ms >= 150


def test_that_all_garbage_was_collected_meanwhile_is_said(tmp_path: Path) -> None:
    many = [[number] for number in range(400_000)]

    async def collects() -> None:
        gc.collect()

    stretches, _ = watched(tmp_path, collects)
    stretch, _ = longest(stretches)
    assert (len(many), stretch.collections) == (400_000, 1)


def test_a_thread_that_cannot_tell_what_it_sees_says_so_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, left = Watch._look, [ValueError("no such thing")]

    def fails_once(watch: Watch, *looks: object) -> None:
        if left and watch._requests.only_one() is not None:
            raise left.pop()
        look(watch, *looks)  # type: ignore[arg-type]

    monkeypatch.setattr(Watch, "_look", fails_once)
    stretches, requests = watched(tmp_path, sleeps)
    (failures,) = tmp_path.glob("*.failures.jsonl")
    assert (failures.read_text(), left) == ('{"error":"ValueError: no such thing"}\n', [])
    assert (len(requests), longest(stretches)[1].function) == (1, "sleeps")
