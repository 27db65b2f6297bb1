"""The line to one generator process: JSON messages over a socket pair (`inside/protocol.py`)."""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import msgspec

from harness.driving.generator import GeneratorGoneError
from harness.driving.inside.protocol import ToGenerator, ToHarness


class ControlLine:
    """Takes over `control`; `log_path` is where the generator may have said why it is gone."""

    def __init__(self, control: socket.socket, log_path: Path) -> None:
        self._control = control
        self._log_path = log_path
        self._received = bytearray()
        self._encoder = msgspec.json.Encoder()
        self._decoder: msgspec.json.Decoder[ToHarness] = msgspec.json.Decoder(ToHarness)

    def send(self, message: ToGenerator) -> None:
        try:
            self._control.sendall(self._encoder.encode(message) + b"\n")
        except OSError as error:
            raise self._gone() from error

    def fileno(self) -> int:
        return self._control.fileno()

    @property
    def has_message(self) -> bool:
        """Whether a whole one has come already."""
        return b"\n" in self._received

    def receive(self, deadline_s: float, what: str) -> ToHarness:
        """The next message; `what` it should have done by `deadline_s` (CLOCK_MONOTONIC)."""
        while not self.has_message:
            if not readable([self], max(0.0, deadline_s - monotonic())):
                raise GeneratorGoneError(f"load generator: did not {what} in time; see {self._log_path}")
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

    def close(self) -> None:
        self._control.close()

    def _gone(self) -> GeneratorGoneError:
        lines = self._log_path.read_text(errors="replace").strip().splitlines() if self._log_path.exists() else []
        said = f" ({lines[-1][:200]})" if lines else ""
        return GeneratorGoneError(f"load generator: ended by itself{said}; see {self._log_path}")


def readable(lines: Sequence[ControlLine], timeout_s: float) -> list[ControlLine]:
    """Those of which something can be received; waits for the first, at most `timeout_s`."""
    if told := [line for line in lines if line.has_message]:
        return told
    return select.select(lines, [], [], timeout_s)[0]
