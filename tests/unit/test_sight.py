from __future__ import annotations

import asyncio
import inspect
import selectors
import socket
import sys
import threading
import time
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import jinja2

from harness.inside.bench_inside.pool_waits import PoolWaits
from harness.inside.bench_inside.seen_request import SeenRequests
from harness.inside.bench_inside.sight import Sights
from harness.inside.bench_inside.stacks import UserCode, awaiting_frame, between_callbacks, place_of

# As `sqlalchemy.util.concurrency` does it: what blocks has a stack of its own, which begins in the library.
_LIBRARY = """
import sys
import greenlet
async def in_greenlet(blocks):
    return greenlet.greenlet(scalars).switch(blocks)
def scalars(blocks):
    return blocks()
def connect(look):
    return look(sys._getframe())
"""


def _library(folder: Path) -> SimpleNamespace:
    library: dict[str, Any] = {"__name__": "orm"}
    exec(compile(_LIBRARY, str(folder / "site-packages" / "orm.py"), "exec"), library)
    return SimpleNamespace(**library)


def test_who_awaits_what_blocks_in_a_greenlet_is_named(tmp_path: Path) -> None:
    library, is_blocked, is_seen = _library(tmp_path), threading.Event(), threading.Event()
    made = []

    def blocks() -> None:
        is_blocked.set()
        is_seen.wait(10)

    blocks.__code__ = blocks.__code__.replace(co_filename=str(tmp_path / "site-packages" / "driver.py"))

    async def endpoint() -> None:
        frame = inspect.currentframe()
        assert frame is not None
        made.append(Sights(asyncio.get_running_loop(), SeenRequests(), between_callbacks(frame), UserCode()))
        await library.in_greenlet(blocks)

    thread = threading.Thread(target=lambda: asyncio.run(endpoint()))
    thread.start()
    assert is_blocked.wait(10)
    assert thread.ident is not None
    place = made[0].of_loop(sys._current_frames()[thread.ident], is_starting=False).place
    is_seen.set()
    thread.join()
    line = endpoint.__code__.co_firstlineno + 4
    assert (place.file, place.line, place.function) == (__file__, line, "endpoint")
    assert place.call == "orm.in_greenlet"


def test_who_waits_for_a_connection_is_named_although_that_is_timed(tmp_path: Path) -> None:
    connect = PoolWaits()._timed(_library(tmp_path).connect)
    place = connect(lambda frame: place_of(frame, UserCode()))
    assert (place.file, place.function) == (__file__, "test_who_waits_for_a_connection_is_named_although_that_is_timed")
    assert place.call == "orm.connect"


def test_who_selects_is_not_taken_for_the_loop_that_does() -> None:
    """As `subprocess.run` with two pipes does it, and drivers of databases while they connect."""
    made, is_blocked = [], threading.Event()
    reader, writer = socket.socketpair()

    async def endpoint() -> None:
        frame = inspect.currentframe()
        assert frame is not None
        made.append(Sights(asyncio.get_running_loop(), SeenRequests(), between_callbacks(frame), UserCode()))
        with selectors.DefaultSelector() as selector:
            selector.register(reader, selectors.EVENT_READ)
            is_blocked.set()
            selector.select(10)

    thread = threading.Thread(target=lambda: asyncio.run(endpoint()))
    thread.start()
    assert is_blocked.wait(10)
    assert thread.ident is not None
    while (frame := sys._current_frames()[thread.ident]).f_code.co_name != "select":
        time.sleep(0.001)
    key = made[0].key(frame)
    writer.send(b"x")
    thread.join()
    reader.close()
    writer.close()
    assert isinstance(key, asyncio.Task)


def test_where_a_function_begins_is_no_line_that_computes() -> None:
    seen: list[int] = []

    def begins() -> int:  # the interpreter lets others run here
        return 1

    def look(frame: Any, event: str, _: object) -> None:
        if event == "call" and frame.f_code is begins.__code__:
            seen.append(place_of(frame, UserCode()).line)

    sys.setprofile(look)
    begins()
    sys.setprofile(None)
    assert seen == [begins.__code__.co_firstlineno + 1]


def test_a_line_of_a_template_is_its_own() -> None:
    """What Jinja makes of a template is Python with other lines; it keeps which belongs to which."""
    template = jinja2.Environment(autoescape=True).from_string("one\n\n{{ look() }}\n")
    code = template.root_render_func.__code__

    def look() -> str:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code is not code:
            frame = frame.f_back
        assert frame is not None
        user = UserCode()
        user._known[code.co_filename] = True
        place = place_of(frame, user)
        return f"{place.line} {place.function}"

    assert template.render(look=look) == "one\n\n3 template"


def test_of_a_task_that_awaits_a_library_the_line_of_the_app_is_found() -> None:
    async def waits() -> None:
        await asyncio.sleep(30)

    async def outer() -> None:
        await waits()

    async def look() -> None:
        task = asyncio.ensure_future(outer())
        await asyncio.sleep(0)
        frame = awaiting_frame(task, UserCode())
        assert frame is not None
        assert frame.f_code is waits.__code__
        assert frame.f_lineno == waits.__code__.co_firstlineno + 1
        task.cancel()

    asyncio.run(look())
