"""Finds the stretches in which an app's event loop did not run: where, and what its thread did meanwhile.

A thread looks at the loop's thread every 2.5 ms (half the threshold). When it sees the same task twice in a row, or one
that has computed since the loop was last idle, it asks the loop to answer and goes on looking until the answer comes. A
loop that waits for I/O is not asked, and neither is one that goes from task to task: nothing wakes it or takes its time.
Nothing of the loop is replaced, and any loop is watched in the same way.

A C function that keeps the GIL stops this thread, too. So a look that comes late, although the thread did not have to
wait for a CPU, is a stretch by itself. The thread whose CPU clock ran meanwhile has caused it, and is still at that line:
it gives the GIL away when the C function returns.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from types import FrameType
from typing import Any, NamedTuple

from .clocks import ThreadClock, ThreadTimes, thread_cpu_s
from .lines import Lines
from .seen_request import SeenRequest, SeenRequests
from .stacks import Place, UserCode, between_callbacks, outermost_users, outwards, place_of, runs_as_coroutine
from .stretch import OpenStretch

THRESHOLD_S = 0.005
_SNAPSHOT_S = 0.05
_HALF = 0.5


class _Look(NamedTuple):
    """What is cheap to read; none of it lets go of the GIL."""

    at_s: float
    loop_cpu_s: float
    others_cpu_s: float  # of all threads but the loop's and this one


class _Step(NamedTuple):
    """What the loop's thread is at: since when at least, and how much CPU time it had used then."""

    key: Any  # a task, or where the user's code was entered; None: it waits for I/O, or runs neither
    began_s: float
    began_cpu_s: float


