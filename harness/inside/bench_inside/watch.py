"""Finds the stretches in which an app's event loop did not run: where, and what its thread did meanwhile.

A thread looks at the loop's thread every 2.5 ms (half the threshold), or every 50 ms once it is told to be sparing.
When it sees the same task twice in a row, or one that has computed since the loop was last idle, it asks the loop to
answer and goes on looking until the answer comes. A loop that waits for I/O is not asked, and neither is one that goes
from task to task: nothing wakes it, or takes its time. Nothing of the loop is replaced, and any loop is watched in the
same way.

Where requests meet, the loop may have been at many tasks between two looks. Then only a question proves something: it
is asked at the first sight of a task, and a loop that is still at that task before the answer has been at it since.

A C function that keeps the GIL stops this thread, too. So a look that comes late, although the thread did not have to
wait for a CPU, is a stretch by itself. The thread whose CPU clock ran meanwhile has caused it, and is still at that
line: it gives the GIL away when the C function returns.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from types import FrameType
from typing import Any, NamedTuple

from .clocks import ThreadClock, ThreadTimes
from .lines import Lines
from .seen_request import SeenRequests
from .sight import NO_SIGHT, Sight, Sights
from .stacks import UserCode, between_callbacks
from .stretch import OpenStretch

THRESHOLD_S = 0.005
_REMEMBERED_PERIODS = 20
_HALF = 0.5
# Each look takes the GIL from a loop that is busy and not blocked. Under a long load there are so many times fewer.
_SPARING_PERIODS = 20
# Where requests meet, threads take turns with the GIL: who waits for so many times longer waits for one that keeps it.
_CROWD_TURNS = 3
# What has not ended is written as often as that, so that a loop which is blocked for good is told, too.
_WRITTEN_S = 1.0


class _Look(NamedTuple):
    """What is cheap to read; none of it lets go of the GIL."""

    at_s: float
    loop_cpu_s: float
    others_cpu_s: float  # of all threads but the loop's and this one
    changed_s: tuple[float, float] | None  # of `SeenRequests`
    is_crowd: bool  # many requests are under way
    collections: int  # of all the garbage there is, by whichever thread, until now


class _Step(NamedTuple):
    """What the loop's thread is at: since when at least, and how much CPU time it had used then."""

    key: Any  # of `Sights.key`
    began_s: float
    began_cpu_s: float
    not_before_s: float  # the last look at which it was not there


