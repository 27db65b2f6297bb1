"""The `User` that scenarios derive from: one request a task, its only right answer known.

Under the plain `locust` command it is an ordinary closed-loop user. Under the harness the plugin puts a `Gate` on the
environment, and every request starts with a ticket from there.
"""

from harness.driving.inside import shadow

shadow.restore_stdlib()  # first: a scenario may be named like a module that is imported below

from collections.abc import Callable  # noqa: E402
from random import random  # noqa: E402
from time import monotonic, time  # noqa: E402
from typing import Any, Unpack, cast  # noqa: E402
from urllib.parse import urlsplit  # noqa: E402

import gevent  # noqa: E402
from locust import User  # noqa: E402
from locust.user.task import DefaultTaskSet  # noqa: E402

from harness.driving.inside.connection import (  # noqa: E402
    Connection,
    ExchangeAbortedError,
    ExchangeError,
    ExchangeTimeoutError,
    MalformedResponseError,
)
from harness.driving.inside.gate import Gate  # noqa: E402
from harness.driving.inside.phase import Ticket  # noqa: E402
from harness.driving.inside.prepared_request import NO_ANSWER, PreparedRequest, prepare_request  # noqa: E402
from harness.results.records.answer import is_refusal, is_success  # noqa: E402
from harness.results.records.encoded_request import RequestParts  # noqa: E402
from harness.results.records.outcome import Outcome  # noqa: E402
from harness.results.records.text import printable  # noqa: E402

# Under the plain `locust` command, where no profile says it.
_TIMEOUT_S = 30.0
# A connection that is refused fails at once, and so do a request that is shed and a task that raises before it asks.
# Without a pause a closed loop would do nothing but fail as fast as it can. An open loop has its schedule.
_PAUSE_S = 0.05
_EPOCH_S = time() - monotonic()  # of CLOCK_MONOTONIC's origin
_OK = Outcome.OK  # to look it up in the enumeration takes as long as to compare it
_JSON_TYPES = frozenset({dict, list, str, int, float, bool, type(None)})


class WrongAnswerError(Exception):
    """A 2xx whose body is not the right answer."""


class HttpStatusError(Exception):
    """Another status than the right one; without one, any but 2xx."""


