"""Locust as it comes: its own user classes in their usual closed loop, with its own percentiles."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from harness.calibration.locustfiles import write_stock
from harness.calibration.truth_server import CHECKOUT, CalibrationError
from harness.processes.process import Supervised, child_environment

_OVERTIME_S = 30.0


class StockResult(NamedTuple):
    """What stock Locust reports about its own requests."""

    requests: int
    failures: int
    percentiles_ms: dict[float, float]


class _Row(Struct, frozen=True):
    num_requests: int
    num_failures: int
    response_times: dict[int, int]


def run_stock(
    folder: Path,
    user: str,
    url: str,
    path: str,
    *,
    users: int,
    duration_s: int,
    percents: Sequence[float],
    cpus: Sequence[int] | None,
) -> StockResult:
    """`locust --headless` with one user class that asks `path`, from its start to its end."""
    file = write_stock(folder, user, path)
    said = folder / f"{file.stem}.said"
    said.with_suffix(".said.json").unlink(missing_ok=True)
    command = [
        *(sys.executable, "-m", "locust", "-f", str(file), "-H", url, "--headless", "--only-summary"),
        *("-u", str(users), "-r", str(users), "-t", f"{duration_s}s", "--json-file", str(said)),
    ]
    log_path = folder / f"{file.stem}.log"
    with Supervised(command, cwd=folder, env=child_environment(CHECKOUT), log_path=log_path, cpus=cpus) as process:
        process.wait_exit(duration_s + _OVERTIME_S)
    try:
        (row,) = msgspec.json.decode(said.with_suffix(".said.json").read_bytes(), type=tuple[_Row, ...])
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise CalibrationError(f"stock {user}: gave no figures ({error}); see {log_path}") from error
    return StockResult(
        row.num_requests,
        row.num_failures,
        {percent: percentile_ms(row.response_times, percent) for percent in percents},
    )


def percentile_ms(buckets: dict[int, int], percent: float) -> float:
    """As Locust's `calculate_response_time_percentile` (locust/stats.py): on its rounded buckets, from above."""
    total = sum(buckets.values())
    below = int(total * percent / 100)
    seen = 0
    for value_ms in sorted(buckets, reverse=True):
        seen += buckets[value_ms]
        if total - seen <= below:
            return float(value_ms)
    return 0.0
