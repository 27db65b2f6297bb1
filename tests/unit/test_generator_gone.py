"""A generator that ended, or is silent, is told from one that only says that a load failed."""

from __future__ import annotations

import socket
from pathlib import Path
from time import monotonic

import pytest

from harness.driving.control_line import ControlLine
from harness.driving.generator import GeneratorGoneError
from harness.driving.inside.protocol import Quit


def test_one_that_ended_is_gone_whoever_asks(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    line = ControlLine(ours, tmp_path / "locust.log")
    theirs.close()
    with pytest.raises(GeneratorGoneError, match="ended by itself"):
        line.receive(monotonic() + 1.0, "end its phases")
    with pytest.raises(GeneratorGoneError, match="ended by itself"):
        line.send(Quit())
    line.close()


def test_one_that_is_silent_is_gone(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        line = ControlLine(ours, tmp_path / "locust.log")
        with pytest.raises(GeneratorGoneError, match="did not end its phases in time"):
            line.receive(monotonic() + 0.01, "end its phases")
        line.close()
