"""wrk (https://github.com/wg/wrk), a fast load generator in C, to compare with where it is installed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import psutil

from harness.calibration.truth_server import CHECKOUT, CalibrationError
from harness.processes.process import Supervised, child_environment
from harness.results.records.errors import UsageError

_OVERTIME_S = 10.0
_POLL_S = 0.02
_RPS = re.compile(r"^Requests/sec:\s+([0-9.]+)$", re.MULTILINE)
_TOOK = re.compile(r"^\s*\d+ requests in ([0-9.]+)s,", re.MULTILINE)
_BAD = re.compile(r"^\s*(Socket errors: .*|Non-2xx.*)$", re.MULTILINE)


class WrkResult(NamedTuple):
    """Requests a second by its own count, how long it asked, and the cores that it used itself meanwhile."""

    rps: float
    elapsed_s: float  # up to 0.1 s longer than asked for: it looks at the clock only that often
    cores: float


def is_installed() -> bool:
    return shutil.which("wrk") is not None


def require() -> None:
    """Raises UsageError where there is none."""
    if not is_installed():
        raise UsageError("--against wrk: wrk is not installed; `apt install wrk` or `brew install wrk`")


def run_wrk(folder: Path, url: str, *, connections: int, duration_s: int, cpus: Sequence[int] | None) -> WrkResult:
    """One thread, `connections` kept busy for less than a minute. Raises CalibrationError for errors."""
    log_path = folder / "wrk.log"
    log_path.unlink(missing_ok=True)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{duration_s}s", url]
    with Supervised(command, cwd=folder, env=child_environment(CHECKOUT), log_path=log_path, cpus=cpus) as process:
        cpu_s = _cpu_until_exit_s(process, monotonic() + duration_s + _OVERTIME_S)
    said = log_path.read_text(errors="replace")
    if bad := _BAD.search(said):
        raise CalibrationError(f"wrk: {bad[1]}; see {log_path}")
    rps, took = _RPS.search(said), _TOOK.search(said)
    if rps is None or took is None:
        raise CalibrationError(f"wrk: gave no figures; see {log_path}")
    elapsed_s = float(took[1])
    return WrkResult(float(rps[1]), elapsed_s, cpu_s / elapsed_s)


def _cpu_until_exit_s(process: Supervised, deadline_s: float) -> float:
    """The CPU time that it had used at the last look, at most _POLL_S before its end. After the end it cannot be
    read."""
    cpu_s = 0.0
    try:
        watched = psutil.Process(process.main_pid)
        while process.wait_exit(_POLL_S) is None and monotonic() < deadline_s:
            spent = watched.cpu_times()
            cpu_s = max(cpu_s, spent.user + spent.system)  # a zombie's may read as 0
    except psutil.Error:  # it has ended
        process.wait_exit(max(0.0, deadline_s - monotonic()))
    return cpu_s
