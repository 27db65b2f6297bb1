"""Records a plain Locust that runs somebody's own locustfile: `locust -f harness/driving/inside/recorded.py,FILE ...`.

It is loaded before FILE. It listens to Locust's events, keeps FILE to the server that is measured, ends the run when
its time is over, and writes what was seen, however Locust ends. FILE and its user classes run as they are, with three
exceptions: their `host`, a LoadTestShape, and Locust's configuration files, all of which would say something else than
the command line of the harness.
"""

from __future__ import annotations

import atexit
import functools
import logging
import os
import sys
import traceback
from pathlib import Path
from time import monotonic, time
from types import TracebackType
from typing import Any

import gevent
import locust
import msgspec
from locust import main as locust_main
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession

from harness.driving.inside.only_the_app import REFUSAL, OnlyTheApp, aimed_at, refusal_in
from harness.driving.inside.request_tally import RequestTally, error_text, failure_text
from harness.driving.inside.shadow import restore_stdlib
from harness.results.records.locust_lines import (
    ORDER_VARIABLE,
    LocustEnded,
    LocustLine,
    NotStarted,
    RecordOrder,
    UsersStarted,
)

_POLL_S = 0.1
_MOST_RAISED = 10
_PACKAGES = "site-packages"  # an environment in the folder is no code of one's own


class Recording:
    """Of one Locust. Its methods that take keywords are listeners of Locust's events."""

    def __init__(self, order: RecordOrder, guard: OnlyTheApp) -> None:
        self._order = order
        self._guard = guard
        self._tally = RequestTally()
        self._loaded_s = monotonic()
        self._clock_offset_s = monotonic() - time()
        self._began_s: float | None = None  # the measured time
        self._stopped_s: float | None = None
        self._time_is_over = False
        self._complete = False
        self._shape = ""
        self._raised: dict[str, int] = {}
        self._reason = ""
        self._is_finished = False

    # ----------------------------------------------------------------------------------------------- Locust's events

    def command_line(self, parser: Any, **_: Any) -> None:
        parser._default_config_files = []  # as Locust itself does it for its defaults

    def init(self, environment: Any, **_: Any) -> None:
        restore_stdlib()  # FILE may be called like one of its modules
        for name in (None, "locust"):  # Locust's own logger hands nothing on
            logging.getLogger(name).addHandler(_LastError(self._failed))
        if environment.shape_class is not None:
            self._shape = type(environment.shape_class).__name__
            environment.shape_class = None
        self._aim(environment)
        # After what FILE has registered, which may name a host.
        environment.events.test_start.add_listener(lambda environment, **_: self._aim(environment))
        gevent.spawn(self._follow, environment)

    def spawned(self, user_count: int, **_: Any) -> None:
        if self._began_s is None:
            self._began_s = monotonic() + self._order.warm_up_s
            self._write([UsersStarted(users=user_count, ignored_shape=self._shape)])

    def requested(
        self,
        request_type: object,
        name: object,
        response_time: Any,
        exception: object = None,
        response: Any = None,
        start_time: Any = None,
        **_: Any,
    ) -> None:
        time_ms = float(response_time or 0.0)
        second = self._second_of(self._start_s(start_time, time_ms))
        if second is None:
            return
        failure = failure_text(exception, response) if exception else ""
        if not (failure and REFUSAL in str(exception)):
            self._tally.add(request_type, name, time_ms, second, failure)

    def raised(self, exception: BaseException, tb: TracebackType | None = None, **_: Any) -> None:
        text = self._placed(exception, tb)
        if text in self._raised or len(self._raised) < _MOST_RAISED:
            self._raised[text] = self._raised.get(text, 0) + 1

    def stopping(self, **_: Any) -> None:
        if self._stopped_s is None:
            self._stopped_s = monotonic()
            self._complete = self._time_is_over

    def finish(self, **_: Any) -> None:
        """Write the lines; only the first call does."""
        if self._is_finished:
            return
        self._is_finished = True
        if self._began_s is None:
            self._write([NotStarted(self._reason)])
            return
        ended_s = monotonic() if self._stopped_s is None else self._stopped_s
        ended = LocustEnded(
            began_s=self._began_s,
            ended_s=ended_s,
            complete=self._complete,
            refused=dict(self._guard.refused),
            raised=self._raised,
        )
        self._write([*self._tally.named(), *self._tally.seconds(), ended])

    # ------------------------------------------------------------------------------------------------ other hooks

    def uncaught(self, kind: type[BaseException], error: BaseException, tb: TracebackType | None) -> None:
        """A `sys.excepthook`."""
        self._reason = self._placed(error, tb)
        sys.__excepthook__(kind, error, tb)

    def no_users(self, path: str) -> dict[str, Any]:
        """In place of Locust's second look for users: all files were imported, and none has one."""
        self._failed("has no user class; derive one from HttpUser or FastHttpUser")
        return {}

    def notice_unanswered(self, session: Any) -> None:
        """Locust has no event for a request that is cut off by the end of the run; so its user's session tells."""
        ask = session.request

        @functools.wraps(ask)
        def request(own: Any, method: object, url: object, *arguments: Any, **options: Any) -> Any:
            began_s = monotonic()
            try:
                return ask(own, method, url, *arguments, **options)
            except gevent.GreenletExit:
                if self._stopped_s is None or began_s <= self._stopped_s:
                    name = next(iter(arguments), None) or options.get("name") or own.request_name or url
                    self._tally.add_given_up(method, name, (monotonic() - began_s) * 1000)
                raise

        session.request = request

    # ---------------------------------------------------------------------------------------------------------- own

    def _aim(self, environment: Any) -> None:
        ours = f"{self._order.host}:{self._order.port}"
        for user_class in environment.user_classes:
            user_class.host = aimed_at(getattr(user_class, "host", None), ours)
        hosts = {user_class.host for user_class in environment.user_classes}
        # Locust would give this one to all classes.
        environment.host = hosts.pop() if len(hosts) == 1 else None
        environment.parsed_options.host = environment.host

    def _follow(self, environment: Any) -> None:
        """End the run when its time is over, when no user is left, or when none could be started."""
        runner = environment.runner
        while self._began_s is None:
            spawning = runner.spawning_greenlet
            if spawning is not None and spawning.ready():
                runner.quit()
                return
            gevent.sleep(_POLL_S)
        over_s = self._began_s + self._order.run_time_s
        while (left_s := over_s - monotonic()) > 0 and runner.user_count:
            gevent.sleep(min(left_s, _POLL_S))
        self._time_is_over = left_s <= 0
        runner.quit()

    def _start_s(self, start_time: Any, time_ms: float) -> float:
        """When a request was made. Locust's clients say it; where others say nothing that can be, by its length."""
        now_s = monotonic()
        if isinstance(start_time, int | float):
            start_s = start_time + self._clock_offset_s
            if self._loaded_s <= start_s <= now_s:
                return start_s
        return now_s - time_ms / 1000

    def _second_of(self, start_s: float) -> int | None:
        """Of the measured time; None for a request outside of it."""
        if self._began_s is None or start_s < self._began_s:
            return None
        if self._stopped_s is not None and start_s > self._stopped_s:
            return None
        return int(start_s - self._began_s)

    def _failed(self, text: str) -> None:
        self._reason = self._reason or text

    def _placed(self, error: BaseException, tb: TracebackType | None) -> str:
        """With the innermost line of FILE, or of what is in its folder, where one is on the way."""
        folder = Path(self._order.locustfile).parent
        own = [at for at in traceback.extract_tb(tb) if Path(at.filename).is_relative_to(folder)]
        places = [f"{Path(at.filename).relative_to(folder)}:{at.lineno}" for at in own if _PACKAGES not in at.filename]
        return ": ".join([*places[-1:], refusal_in(error) or error_text(error)])

    def _write(self, lines: list[LocustLine]) -> None:
        with Path(self._order.lines_path).open("ab") as file:
            file.write(msgspec.json.Encoder().encode_lines(lines))