class Watch:
    """Watches the running loop of the coroutine that makes it, until `end`."""

    def __init__(self, requests: SeenRequests, lines: Lines, *, threshold_s: float = THRESHOLD_S) -> None:
        self.is_starting = False
        self.limiter: Any = None  # AnyIO's, once it is known
        self.in_threads_s = 0.0  # the sum over its threads
        self._requests = requests
        self._lines = lines
        self._threshold_s = threshold_s
        self._period_s = threshold_s / 2
        # The GIL goes round every switch interval by itself; who waits for longer waits for one that keeps it.
        self._held_s = max(threshold_s, 1.5 * sys.getswitchinterval())
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._clock = ThreadClock(threading.get_native_id())
        self._idle_codes = between_callbacks(sys._getframe(1))
        self._user = UserCode()
        self._stretch: OpenStretch | None = None
        self._times = ThreadTimes(0.0)  # at the last look into the stretch
        self._question = 0
        self._answered_s: float | None = None
        self._ended = False
        self._watcher = threading.Thread(target=self._watch, name="bench-watch", daemon=True)
        self._watcher.start()

    def end(self) -> None:
        self._ended = True
        self._watcher.join()

    def _watch(self) -> None:
        self._own_clock = ThreadClock(threading.get_native_id())
        last = self._read()
        self._step = _Step(None, last.at_s, last.loop_cpu_s)
        self._snapshot(last)
        while not self._ended:
            time.sleep(self._period_s)
            now = self._read()
            self._look(last, now)
            if self.limiter is not None:
                self.in_threads_s += self.limiter.borrowed_tokens * (now.at_s - last.at_s)
            if now.at_s >= self._snapshot_s + _SNAPSHOT_S:
                self._snapshot(now)
            self._lines.write()
            last = now
        self._lines.write()
        self._clock.close()
        self._own_clock.close()

    def _read(self) -> _Look:
        loop_cpu_s = self._clock.cpu_s()
        return _Look(time.monotonic(), loop_cpu_s, time.process_time() - loop_cpu_s - time.thread_time())

    def _snapshot(self, now: _Look) -> None:
        """What is too dear for each look: how long this thread had no CPU, and the CPU time of each thread."""
        self._snapshot_s = now.at_s
        self._own_queued_s = self._own_clock.read().queued_s
        self._cpu_s_by_thread = {ident: thread_cpu_s(native_id) for ident, native_id in _other_threads(self._thread)}

    def _look(self, last: _Look, now: _Look) -> None:
        frames = sys._current_frames()
        frame = frames.get(self._thread)
        if frame is None:
            return
        before, step = self._step, self._step_at(frame, last, now)
        self._step = step
        span_s = now.at_s - last.at_s
        held = self._was_held(span_s)
        if self._stretch is not None:
            self._look_further(self._stretch, step, frames, last, now)
        elif held and now.loop_cpu_s - last.loop_cpu_s >= _HALF * span_s:
            began_s = now.at_s - min(span_s, now.loop_cpu_s - last.loop_cpu_s)
            self._open(_Step(step.key, began_s, last.loop_cpu_s), began_s, frames, last, now)
        elif held and now.others_cpu_s - last.others_cpu_s >= _HALF * span_s:
            self._write_held(frames, last, now)
        elif step.key is not None:
            computed_since_idle = before.key is None and now.at_s - step.began_s >= self._period_s
            if step is before or computed_since_idle:
                self._open(step, now.at_s, frames, last, now)

    def _step_at(self, frame: FrameType, last: _Look, now: _Look) -> _Step:
        """The same object as before while the loop's thread is at the same."""
        key = self._key(frame)
        if key is not None and key == self._step.key:
            return self._step
        if key is None or self._step.key is not None:
            return _Step(key, now.at_s, now.loop_cpu_s)
        computed_s = min(now.at_s - last.at_s, now.loop_cpu_s - last.loop_cpu_s)
        return _Step(key, now.at_s - computed_s, last.loop_cpu_s)

    def _key(self, frame: FrameType) -> Any:
        code = frame.f_code
        if code in self._idle_codes or (code.co_name == "select" and frame.f_globals.get("__name__") == "selectors"):
            return None
        # A reference to the task: a new one could have the number of one that has ended.
        return asyncio.current_task(self._loop) or outermost_users(frame, self._user)

    def _was_held(self, span_s: float) -> bool:
        """Whether this look comes late because of the GIL, and not for want of a CPU."""
        late_s = span_s - self._period_s
        if late_s < self._held_s:
            return False
        # Without a CPU since the snapshot, which may be too much: then nothing is said.
        return late_s - (self._own_clock.read().queued_s - self._own_queued_s) >= self._held_s

    def _open(
        self, step: _Step, proven_from_s: float, frames: dict[int, FrameType], last: _Look, now: _Look
    ) -> None:
        self._stretch = OpenStretch(step.key, step.began_s, proven_from_s)
        self._times = self._clock.read()._replace(cpu_s=step.began_cpu_s)
        self._add(self._stretch, frames, last, now, now.at_s)
        self._question += 1
        self._answered_s = None
        try:
            self._loop.call_soon_threadsafe(self._answer, self._question)
        except RuntimeError:  # it is closed
            self._ended = True

    def _answer(self, question: int) -> None:
        if question == self._question:
            self._answered_s = time.monotonic()

    def _look_further(
        self, stretch: OpenStretch, step: _Step, frames: dict[int, FrameType], last: _Look, now: _Look
    ) -> None:
        answered_s = self._answered_s
        if answered_s is not None:
            self._add(stretch, frames, last, now, answered_s)
        elif step.key is not None and step.key == stretch.key:
            self._add(stretch, frames, last, now, now.at_s)
            return
        # Else it goes on with another task before it answers: what was seen once only may have been short.
        elif stretch.looks > 1:
            self._add(stretch, frames, last, now, now.at_s)
        self._stretch = None
        self._step = step._replace(began_s=now.at_s, began_cpu_s=now.loop_cpu_s)
        long_enough = stretch.seen_s - stretch.began_s >= self._threshold_s
        if long_enough and stretch.seen_s - stretch.proven_from_s >= _HALF * self._threshold_s:
            self._lines.add("stretches", stretch.line())

    def _add(
        self, stretch: OpenStretch, frames: dict[int, FrameType], last: _Look, now: _Look, until_s: float
    ) -> None:
        times = self._clock.read()
        did, self._times = times.since(self._times), times
        frame = frames[self._thread]
        if stretch.looks == 0:
            stretch.request = self._requests.of(frame, asyncio.current_task(self._loop))
        if stretch.last is not None and self._is_over(stretch, until_s, now):
            stretch.add(*stretch.last, until_s, did)
        elif self._could_not_run(did, last, now):
            stretch.add(*self._other(frames, stretch.request), until_s, did)
        else:
            stretch.add(self._complete(place_of(frame, self._user), frame, stretch.request), False, until_s, did)

    def _is_over(self, stretch: OpenStretch, until_s: float, now: _Look) -> bool:
        """What the thread is at now is another thing."""
        return until_s < now.at_s or self._step.key != stretch.key

    def _could_not_run(self, did: ThreadTimes, last: _Look, now: _Look) -> bool:
        """Another thread computed, and the loop's woke again and again to ask for the GIL, as it does every switch
        interval. One that waits for something else sleeps on."""
        wall_s = now.at_s - last.at_s
        others_computed = now.others_cpu_s - last.others_cpu_s >= _HALF * wall_s
        asked_again = did.runs > 1 and did.runs >= wall_s / (3 * sys.getswitchinterval())
        return others_computed and asked_again and max(did.cpu_s, did.queued_s) < _HALF * wall_s

    def _write_held(self, frames: dict[int, FrameType], last: _Look, now: _Look) -> None:
        """The loop could not have run, whether it had to or not."""
        stretch = OpenStretch(None, last.at_s, last.at_s)
        frame = frames.get(self._busiest())
        stretch.request = None if frame is None else self._requests.of(frame, None)
        stretch.add(*self._other(frames, stretch.request), now.at_s, ThreadTimes(0.0))
        self._lines.add("stretches", stretch.line())

    def _other(self, frames: dict[int, FrameType], request: SeenRequest | None) -> tuple[Place, bool]:
        """Where the thread is that the others wait for."""
        frame = frames.get(self._busiest())
        if frame is None:
            return Place(None, 0, "", (), None, "other"), True
        place = place_of(frame, self._user)
        if place.where is None and request is not None:
            roles = (request.role_of(each.f_code) for each in outwards(frame) if self._user.has(each.f_code))
            place = place._replace(where=next((role for role in roles if role is not None), None))
        return place._replace(where=place.where or "other"), True

    def _busiest(self) -> int:
        """The thread with the most CPU time since the snapshot, of all but the loop's and this one; 0 for none."""
        spent_s = {
            ident: thread_cpu_s(native_id) - self._cpu_s_by_thread.get(ident, 0.0)
            for ident, native_id in _other_threads(self._thread)
        }
        return max(spent_s, key=spent_s.__getitem__, default=0)

    def _complete(self, place: Place, frame: FrameType, request: SeenRequest | None) -> Place:
        """With what the stack alone does not tell."""
        where = "startup" if self.is_starting else place.where or self._where_without_caller(frame)
        place = place._replace(where=where)
        endpoint = request and request.endpoint()
        if place.file is None and endpoint is not None and self._user.has(endpoint):
            # What the framework does with the endpoint's parameters and its answer.
            return place._replace(file=endpoint.co_filename, line=endpoint.co_firstlineno, function=endpoint.co_name)
        return place

    def _where_without_caller(self, frame: FrameType) -> str:
        entered = outermost_users(frame, self._user)
        if entered is None or not runs_as_coroutine(entered):
            return "other"
        # A task of the user's: one that a request waits for, or one that goes on without any.
        return "endpoint" if self._requests.are_under_way() else "background"


def _other_threads(loop_thread: int) -> list[tuple[int, int]]:
    """Identifier and native identifier of all threads but the loop's and the calling one."""
    without = (loop_thread, threading.get_ident())
    return [
        (each.ident, each.native_id)
        for each in threading.enumerate()
        if each.ident is not None and each.native_id is not None and each.ident not in without
    ]