class BenchUser(User):
    """Derive from it, and call `ask` exactly once in each task."""

    abstract = True

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._gate: Gate | None = getattr(environment, "bench_gate", None)
        self._ticket: Ticket | None = None
        self._questions: dict[str, PreparedRequest] = {}
        self._fire = environment.events.request.fire
        url = self.host or environment.host or "http://127.0.0.1:8000"
        host = urlsplit(url)
        if host.scheme != "http":
            raise ValueError(f"-H {url}: only http:// is spoken here")
        self._address = (host.hostname or "127.0.0.1", host.port or 80)
        self._connection = Connection(self._address)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        shadow.restore_stdlib()

    def on_start(self) -> None:
        if self._gate is not None:
            self._taskset_instance = _TaskLoop(self)
            self._ticket = self._gate.take()

    def wait_time(self) -> float:  # Locust calls it between two tasks
        if self._gate is not None:
            if self._ticket is not None:  # the task raised before it asked: the arrival is counted all the same
                self._ticket.phase.raised(self._ticket.intended_s, monotonic())
                gevent.sleep(_PAUSE_S)
            self._ticket = self._gate.take()
        return 0.0

    def on_stop(self) -> None:
        self._connection.close()

    def ask(self, path: str, answer: Any = NO_ANSWER, sha256: str = "", **parts: Unpack[RequestParts]) -> None:
        """GET `path`, or what `parts` say; anything but a 2xx with `answer` as its JSON is an error, however fast.

        `answer` may also be a `Status`, or a predicate that is called with the body of a 2xx: when it returns False or
        raises, the answer is wrong. `sha256` stands for an answer that is too large to be written down. A path that is
        asked without `parts` has one JSON answer, the first that is given. Redirects are not followed.
        """
        # The usual question is known by its path, which takes no time; any other has to be compared as a whole.
        question = self._questions.get(path) if not parts and type(answer) in _JSON_TYPES else None
        if question is None:
            question = self._learn(path, answer, sha256, parts)
        gate = self._gate
        if gate is None:
            sent_s = monotonic()
            outcome, error, size_bytes, arrived_s = self._exchange(question, _TIMEOUT_S)
            self._report(question, error, size_bytes, sent_s, arrived_s)
            if outcome in (Outcome.CONNECTION_ERROR, Outcome.REFUSED):
                gevent.sleep(_PAUSE_S)
            return
        ticket = self._ticket
        if ticket is None:
            raise RuntimeError(f"{type(self).__name__}: a task asks once; {path} would be its second request")
        self._ticket = None
        phase, intended_s, queued_s = ticket
        connection = self._connection
        if connection.address != phase.address:
            connection.close()
            connection = self._connection = Connection(phase.address)
            self._address = phase.address
            self._questions.clear()  # they name the host
            question = self._learn(path, answer, sha256, parts)
        connection.by_kernel = phase.is_open_loop
        phase.open.add(connection)
        sent_s = monotonic()
        outcome, error, size_bytes, arrived_s = self._exchange(question, phase.timeout_s)
        phase.open.discard(connection)
        if outcome is _OK and (current := gate.current) is not None:
            current.answered(arrived_s)
        phase.ended(
            outcome,
            intended_s,
            sent_s,
            arrived_s,
            censored=isinstance(error, ExchangeAbortedError),
            queued_s=queued_s,
        )
        self._report(question, error, size_bytes, sent_s, arrived_s)
        if outcome is Outcome.CONNECTION_ERROR or (outcome is Outcome.REFUSED and not phase.is_open_loop):
            gevent.sleep(_PAUSE_S)

    def _exchange(self, question: PreparedRequest, timeout_s: float) -> tuple[Outcome, Exception | None, int, float]:
        """Outcome, its reason, bytes of the body, and when the response had come (or was given up)."""
        connection = self._connection
        try:
            status, body = connection.exchange(question.request, timeout_s, question.is_head)
        except ExchangeError as error:
            return _outcome_of(error), error, 0, monotonic()
        if question.status is not None:
            outcome, wrong = _by_status(status, question.status)
            return outcome, wrong, len(body), connection.arrived_s
        if status != 200 and not is_success(status):  # nearly all are 200, which saves the call
            return _outcome_of_status(status), HttpStatusError(f"status {status}"), len(body), connection.arrived_s
        raised = ""
        try:
            if question.is_right(body):
                return _OK, None, len(body), connection.arrived_s
        except Exception as error:  # noqa: BLE001 - a scenario's predicate may raise anything
            raised = f"; its predicate raised {printable(repr(error))[:200]}"
        why = WrongAnswerError(f"answered {body[:200]!r}{raised}")
        return Outcome.WRONG_ANSWER, why, len(body), connection.arrived_s

    def _report(
        self, question: PreparedRequest, error: Exception | None, size_bytes: int, sent_s: float, arrived_s: float
    ) -> None:
        # For each request: Locust's UI, its CSV files and its plugins need it. The arguments are those of its own users
        # (EventHook `request` in locust/event.py); there is no response object.
        self._fire(
            request_type=question.method,
            name=question.name,
            response_time=(arrived_s - sent_s) * 1e3,
            response_length=size_bytes,
            response=None,
            exception=error,
            context={},
            start_time=sent_s + _EPOCH_S,
            url=question.url,
        )

    def _learn(self, path: str, answer: Any, sha256: str, parts: RequestParts) -> PreparedRequest:
        question = prepare_request(self._address, path, answer, sha256, parts)
        if not parts and type(answer) in _JSON_TYPES:
            self._questions[path] = question
        return question


def _by_status(status: int, expected: int) -> tuple[Outcome, HttpStatusError | None]:
    if status == expected:
        return _OK, None
    outcome = Outcome.WRONG_ANSWER if is_success(status) else _outcome_of_status(status)
    return outcome, HttpStatusError(f"status {status}, expected {expected}")


def _outcome_of_status(status: int) -> Outcome:
    return Outcome.REFUSED if is_refusal(status) else Outcome.HTTP_ERROR


def _outcome_of(error: ExchangeError) -> Outcome:
    match error:
        case ExchangeTimeoutError() | ExchangeAbortedError():
            return Outcome.TIMEOUT
        case MalformedResponseError():
            return Outcome.HTTP_ERROR
        case _:
            return Outcome.CONNECTION_ERROR


class _TaskLoop(DefaultTaskSet):
    """The loop over a user's tasks, for users that wait at a gate.

    Locust's own loop puts each task into a queue, asks what kind it is, sets the user's state twice and sleeps 0 s:
    2 us of the 20 that a request takes. Here the first task that Locust executes goes on to the next ones by itself.
    When one raises, Locust handles it as usual. A scenario with nested task sets gets Locust's own loop.
    """

    def get_next_task(self) -> Any:
        # Asked once for each user, for a task that is not used. By chance it would take from the phase's seed.
        return super().get_next_task() if self._has_nested_sets else self.user.tasks[0]  # type: ignore[no-untyped-call]

    @property
    def _has_nested_sets(self) -> bool:
        return any(isinstance(task, type) for task in self.user.tasks)

    def execute_next_task(self) -> None:
        if self._has_nested_sets:
            super().execute_next_task()  # type: ignore[no-untyped-call]
            return
        functions = cast(list[Callable[[Any], None]], self.user.tasks)
        user, take_ticket = self.user, self.user.wait_time
        self._task_queue.clear()
        while True:
            functions[int(random() * len(functions))](user)
            take_ticket()

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            gevent.sleep(seconds)