class _LastError(logging.Handler):
    """Tells of each error that is logged, in one line."""

    def __init__(self, tell: Any) -> None:
        super().__init__(logging.ERROR)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        said = record.getMessage().strip().splitlines()
        self._tell(error_text(error) if error is not None else "".join(said[-1:]))


def _begin(order: RecordOrder) -> None:
    guard = OnlyTheApp(order.host, order.port)
    guard.keep()
    recording = Recording(order, guard)
    for session in (HttpSession, FastHttpSession):
        recording.notice_unanswered(session)
    # It looks for tests where a file has no user class, and would import this file again as one.
    locust_internals: Any = locust_main
    locust_internals.load_locustfile_pytest = recording.no_users
    sys.excepthook = recording.uncaught
    atexit.register(recording.finish)
    events: Any = locust.events
    events.init_command_line_parser.add_listener(recording.command_line)
    events.init.add_listener(recording.init)
    events.spawning_complete.add_listener(recording.spawned)
    events.request.add_listener(recording.requested)
    events.user_error.add_listener(recording.raised)
    events.test_stopping.add_listener(recording.stopping)
    events.quitting.add_listener(recording.finish)


if ORDER_VARIABLE in os.environ:
    _begin(msgspec.json.decode(os.environ[ORDER_VARIABLE], type=RecordOrder))
