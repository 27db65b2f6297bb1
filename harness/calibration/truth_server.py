"""Starts the truth server, tells it which law to follow, and fetches its record of what it did."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Literal, Self

import msgspec

from harness.calibration.laws import Law, Seen
from harness.processes.ask import AskError, ask
from harness.processes.ports import HOST, free_port
from harness.processes.process import Supervised, child_environment
from harness.results.records.errors import HarnessError

CHECKOUT = Path(__file__).parents[2]  # so that a child process imports this harness and no other
_READY_S = 15.0
_POLL_S = 0.02
_ASK_S = 10.0  # longer than a freeze
_RECORD_BYTES = 64 << 20


class CalibrationError(HarnessError):
    """A step of a calibration that could not be done. It becomes a finding; what was measured before is kept."""


class TruthServer:
    """`harness.calibration.truth_process` on a free loopback port. Leaving the `with` block ends it."""

    def __init__(self, log_path: Path, *, loop: Literal["select", "uvloop"], cpus: Sequence[int] | None) -> None:
        self.address = (HOST, free_port())
        self._log_path = log_path
        command = [
            sys.executable,
            "-m",
            "harness.calibration.truth_process",
            "--port",
            str(self.address[1]),
            "--loop",
            loop,
        ]
        self._process = Supervised(command, cwd=CHECKOUT, env=child_environment(CHECKOUT), log_path=log_path, cpus=cpus)

    @property
    def url(self) -> str:
        return f"http://{self.address[0]}:{self.address[1]}"

    def wait_ready(self) -> None:
        deadline_s = monotonic() + _READY_S
        while True:
            try:
                self._ask("/health")
                return
            except CalibrationError:
                if self.is_gone() or monotonic() > deadline_s:
                    raise
                sleep(_POLL_S)

    def begin(self, law: Law, *, seed: int = 1, requests: int = 1000) -> None:
        """From now on `law`, and a fresh record. `requests`: how many will come, for a law that deals its delays."""
        self._ask(f"/begin?law={law}&seed={seed}&cards={requests}")

    def end(self) -> Seen:
        """What it did since `begin`, by its own clock."""
        said = self._ask("/end")
        try:
            return msgspec.json.decode(said, type=Seen)
        except msgspec.MsgspecError as error:
            raise CalibrationError(
                f"truth server: its record cannot be read ({error}); see {self._log_path}"
            ) from error

    def is_gone(self) -> bool:
        return self._process.exit_code() is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()

    def _ask(self, path: str) -> bytes:
        try:
            return ask(*self.address, path, timeout_s=_ASK_S, max_bytes=_RECORD_BYTES).body
        except AskError as error:
            code = self._process.exit_code()
            what = f"{path.partition('?')[0]} {error}" if code is None else f"it has ended with exit code {code}"
            raise CalibrationError(f"truth server: {what}; see {self._log_path}") from error
