"""One target under uvicorn: launched, proven to be ours and ready, proven idle, ended."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from harness.processes.ports import HOST, free_port, why_not
from harness.processes.process import Supervised, child_environment
from harness.results.records.errors import HarnessError
from harness.results.records.probe_line import ProbeLine
from harness.results.records.variant import Variant
from harness.results.store import read_lines
from harness.serving.health import Health, ask_health
from harness.serving.last_words import is_reported, last_words

_POLL_S = 0.02
_ASK_S = 1.0
_LAST_WORDS_S = 0.5
_NOT_FOUND = 404
_TAIL_BYTES = 65536  # of a probe's file: more than its longest line


class ServeError(HarnessError):
    """A target that did not come up; one line with the reason and the way out."""


class PortError(ServeError):
    """The port was taken, or a stranger answered on it: another port may do."""


class Server:
    """One strategy's server. Made by `launch`; use as a context manager: leaving it ends every process of it.

    `port` may change in `wait_ready`, which tries a second one when the first was snatched away. For use by one thread.
    """

    def __init__(
        self,
        variant: Variant,
        start: Callable[[int], Supervised],
        *,
        token: str,
        workers: int,
        probe_dir: Path,
        log_path: Path,
        fixed_port: int | None,
    ) -> None:
        self.host = HOST
        self._name = variant.name
        self._path = variant.path
        self._start_on = start
        self._token = token
        self._workers = workers
        self._probe_dir = probe_dir
        self._log_path = log_path
        self._fixed_port = fixed_port
        if fixed_port is not None and (reason := why_not(fixed_port)):
            raise self._port_error(fixed_port, reason)
        self._start(fixed_port or free_port())

    @classmethod
    def launch(
        cls,
        variant: Variant,
        *,
        root: Path,
        upstream_url: str,
        probe_dir: Path,
        log_path: Path,
        cpus: Sequence[int] | None = None,
        port: int | None = None,
        nice: int = 0,
    ) -> Self:
        """Start it and return at once; `wait_ready` before use.

        `root` holds `targets/`. `port`: only this one will do. `nice` is added to our own niceness.
        Raises PortError when the port is taken, HarnessError when nothing can be started here.
        """
        root = root.resolve()
        try:
            probe_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"{probe_dir}: cannot be made ({error.strerror}); free space or choose another --results"
            raise ServeError(reason) from error
        token = secrets.token_hex(16)
        env = child_environment(root, token) | {
            "BENCH_TARGET": Path(variant.path).stem,  # variants of a sweep share their file
            "BENCH_UPSTREAM": upstream_url,
            "BENCH_PROBE_DIR": str(probe_dir.resolve()),
        }
        for param, value in variant.params.items():
            env[f"BENCH_{param.upper()}"] = str(value)
        command = [
            *(sys.executable, "-m", "uvicorn", "harness.inside.bench_inside.app:app"),
            *("--host", HOST, "--loop", variant.server.loop, "--http", "httptools"),
            *("--workers", str(variant.workers), "--no-access-log", "--log-level", "warning"),
            # Busy is not hung: uvicorn kills a worker that is silent for this long, and its default is 5 s.
            *("--timeout-worker-healthcheck", "30"),
        ]

        def start(port: int) -> Supervised:
            return Supervised(
                [*command, "--port", str(port)], cwd=root, env=env, log_path=log_path, cpus=cpus, nice=nice
            )

        return cls(
            variant,
            start,
            token=token,
            workers=variant.workers,
            probe_dir=probe_dir,
            log_path=log_path,
            fixed_port=port,
        )

    @property
    def supervisor_pid(self) -> int:
        return self._process.supervisor_pid

    @property
    def main_pid(self) -> int:
        return self._process.main_pid

    def pids(self) -> tuple[int, ...]:
        """The workers that have started, in the order of their numbers."""
        return tuple(sorted(int(path.stem) for path in self._probe_files()))

    def booted_s(self) -> float:
        """When the last worker had started (CLOCK_MONOTONIC), as the first lines of the probes say."""
        first = [read_lines(path, ProbeLine)[:1] for path in self._probe_files()]
        return max(line.t_s for lines in first for line in lines)

    def exit_code(self) -> int | None:
        """How the main process ended (negative: the signal); None while it runs."""
        return self._process.exit_code()

    def describe_exit(self) -> str:
        """ "exited with 1: RuntimeError: no such table", "killed by SIGKILL"; to be asked when it has ended."""
        self._process.kill()  # so that its log is whole
        words = last_words(self._log_path, self._log_start)
        return self._process.ended() + (f": {words}" if words else ", its log says nothing")

    def wait_ready(self, timeout_s: float) -> None:
        """Return when `/health` answers with our token and every worker has started.

        Raises ServeError when the server ended, or was not ready in time; PortError when somebody else has the port
        and it was given, or the second one was taken too. `timeout_s` is for each of the two.
        """
        try:
            self._await_health(timeout_s)
        except PortError:
            if self._fixed_port is not None:
                raise
            self._process.kill()
            self._start(free_port())
            self._await_health(timeout_s)

    def is_idle(self, timeout_s: float) -> bool:
        """Whether within `timeout_s` all workers say that they have nothing in flight.

        `/health` is answered by one worker; the others are believed by a line of their probe that is younger than the
        question, unless it says that the event loop is blocked.
        """
        asked_s = time.monotonic()
        while (left_s := asked_s + timeout_s - time.monotonic()) > 0:
            health = ask_health(HOST, self.port, left_s)
            if (
                isinstance(health, Health)
                and health.token == self._token
                and health.in_flight == 0
                and (self._workers == 1 or self._are_workers_idle(asked_s))
            ):
                return True
            if self._process.wait_exit(min(_POLL_S, left_s)) is not None:
                return False
        return False

    def stop(self, grace_s: float) -> str:
        """SIGTERM, then SIGKILL after `grace_s`. How it ended: "stopped", "killed: ...", "exited with 1"."""
        return self._process.stop(grace_s)

    def kill(self) -> None:
        """SIGKILL to everything it started; returns when that is gone."""
        self._process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()

    def _start(self, port: int) -> None:
        self.port = port
        self._log_start = self._log_path.stat().st_size if self._log_path.exists() else 0
        self._known_bytes = {path: path.stat().st_size for path in self._probe_dir.glob("*.jsonl")}
        self._process = self._start_on(port)

    def _await_health(self, timeout_s: float) -> None:
        deadline_s = time.monotonic() + timeout_s
        last: Health | str = ""
        while (left_s := deadline_s - time.monotonic()) > 0:
            health = ask_health(HOST, self.port, min(_ASK_S, left_s))
            if isinstance(health, Health) and self._is_ready(health):
                return
            if isinstance(health, Health) or isinstance(last, str):
                last = health  # an answer says more than that the last question came too late
            if self._process.wait_exit(_POLL_S) is not None or is_reported(self._log_path, self._log_start):
                raise self._ended_early()
        raise self._not_in_time(timeout_s, last)

    def _is_ready(self, health: Health) -> bool:
        if health.token != self._token:
            raise self._port_error(self.port, "another process answered there")
        if health.status == _NOT_FOUND:
            raise ServeError(f"{self._name}: has no /health; add the route to {self._path}")
        return health.status == 200 and len(self._probe_files()) >= self._workers

    def _ended_early(self) -> ServeError:
        # With several workers uvicorn's parent can take as long as its health check to see that one has ended.
        by_itself = self._process.wait_exit(_LAST_WORDS_S) is not None
        ended = self.describe_exit() if by_itself else last_words(self._log_path, self._log_start)
        if "address already in use" in ended.lower():  # asyncio's words and the OS's
            return self._port_error(self.port, "Address already in use")
        return ServeError(f"{self._name}: did not start: {ended}; mend {self._path}")

    def _not_in_time(self, timeout_s: float, last: Health | str) -> ServeError:
        if isinstance(last, str):
            why = last
        elif last.status != 200:
            why = f"/health answered {last.status}"
        else:
            why = f"{len(self._probe_files())} of {self._workers} workers had started"
        self._process.kill()
        words = last_words(self._log_path, self._log_start)
        said = f"the last line of its log: {words}" if words else "its log says nothing"
        return ServeError(f"{self._name}: not ready within {timeout_s:g} s: {why}; {said}")

    def _port_error(self, port: int, reason: str) -> PortError:
        if self._fixed_port is None:
            return PortError(f"{self._name}: port {port}: {reason}; run it again")
        return PortError(f"--port {port}: {reason}; end that process, or choose another or no --port")

    def _probe_files(self) -> list[Path]:
        """The probes' files that this server's workers have written to; a trial's servers share the folder."""
        return [p for p in self._probe_dir.glob("*.jsonl") if p.stat().st_size > self._known_bytes.get(p, 0)]

    def _are_workers_idle(self, since_s: float) -> bool:
        lines = [_last_line(path) for path in self._probe_files() if _is_alive(int(path.stem))]
        return all(
            line is not None and line.t_s >= since_s and line.in_flight == 0 and line.overdue_us == 0 for line in lines
        )


def _last_line(path: Path) -> ProbeLine | None:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        whole_lines = file.read().rpartition(b"\n")[0]
    try:
        return msgspec.json.decode(whole_lines.rpartition(b"\n")[2], type=ProbeLine)
    except msgspec.MsgspecError:
        return None


def _is_alive(pid: int) -> bool:
    """False for a worker that uvicorn has replaced."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
