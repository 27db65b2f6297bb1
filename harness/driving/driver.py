"""The harness's side of the load generator: starts Locust for one trial, sends it loads, collects what it counted."""

from __future__ import annotations

import select
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

import msgspec

from harness.driving.inside.protocol import (
    Abort,
    Broken,
    Done,
    Ended,
    Load,
    Progress,
    Quit,
    Ready,
    Started,
    ToGenerator,
    ToHarness,
)
from harness.model import HarnessError, Workload
from harness.serving.process import Supervised, child_environment

_PLUGIN = Path(__file__).parent / "inside" / "plugin.py"
_WATCH_S = 0.1
_OVERTIME_S = 15.0
_QUIT_S = 2.0


class GeneratorError(HarnessError):
    """The load generator did not start, died, or stopped talking."""


class Driver:
    """Locust's process for one trial. Use as a context manager: leaving it ends the process."""

    def __init__(self, process: Supervised, control: socket.socket, log_path: Path) -> None:
        self._process = process
        self._control = control
        self._log_path = log_path
        self._received = bytearray()
        self._encoder = msgspec.json.Encoder()
        self._decoder: msgspec.json.Decoder[ToHarness] = msgspec.json.Decoder(ToHarness)

    @classmethod
    def launch(
        cls,
        workload: Workload,
        *,
        root: Path,
        users: int,
        latency_path: Path,
        log_path: Path,
        origin_s: float,
        token: str,
        cpus: Sequence[int] | None,
    ) -> Self:
        """Returns at once: Locust's imports overlap with the server's."""
        ours, theirs = socket.socketpair()
        with theirs:
            command = [
                *(sys.executable, "-m", "locust", "--headless", "--only-summary", "--skip-log-setup"),
                *("-f", f"{_PLUGIN},{root / workload.path}", "-H", "http://127.0.0.1:1"),
                *("-u", str(users), "-r", str(users)),
                *("--bench-control-fd", str(theirs.fileno())),
                *("--bench-latency-log", str(latency_path), "--bench-origin", repr(origin_s)),
            ]
            try:
                process = Supervised(
                    command,
                    cwd=root,
                    # numpy's OpenBLAS starts a thread a core, which spins for a while; there is nothing for it to do.
                    env=child_environment(root, token) | {"OPENBLAS_NUM_THREADS": "1"},
                    log_path=log_path,
                    cpus=cpus,
                    pass_fds=(theirs.fileno(),),
                )
            except BaseException:
                ours.close()
                raise
        return cls(process, ours, log_path)

    @property
    def supervisor_pid(self) -> int:
        return self._process.supervisor_pid

    def wait_ready(self, timeout_s: float) -> None:
        message = self._receive(monotonic() + timeout_s, "become ready")
        if not isinstance(message, Ready):
            raise GeneratorError(f"load generator: said {message} before it was ready; see {self._log_path}")

    def run(
        self,
        load: Load,
        on_event: Callable[[Started | Progress | Ended], None],
        is_server_gone: Callable[[], bool],
    ) -> Done:
        """Run the phases of `load` to their end and return what was counted.

        When the server is gone the load is ended at once; the records then cover what happened until then.
        """
        self._send(load)
        deadline_s = monotonic() + sum(p.duration_s for p in load.phases) + load.drain_s + _OVERTIME_S
        aborted = False
        while True:
            if not aborted and is_server_gone():
                self._send(Abort())
                aborted = True
            if not self._is_readable(_WATCH_S):
                if monotonic() > deadline_s:
                    raise GeneratorError(f"load generator: silent after its phases; see {self._log_path}")
                continue
            match message := self._receive(deadline_s, "end its phases"):
                case Done():
                    return message
                case Broken():
                    raise GeneratorError(f"load generator: {message.message}; see {self._log_path}")
                case Started() | Progress() | Ended():
                    on_event(message)

    def stop(self) -> None:
        """Ask it to leave (its data is on disk), then make it."""
        try:
            self._send(Quit())
            self._process.wait_exit(_QUIT_S)
        except GeneratorError:
            pass  # it is gone already, which is what we want
        self._process.kill()
        self._control.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._control.close()

    def _send(self, message: ToGenerator) -> None:
        try:
            self._control.sendall(self._encoder.encode(message) + b"\n")
        except OSError as error:
            raise self._gone() from error

    def _is_readable(self, timeout_s: float) -> bool:
        return b"\n" in self._received or bool(select.select([self._control], [], [], timeout_s)[0])

    def _receive(self, deadline_s: float, what: str) -> ToHarness:
        while b"\n" not in self._received:
            if not self._is_readable(max(0.0, deadline_s - monotonic())):
                raise GeneratorError(f"load generator: did not {what} in time; see {self._log_path}")
            try:
                part = self._control.recv(1 << 16)
            except OSError as error:
                raise self._gone() from error
            if not part:
                raise self._gone()
            self._received += part
        line, _, rest = self._received.partition(b"\n")
        self._received = rest
        return self._decoder.decode(line)

    def _gone(self) -> GeneratorError:
        lines = self._log_path.read_text(errors="replace").strip().splitlines() if self._log_path.exists() else []
        said = f" ({lines[-1][:200]})" if lines else ""
        return GeneratorError(f"load generator: ended by itself{said}; see {self._log_path}")
