"""`bench calibrate`: proves the instrument on this machine before it is believed."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time
from typing import Literal

from harness.calibration import cases, crosscheck, throughput
from harness.calibration.calibration_record import CALIBRATION_SCHEMA_VERSION, Calibration, Case, Fingerprint
from harness.calibration.cases import CalibrationSetup
from harness.calibration.laws import ANSWER, Law
from harness.calibration.our_generator import OurGenerator
from harness.calibration.truth_server import TruthServer
from harness.machine.environment import describe
from harness.machine.noise import NoiseWatch
from harness.results.records.machine_record import Partition

_USERS = 256
# So few that most of those who come in a freeze wait for a free user: then the wait is not in the service time.
_FEW_USERS = 8
_RIGHT = {"right": True}


@dataclass(frozen=True)
class CalibrationOrder:
    """What was asked for. `root`: the project, for the cross-check's target."""

    root: Path
    with_throughput: bool = False
    against: Literal["wrk"] | None = None


def calibrate_generator(order: CalibrationOrder, on_line: Callable[[str], None]) -> Calibration:
    """The cases in 75 s, and what else was asked for; `on_line` is told of each step. Raises HarnessError
    when it cannot be done at all; an instrument that fails is a result."""
    began_s, created_epoch_s = monotonic(), time()
    environment = describe(order.root)
    watch = NoiseWatch()
    apart = _apart(environment.partition)
    with _scratch() as folder:
        found = _cases(folder, environment.partition, on_line)
        speeds = (
            throughput.measure(folder, on_line, server_cpus=apart[0], generator_cpus=apart[1])
            if order.with_throughput
            else ()
        )
        checked = (
            crosscheck.against_wrk(order.root, folder, on_line, server_cpus=apart[0], generator_cpus=apart[1])
            if order.against == "wrk"
            else None
        )
    return Calibration(
        schema_version=CALIBRATION_SCHEMA_VERSION,
        created_epoch_s=created_epoch_s,
        elapsed_s=monotonic() - began_s,
        machine=Fingerprint.of(environment),
        cases=found,
        steal_percent=watch.finish().steal_percent,
        throughput=speeds,
        throughput_epoch_s=created_epoch_s if speeds else None,
        cross_check=checked,
        cross_check_epoch_s=created_epoch_s if checked else None,
    )


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for logs; it is left where it is when something goes wrong, since the error names a file in it."""
    folder = Path(tempfile.mkdtemp(prefix="bench-calibrate-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _cases(folder: Path, partition: Partition, on_line: Callable[[str], None]) -> tuple[Case, ...]:
    """On the CPUs that a trial's server and generator would have."""
    server_cpus, generator_cpus = (partition.target, partition.generator) if partition.pinned else (None, None)
    with (
        TruthServer(folder / "truth.log", loop="select", cpus=server_cpus) as server,
        OurGenerator(folder, "ours", ANSWER, _RIGHT, users=_USERS, cpus=generator_cpus) as ours,
        OurGenerator(folder, "few", ANSWER, _RIGHT, users=_FEW_USERS, cpus=generator_cpus) as few,
    ):
        server.wait_ready()
        ours.wait_ready()
        few.wait_ready()
        rig = CalibrationSetup(folder, server, ours, few, generator_cpus)
        steps: list[Callable[[], Case]] = [
            lambda: cases.latency_case(rig, Law.FIXED),
            lambda: cases.latency_case(rig, Law.QUICK),
            lambda: cases.latency_case(rig, Law.LOGNORMAL),
            lambda: cases.freeze_case(rig),
            lambda: cases.counts_case(rig, Law.DROP),
            lambda: cases.counts_case(rig, Law.WRONG),
        ]
        found = []
        for step in steps:
            case = step()
            errors = ", ".join(f"p{figure.percent:g} {figure.error_ms:+.2f} ms" for figure in case.figures)
            on_line(f"{case.law}: {'passed' if case.passed else 'FAILED'}{f' ({errors})' if errors else ''}")
            found.append(case)
        return tuple(found)


def _apart(partition: Partition) -> tuple[Sequence[int] | None, Sequence[int] | None]:
    """One CPU for the server and another for the generator, where there are two that can be told apart."""
    if not hasattr(os, "sched_setaffinity") or len(partition.available) < 2:
        return None, None
    return partition.available[:1], partition.available[-1:]
