"""What is to be seen in one moment: where the loop's thread is, or the thread that it waits for, and for which request.

It is read without letting go of the GIL: when another thread runs, a stack is already another one.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from types import CodeType, FrameType
from typing import Any, NamedTuple

from .clocks import thread_cpu_s
from .seen_request import SeenRequest, SeenRequests
from .stacks import Place, UserCode, awaiting_frame, outermost_users, outwards, place_of, runs_as_coroutine

_MOST = 0.6  # of the CPU time of all threads


class Sight(NamedTuple):
    place: Place
    request: SeenRequest | None


NO_SIGHT = Sight(Place(None, 0, "", (), None, "other"), None)


class Sights:
    """Of one event loop. `idle_codes` is the code that runs it."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, requests: SeenRequests, idle_codes: frozenset[CodeType], user: UserCode
    ) -> None:
        self._loop = loop
        self._thread = threading.get_ident()
        self._requests = requests
        self._idle_codes = idle_codes
        self._user = user
        self._cpu_s_by_thread: dict[int, float] = {}
        self._seen_s_by_thread: dict[int, float] = {}
        greenlet = sys.modules.get("greenlet")
        self._loops_greenlet: Any = None if greenlet is None else greenlet.getcurrent()

    def key(self, frame: FrameType) -> Any:
        """What the loop is at: a task, or where the user's code was entered. None: it waits for I/O or runs neither."""
        if frame.f_code in self._idle_codes or self._is_loops_select(frame):
            return None
        # A reference to the task: a new one could have the number of one that has ended.
        return asyncio.current_task(self._loop) or outermost_users(frame, self._user, self._idle_codes)

    def _is_loops_select(self, frame: FrameType) -> bool:
        """Others select as well: `subprocess.run` with two pipes, and drivers of databases while they connect."""
        if frame.f_code.co_name != "select" or frame.f_globals.get("__name__") != "selectors":
            return False
        return frame.f_back is not None and frame.f_back.f_code in self._idle_codes

    def of_loop(self, frame: FrameType, *, is_starting: bool) -> Sight:
        """`frame` is the innermost one of its thread."""
        place = place_of(frame, self._user, self._idle_codes)
        # An asynchronous session of SQLAlchemy works in a greenlet: who awaits it is on the stack that was left for it.
        left = getattr(self._loops_greenlet, "gr_frame", None)
        if left is not None and place.file is None:
            frame = left
            place = place_of(frame, self._user, self._idle_codes)
        request = self._requests.of(frame if left is None else left, asyncio.current_task(self._loop))
        where = "startup" if is_starting else place.where or self._where_without_caller(frame, request)
        place = place._replace(where=where)
        endpoint = None if request is None else request.endpoint()
        if place.file is None and where != "other" and endpoint is not None and self._user.has(endpoint):
            # What the framework does with the endpoint's parameters and its answer.
            place = place._replace(file=endpoint.co_filename, line=endpoint.co_firstlineno, function=endpoint.co_name)
        return Sight(place, request)

    def of_busiest(self, frames: dict[int, FrameType]) -> Sight:
        """Of all other threads but the calling one, the one with the most CPU time since `remember_threads`."""
        spent_s = {
            (ident, native_id): thread_cpu_s(native_id) - self._cpu_s_by_thread.get(native_id, 0.0)
            for ident, native_id in self._other_threads()
        }
        ident, native_id = max(spent_s, key=spent_s.__getitem__, default=(0, 0))
        frame = frames.get(ident)
        if frame is None:  # it has ended
            return NO_SIGHT._replace(request=self._requests.only_one())
        request = self._requests.of(frame, None)
        if request is not None and self._seen_s_by_thread.get(native_id, request.began_s) < request.began_s:
            request = request if _is_pools(frame) else None  # it is older, and works for itself
        place = place_of(frame, self._user)
        if place.file is None and request is not None:
            # A library, or a function of Python's own, works for the line that awaits it.
            left = awaiting_frame(request.task, self._user)
            if left is not None:
                frame = left
                place = place_of(left, self._user)
        if place.where is None and request is not None:
            roles = (request.role_of(each.f_code) for each in outwards(frame) if self._user.has(each.f_code))
            place = place._replace(where=next((role for role in roles if role is not None), None))
        takes_turns = spent_s[ident, native_id] < _MOST * sum(spent_s.values())
        return Sight(place._replace(where=place.where or "other", takes_turns=takes_turns), request)

    def remember_threads(self) -> None:
        """How much CPU time each has used until now, and since when it is known."""
        # By the system's number: Python gives that of a thread that has ended to the next one.
        self._cpu_s_by_thread = {native_id: thread_cpu_s(native_id) for _, native_id in self._other_threads()}
        now_s, seen_s = time.monotonic(), self._seen_s_by_thread
        self._seen_s_by_thread = {native_id: seen_s.get(native_id, now_s) for native_id in self._cpu_s_by_thread}

    def _where_without_caller(self, frame: FrameType, request: SeenRequest | None) -> str:
        entered = outermost_users(frame, self._user, self._idle_codes)
        if entered is None or not runs_as_coroutine(entered):
            return "other"
        # A task of the user's: one that a request waits for, or one that goes on without any.
        return "background" if request is None or self._requests.has_ended(request) else "endpoint"

    def _other_threads(self) -> list[tuple[int, int]]:
        """Identifier and native identifier."""
        without = (self._thread, threading.get_ident())
        return [
            (each.ident, each.native_id)
            for each in threading.enumerate()
            if each.ident is not None and each.native_id is not None and each.ident not in without
        ]


def _is_pools(frame: FrameType) -> bool:
    """Whether a pool has given its thread this work."""
    modules = (str(each.f_globals.get("__name__", "")) for each in outwards(frame))
    return any(module == "concurrent.futures.thread" or module.startswith("anyio.") for module in modules)