class Watch:
    """Watches the running loop of the coroutine that makes it, until `end`."""

    def __init__(self, requests: SeenRequests, lines: Lines, *, threshold_s: float = THRESHOLD_S) -> None:
        self.is_starting = False
        self.limiter: Any = None  # AnyIO's, once it is known
        self.in_threads_s = 0.0  # the sum over its threads
        self._lines = lines
        self._threshold_s = threshold_s
        self._is_sparing = False
        # The GIL goes round every switch interval by itself; who waits for longer waits for one that keeps it.
        self._held_s = max(threshold_s, 1.5 * sys.getswitchinterval())
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._clock = ThreadClock(threading.get_native_id())
        self._user = UserCode()
        self._requests = requests
        self._sights = Sights(self._loop, requests, between_callbacks(sys._getframe(1)), self._user)
        self._stretch: OpenStretch | None = None
        self._times = ThreadTimes(0.0)  # of the loop's thread, at the last look into the stretch
        self._question = 0
        self._answered = 0, 0.0  # a question, and when
        self._ended = False
        self._has_failed = False
        self._watches = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="bench-watch", daemon=True)
        self._watcher.start()
        self._watches.wait()  # what the loop does next may keep the GIL

    def look_less_often(self) -> None:
        """From now on. What blocks for longer than some 120 ms is still found."""
        self._is_sparing = True

    def end(self) -> None:
        self._ended = True
        self._watcher.join()

    def _watch(self) -> None:
        try:
            self._own_clock = ThreadClock(threading.get_native_id())
            last = self._read()
            self._step = _Step(None, last.at_s, last.loop_cpu_s, last.at_s)
            self._remember(last)
        finally:
            self._watches.set()  # whatever happens, the app starts
        while not self._ended:
            pause_s = self._pause_s()
            self._wakes_s = time.monotonic() + pause_s
            time.sleep(pause_s)
            now = self._read()
            try:
                self._look(last, now)
            except Exception as error:  # noqa: BLE001 - the app may be made of anything
                self._stretch = None
                if not self._has_failed:
                    self._lines.add("failures", {"error": f"{type(error).__name__}: {error}"})
                self._has_failed = True
            if self.limiter is not None:
                self.in_threads_s += self.limiter.borrowed_tokens * (now.at_s - last.at_s)
            if now.at_s >= self._remembered_s + _REMEMBERED_PERIODS * pause_s:
                self._remember(now)
            self._lines.write()
            last = now
        if self._stretch is not None:
            self._write(self._stretch)
        self._lines.write()
        self._clock.close()
        self._own_clock.close()

    def _pause_s(self) -> float:
        is_sparing = self._is_sparing and self._stretch is None
        return self._threshold_s / 2 * (_SPARING_PERIODS if is_sparing else 1)

    def _read(self) -> _Look:
        loop_cpu_s = self._clock.cpu_s()
        others_cpu_s = time.process_time() - loop_cpu_s - time.thread_time()
        return _Look(
            time.monotonic(),
            loop_cpu_s,
            others_cpu_s,
            self._requests.changed_s(),
            self._requests.are_many(),
            gc.get_stats()[-1]["collections"],
        )

    def _remember(self, now: _Look) -> None:
        """What is too dear for each look: how long two threads had no CPU, and the CPU time of each thread."""
        self._remembered_s = now.at_s
        self._loop_queued_s = self._clock.read().queued_s
        self._own_queued_s = self._own_clock.read().queued_s
        self._sights.remember_threads()

    def _look(self, last: _Look, now: _Look) -> None:
        frames = sys._current_frames()
        frame = frames.get(self._thread)
        if frame is None:
            return
        # Where requests came and went between two looks, the loop has been at many tasks.
        since_s = last.at_s if now.changed_s is None else max(last.at_s, now.changed_s[1])
        before = self._step
        step = self._step = self._step_at(frame, last, now, since_s)
        computed_since_idle = before.key is None and now.at_s - step.began_s >= self._threshold_s / 2
        # Between two looks that are far apart it was idle unseen, or at many other tasks.
        seen_twice = step is before or (computed_since_idle and not self._is_sparing)
        is_asked = step.key is not None and (seen_twice or now.is_crowd)
        held_s = self._held_s * (_CROWD_TURNS if now.is_crowd else 1)
        is_late = min(self._late_s(now), now.at_s - since_s) >= held_s
        if self._stretch is None and not is_asked and not is_late:
            return
        # First what is to be seen, since what follows lets go of the GIL.
        loop_s, others_s = now.loop_cpu_s - last.loop_cpu_s, now.others_cpu_s - last.others_cpu_s
        sight = self._sights.of_loop(frame, is_starting=self.is_starting)
        other = self._sights.of_busiest(frames) if others_s >= loop_s else NO_SIGHT
        del frames, frame
        if (stretch := self._stretch) is not None:
            self._look_further(stretch, sight, other, last, now)
            if self._stretch is not None:
                return
            # It is over, and the next one may have begun before this look, which is late because of it.
            since_s = max(since_s, stretch.seen_s)
            is_late = is_late and now.at_s - since_s >= held_s
            is_asked = now.is_crowd and step.key is not None
            step = self._step
        if is_late and self._waited_for_gil_s(last, now) >= held_s:
            if loop_s >= max(others_s, held_s):
                computed_s = min(now.at_s - since_s, loop_s)
                step = _Step(step.key, now.at_s - computed_s, now.loop_cpu_s - computed_s, since_s)
                self._open(step, step.began_s, sight, other, last, now)
            elif others_s >= held_s:
                self._write_held(other, since_s, last, now)
            elif step.key is not None:  # it keeps the GIL while it waits
                self._open(step._replace(began_s=since_s), since_s, sight, other, last, now)
        elif is_asked:
            self._open(step, now.at_s, sight, other, last, now)

    def _step_at(self, frame: FrameType, last: _Look, now: _Look, since_s: float) -> _Step:
        """The same object as before while the loop's thread is at the same, and no request came or went meanwhile."""
        key = self._sights.key(frame)
        if key is not None and key == self._step.key and now.changed_s is None:
            return self._step
        if key is None or now.is_crowd or self._step.key not in (None, key):
            return _Step(key, now.at_s, now.loop_cpu_s, now.at_s if now.is_crowd else last.at_s)
        computed_s = min(now.at_s - since_s, now.loop_cpu_s - last.loop_cpu_s)
        return _Step(key, now.at_s - computed_s, now.loop_cpu_s - computed_s, since_s)

    def _late_s(self, now: _Look) -> float:
        return now.at_s - self._wakes_s

    def _waited_for_gil_s(self, last: _Look, now: _Look) -> float:
        """At least: how long there was no CPU, for this thread or for the loop's while it had the GIL, is known since
        `_remember` only, which may be too much."""
        own_queued_s = self._own_clock.read().queued_s - self._own_queued_s
        loop_queued_s = self._clock.read().queued_s - self._loop_queued_s
        return self._late_s(now) - own_queued_s - loop_queued_s

    def _open(self, step: _Step, proven_from_s: float, sight: Sight, other: Sight, last: _Look, now: _Look) -> None:
        self._ask()  # first: what is read below lets go of the GIL, and the loop may go on
        request, began_s = sight.request, step.began_s
        if request is not None and step.not_before_s <= request.began_s < began_s:
            began_s = request.began_s  # it came between two looks, and this is the first that it does
        self._stretch = OpenStretch(step.key, began_s, proven_from_s)
        self._stretch.request = request
        self._written_s = now.at_s
        # How long it had no CPU is known since `_remember` only, which may be too much for the first look.
        self._times = self._clock.read()._replace(cpu_s=step.began_cpu_s, queued_s=self._loop_queued_s)
        self._add(self._stretch, sight, other, last, now, now.at_s)

    def _ask(self) -> None:
        self._question += 1
        try:
            self._loop.call_soon_threadsafe(self._answer, self._question)
        except RuntimeError:  # it is closed
            self._ended = True

    def _answer(self, question: int) -> None:
        self._answered = question, time.monotonic()

    def _look_further(self, stretch: OpenStretch, sight: Sight, other: Sight, last: _Look, now: _Look) -> None:
        question, at_s = self._answered
        step, answered_s = self._step, at_s if question == self._question else None
        ends_s = [each for each in (answered_s, now.changed_s and now.changed_s[0]) if each is not None]
        if ends_s and not now.is_crowd:
            self._add(stretch, sight, other, last, now, min(ends_s))
        elif not ends_s and step.key is not None and step.key == stretch.key:
            self._add(stretch, sight, other, last, now, now.at_s)
            if now.at_s >= self._written_s + _WRITTEN_S:
                self._written_s = now.at_s
                self._write(stretch)
            return
        # Else it has gone on with another task before it answered: what was seen once only may have been short.
        elif stretch.looks > 1:
            self._add(stretch, sight, other, last, now, min(now.at_s, last.at_s + self._threshold_s / 2, *ends_s))
        self._stretch = None
        self._step = _Step(step.key, now.at_s, now.loop_cpu_s, now.at_s)
        self._write(stretch)

    def _write(self, stretch: OpenStretch) -> None:
        long_enough = stretch.seen_s - stretch.began_s >= self._threshold_s
        if long_enough and stretch.seen_s - stretch.proven_from_s >= _HALF * self._threshold_s:
            self._lines.add("stretches", stretch.line())
            if stretch.request is not None and stretch.request.is_news:
                self._lines.add("requests", stretch.request.line(self._user))

    def _add(self, stretch: OpenStretch, sight: Sight, other: Sight, last: _Look, now: _Look, until_s: float) -> None:
        times = self._clock.read()
        did, self._times = times.since(self._times), times
        stretch.collections += now.collections - last.collections
        is_over = until_s < now.at_s or self._step.key != stretch.key  # what the thread is at now is another thing
        if stretch.last is not None and is_over:
            share = min(1.0, max(0.0, until_s - last.at_s) / (now.at_s - last.at_s))
            stretch.add(*stretch.last, until_s, ThreadTimes(share * did.cpu_s, share * did.queued_s))
        elif self._could_not_run(did, last, now):
            others_cpu_s = now.others_cpu_s - last.others_cpu_s
            # Without a CPU it would not have run in any case.
            stretch.add(other.place, True, until_s, ThreadTimes(others_cpu_s - did.queued_s))
        else:
            stretch.add(sight.place, False, until_s, did)

    def _could_not_run(self, did: ThreadTimes, last: _Look, now: _Look) -> bool:
        """Another thread computed, this one had to wait for the GIL as well, and the loop's woke again and again to ask
        for it, as it does every switch interval. One that waits for something else sleeps on."""
        wall_s, switch_s = now.at_s - last.at_s, sys.getswitchinterval()
        others_computed = now.others_cpu_s - last.others_cpu_s >= max(did.cpu_s, _HALF * (wall_s - did.queued_s))
        asked_again = did.runs > 1 and did.runs >= wall_s / (3 * switch_s)
        return others_computed and asked_again and self._waited_for_gil_s(last, now) >= _HALF * switch_s

    def _write_held(self, other: Sight, since_s: float, last: _Look, now: _Look) -> None:
        """The loop could not have run, whether it had to or not."""
        stretch = OpenStretch(None, since_s, since_s)
        stretch.request = other.request
        stretch.collections = now.collections - last.collections
        stretch.add(other.place, True, now.at_s, ThreadTimes(now.others_cpu_s - last.others_cpu_s))
        self._lines.add("stretches", stretch.line())
