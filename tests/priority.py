"""How late the generator sends while a target keeps every core busy, with and without a lower priority of the target.

python -m tests.priority [REPEATS]       # alternates the settings, prints a line for each and the medians
"""

import ctypes
import os
import statistics
import sys
import tempfile
from math import ceil
from pathlib import Path
from time import sleep
from typing import NamedTuple

import psutil

from harness.catalog.catalog import Catalog
from harness.catalog.variants import variant_of
from harness.driving.load import Load
from harness.driving.local_generator import LocalGenerator
from harness.results import histograms
from harness.results.records.metric import Metric
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseSpec
from harness.serving.server import Server
from harness.serving.target import target_of

PROJECT = Path(__file__).parents[1]
# More than can arrive: nobody waits for a free user, so all that is late is late for want of CPU.
_USERS = 1024


class Lag(NamedTuple):
    """The send lag in an open loop at 300/s more than `capacity_rps`, which the target did in the closed loop
    before."""

    p50_ms: float
    p99_ms: float
    worst_ms: float
    sent: int
    response_p50_ms: float
    capacity_rps: float


def measure(
    strategy_name: str,
    *,
    nice: int,
    policy: int = 0,
    slice_us: int = 0,
    duration_s: float = 2.0,
) -> Lag:
    """One fresh server under the `cpu` workload. `policy`: a SCHED_* for the target, given to its main process.
    `slice_us`: of the generator."""
    catalog = Catalog.read(PROJECT)
    (strategy,), (workload,) = catalog.select_strategies([strategy_name]), catalog.select_workloads(["cpu"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            Server.launch(
                target_of(variant_of(strategy, cores=1), PROJECT, {}),
                probe_dir=folder / "probe",
                log_path=folder / "server.log",
                nice=nice,
            ) as server,
            LocalGenerator.launch(
                workload,
                root=PROJECT,
                users=_USERS,
                latency_path=folder / "latency.hlog",
                log_path=folder / "locust.log",
                cpus=None,
            ) as generator,
        ):
            if policy:
                os.sched_setscheduler(server.main_pid, policy, os.sched_param(0))
            server.wait_ready(30)
            generator.wait_ready(30)
            if slice_us:
                for process in psutil.Process(generator.local_pid).children(recursive=True):
                    set_slice(process.pid, slice_us)
            closed = PhaseSpec(name="closed", kind=PhaseKind.CAPACITY, duration_s=1.0, users=16)
            address = (server.host, server.port)
            (first,) = generator.run(
                Load(address, (closed,), 1.0, 10.0, 25.0, 0), lambda e: None, lambda: False
            ).records
            rate_rps = first.ok_in_window / closed.duration_s + 300.0
            rate = PhaseSpec("rate", PhaseKind.RATE, duration_s, _USERS, rate_rps=rate_rps, seed=5)
            generator.run(Load(address, (rate,), 0.5, 10.0, 25.0, 0), lambda e: None, lambda: False)
            generator.stop()
        recorded = histograms.read_histograms(folder / "latency.hlog")
        lag = recorded.merged("rate", list(Outcome), Metric.SEND_LAG)
        response = recorded.merged("rate", list(Outcome), Metric.RESPONSE)
    return Lag(
        *(_at(lag, percent) for percent in (50, 99, 100)), lag.total, _at(response, 50), first.ok_in_window / 1.0
    )


def _at(histogram: histograms.Histogram, percent: float) -> float:
    return histogram.at_rank(ceil(histogram.total * percent / 100)) / 1e3


class _SchedAttr(ctypes.Structure):
    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime_ns", ctypes.c_uint64),
        ("deadline_ns", ctypes.c_uint64),
        ("period_ns", ctypes.c_uint64),
    )


def set_slice(pid: int, slice_us: int) -> None:
    """sched_setattr(2): the slice of a normal task, from Linux 6.12 on; on x86-64."""
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = _SchedAttr(size=ctypes.sizeof(_SchedAttr), runtime_ns=slice_us * 1000)
    if libc.syscall(314, pid, ctypes.byref(attributes), 0) != 0:
        raise OSError(ctypes.get_errno(), "sched_setattr")


_SETTINGS: dict[str, dict[str, int]] = {
    "nothing": {"nice": 0},
    "nice 10": {"nice": 10},
    "nice 19": {"nice": 19},
    "batch": {"nice": 0, "policy": getattr(os, "SCHED_BATCH", 3)},
    "slice 0.1 ms": {"nice": 0, "slice_us": 100},
    "slice, nice 10": {"nice": 10, "slice_us": 100},
}


def main(repeats: int) -> None:
    for strategy in ("async_process_pool", "sync_def"):
        seen: dict[str, list[Lag]] = {setting: [] for setting in _SETTINGS}
        for _ in range(repeats):
            for setting, options in _SETTINGS.items():
                seen[setting].append(measure(strategy, **options))
                print(strategy, setting, seen[setting][-1], flush=True)
                sleep(0.1)
        for setting, lags in seen.items():
            middle = [round(statistics.median(figures), 3) for figures in zip(*lags, strict=True)]
            print(f"MEDIAN {strategy:20} {setting:15} {Lag(*middle)}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
