"""One target under its ASGI server: launched, proven to be ours and ready, proven idle, ended."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.processes.ports import HOST, free_port, why_not
from harness.processes.process import Supervised
from harness.results.records.errors import HarnessError, UsageError
from harness.serving.asgi_server import asgi_server
from harness.serving.health import Health, ask_health
from harness.serving.launch import starter
from harness.serving.server_log import ServerLog
from harness.serving.target import Target
from harness.serving.workers import Workers

_POLL_S = 0.02
_ASK_S = 1.0
_LAST_WORDS_S = 0.5
_NOT_FOUND = 404


class ServeError(HarnessError):
    """A target that did not start; one line with the reason and what to do."""


class PortError(ServeError):
    """The port was taken, or a stranger answered on it: another port may do."""


class ArgumentRefusedError(ServeError, UsageError):
    """The server does not know an argument that it was to be given."""


def end_in_words(ended: str, during: str = "") -> str:
    """How a process ended, as a sentence: "it was killed by SIGKILL during capacity"."""
    how, colon, why = ended.partition(":")
    was = "was " if how.startswith("killed") else ""
    when = f" during {during}" if during else ""
    return f"it {was}{how}{when}{colon}{why}"


class Server:
    """One target's server. Made by `launch`; use as a context manager: leaving it ends every process of it.

    `port` may change in `wait_ready`, which tries a second port when another process took the first. For one thread.
    """

    def __init__(
        self,
        target: Target,
        start: Callable[[int], Supervised],
        *,
        token: str,
        probe_dir: Path,
        log_path: Path,
        fixed_port: int | None,
    ) -> None:
        self.host = HOST
        self._target = target
        self._asgi_server = asgi_server(target.server.server)
        self._start_on = start
        self._token = token
        self._probe_dir = probe_dir
        self._log_path = log_path
        self._fixed_port = fixed_port
        if fixed_port is not None and (reason := why_not(fixed_port)):
            raise self._port_error(fixed_port, reason)
        self._start(fixed_port or free_port())

    @classmethod
    def launch(
        cls,
        target: Target,
        *,
        probe_dir: Path,
        log_path: Path,
        cpus: Sequence[int] | None = None,
        port: int | None = None,
        nice: int = 0,
        watch_dir: Path | None = None,
    ) -> Self:
        """Start it and return at once; `wait_ready` before use.

        `port`: only this one will do. `nice` is added to our own niceness. `watch_dir`: what blocks its event loop is
        looked for, and written there.
        Raises PortError when the port is taken, HarnessError when nothing can be started here.
        """
        try:
            for folder in filter(None, (probe_dir, watch_dir)):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"{probe_dir}: cannot be made ({error.strerror}); free space or choose another --results"
            raise ServeError(reason) from error
        token = secrets.token_hex(16)
        start = starter(
            target, token=token, probe_dir=probe_dir, log_path=log_path, cpus=cpus, nice=nice, watch_dir=watch_dir
        )
        return cls(target, start, token=token, probe_dir=probe_dir, log_path=log_path, fixed_port=port)

    @property
    def supervisor_pid(self) -> int:
        return self._process.supervisor_pid

    @property
    def main_pid(self) -> int:
        return self._process.main_pid

    def pids(self) -> tuple[int, ...]:
        """The workers that have started, in the order of their numbers."""
        return self._workers.pids()

    def booted_s(self) -> float:
        """When the last worker had started (CLOCK_MONOTONIC)."""
        return self._workers.booted_s()

    def exit_code(self) -> int | None:
        """How the main process ended (negative: the signal); None while it runs."""
        return self._process.exit_code()

    def describe_exit(self, during: str = "") -> str:
        """ "it exited with 1 during capacity; its log says: no such table". Call it when the server has ended."""
        self._process.kill()  # so that its log is whole
        return f"{end_in_words(self._process.ended(), during)}; {self._log.in_words()}"

    @property
    def health_path(self) -> str:
        """What is asked to see whether its event loop is free."""
        return self._target.health

    def wait_ready(self, timeout_s: float) -> None:
        """Return when `/health` answers with our token and every worker has started.

        Raises ServeError when the server ended, or was not ready in time. Raises PortError when another process has the
        port and the port was given, or when the second port is taken too. `timeout_s` is the limit for each port.
        """
        try:
            self._await_health(timeout_s)
        except PortError:
            if self._fixed_port is not None:
                raise
            self._process.kill()
            self._start(free_port())
            self._await_health(timeout_s)

    def is_idle(self, timeout_s: float, *, but_for: int = 0) -> bool:
        """Whether within `timeout_s` all workers say that they have nothing in flight; the only one of them, that it
        has no more than `but_for` requests.

        One worker answers `/health`. For the others a line of their probe counts. It must be written after the
        question, and must not say that the event loop is blocked.
        """
        asked_s = time.monotonic()
        while (left_s := asked_s + timeout_s - time.monotonic()) > 0:
            health = ask_health(HOST, self.port, left_s, self._target.health)
            if (
                isinstance(health, Health)
                and health.token == self._token
                and health.in_flight <= but_for
                and (self._target.workers == 1 or self._workers.are_idle(asked_s))
            ):
                return True
            if self._process.wait_exit(min(_POLL_S, left_s)) is not None:
                return False
        return False

    def answers_health(self, timeout_s: float) -> bool:
        """Whether its event loop runs, or that of one of its workers."""
        return isinstance(ask_health(HOST, self.port, timeout_s, self._target.health), Health)

    def reported(self) -> str:
        """What a worker last said for the harness, such as what of a remedy does not work; empty: nothing."""
        return self._log.reported()

    def log_in_words(self) -> str:
        """ "its log says: no such table"."""
        return self._log.in_words()

    def why_with_gil(self) -> str:
        """Why a Python without the GIL runs with it, in words; empty when it does not, or when it has one anyway."""
        health = ask_health(HOST, self.port, _ASK_S, self._target.health)
        if isinstance(health, str) or not health.gil_came_back:
            return ""
        module = self._log.gil_needed_by()
        why = f"to load {module}" if module else "PYTHON_GIL=1 or an extension module did it"
        return f"the GIL came back ({why}), so this would not be a figure of Python without it"

    def stop(self, grace_s: float) -> str:
        """Send the signal that its kind of server stops on, and SIGKILL after `grace_s`. Returns how it ended:
        "stopped", "killed: ...", "exited with 1"."""
        return self._process.stop(grace_s, self._asgi_server.stop_signal)

    def kill(self) -> None:
        """Send SIGKILL to everything that it started; return when all of it is gone."""
        self._process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()

    def _start(self, port: int) -> None:
        self.port = port
        self._log = ServerLog(self._log_path, self._asgi_server)
        self._workers = Workers(self._probe_dir)
        self._process = self._start_on(port)

    def _await_health(self, timeout_s: float) -> None:
        deadline_s = time.monotonic() + timeout_s
        last: Health | str = ""
        while (left_s := deadline_s - time.monotonic()) > 0:
            health = ask_health(HOST, self.port, min(_ASK_S, left_s), self._target.health)
            if isinstance(health, Health) and self._is_ready(health):
                return
            whole = left_s >= _ASK_S or not last  # no answer in the last 0.1 s means little
            if isinstance(health, Health) or (isinstance(last, str) and whole):
                last = health  # an answer says more than a question that came too late
            if self._process.wait_exit(_POLL_S) is not None or self._log.is_reported():
                raise self._ended_early()
        raise self._not_in_time(timeout_s, last)

    def _is_ready(self, health: Health) -> bool:
        if health.token != self._token:
            raise self._port_error(self.port, "another process answered there")
        if health.status == _NOT_FOUND:
            raise ServeError(f"{self._target.name}: has no /health; add the route to {self._target.source}")
        return health.status == 200 and len(self.pids()) >= self._target.workers

    def _ended_early(self) -> ServeError:
        # With several workers the parent can take long to see that one has ended.
        by_itself = self._process.wait_exit(_LAST_WORDS_S) is not None
        ended = self.describe_exit() if by_itself else self._log.in_words()
        if self._log.is_port_taken():
            return self._port_error(self.port, "Address already in use")
        if self._target.arguments and (refused := self._log.refused_argument()):
            return ArgumentRefusedError(f"--server-arg: uvicorn says: {refused}; change it, or leave it out")
        return ServeError(f"{self._target.name}: did not start: {ended}; {self._way_out()}")

    def _way_out(self) -> str:
        target = self._target
        if target.source != target.app:
            return f"fix {target.source}"
        return f"name the folder that it is imported from with --dir (now {target.folder})"

    def _not_in_time(self, timeout_s: float, last: Health | str) -> ServeError:
        if isinstance(last, str):
            why = last
        elif last.status != 200:
            why = f"{self._target.health} answered {last.status}"
        else:
            why = f"{len(self.pids())} of {self._target.workers} workers had started"
        self._process.kill()
        return ServeError(f"{self._target.name}: not ready within {timeout_s:g} s: {why}; {self._log.in_words()}")

    def _port_error(self, port: int, reason: str) -> PortError:
        if self._fixed_port is None:
            return PortError(f"{self._target.name}: port {port}: {reason}; run it again")
        return PortError(f"--port {port}: {reason}; end that process, or choose another or no --port")
