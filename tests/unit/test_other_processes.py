"""Who else used the CPUs is found by looking at real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from harness.calibration.other_processes import OtherProcesses

_SPIN = "while True: pass"


def used(watch: OtherProcesses, name: str) -> float:
    return sum(one.cores for one in watch.finish() if one.name == name)


def test_a_program_that_is_nobodys_child_here_is_named_with_its_cores(tmp_path: Path) -> None:
    """Its parent has ended, so it is no child of this process: as somebody else's program would be."""
    spinner = tmp_path / "spinner"
    spinner.symlink_to(sys.executable)
    pid = int(subprocess.check_output(["sh", "-c", f"'{spinner}' -c '{_SPIN}' >/dev/null 2>&1 & echo $!"], text=True))
    try:
        watch = OtherProcesses()
        deadline_s = time.monotonic() + 20
        while not used(watch, "spinner"):
            assert time.monotonic() < deadline_s, "a core at work was not seen"
    finally:
        os.kill(pid, signal.SIGKILL)


def test_what_this_process_has_started_is_not_somebody_elses(tmp_path: Path) -> None:
    spinner = tmp_path / "own_spinner"
    spinner.symlink_to(sys.executable)
    watch = OtherProcesses()
    with subprocess.Popen([spinner, "-c", _SPIN]) as child:
        try:
            deadline_s = time.monotonic() + 0.3
            while time.monotonic() < deadline_s:
                assert not used(watch, "own_spinner")
        finally:
            child.kill()
