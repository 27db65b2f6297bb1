from __future__ import annotations

import asyncio
import inspect
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from harness.inside.bench_inside.seen_request import SeenRequests
from harness.inside.bench_inside.sight import Sights
from harness.inside.bench_inside.stacks import between_callbacks

# As `sqlalchemy.util.concurrency` does it: what blocks has a stack of its own, which begins in the library.
_LIBRARY = """
import greenlet
async def in_greenlet(blocks):
    return greenlet.greenlet(scalars).switch(blocks)
def scalars(blocks):
    return blocks()
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
        made.append(Sights(asyncio.get_running_loop(), SeenRequests(), between_callbacks(frame)))
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
