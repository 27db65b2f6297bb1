"""`bench calibrate`: how exact the load generator is on this machine, before its figures are believed."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time
from typing import Literal, NamedTuple

from harness.calibration import cases, crosscheck, throughput
from harness.calibration.calibration_record import (
    ALLOWED_SHARE_OF_WAIT,
    CALIBRATION_SCHEMA_VERSION,
    Calibration,
    Fingerprint,
)
from harness.calibration.case_record import Case
from harness.calibration.cases import CalibrationSetup
from harness.calibration.comparison_record import CrossCheck, Speed
from harness.calibration.conditions import Conditions
from harness.calibration.laws import ANSWER, Law
from harness.calibration.other_processes import OtherProcesses
from harness.calibration.our_generator import OurGenerator
from harness.calibration.truth_server import CalibrationError, TruthServer
from harness.calibration.uncertainty import uncertainties_line
from harness.catalog.catalog import Catalog
from harness.machine.environment import describe
from harness.machine.noise import NoiseWatch
from harness.results.records.machine_record import Partition
from harness.results.records.workload import Workload

_USERS = 256
# So few that most requests that are due in a freeze wait for a free user. Then the wait is not in the service time.
_FEW_USERS = 4
_RIGHT = {"right": True}


@dataclass(frozen=True)
class CalibrationOrder:
    """What was asked for. `root` is the project: it has the smallest wait, and the target of the cross-check."""

    root: Path
    with_throughput: bool = False
    against: Literal["wrk"] | None = None


class _ApartCpus(NamedTuple):
    server: Sequence[int] | None
    generator: Sequence[int] | None


def calibrate_generator(order: CalibrationOrder, on_line: Callable[[str], None]) -> Calibration:
    """Runs the cases, and what else was asked for. `on_line` gets a line for each step. What fails is a finding."""
    began_s, created_epoch_s = monotonic(), time()
    environment = describe(order.root)
    smallest = smallest_wait(Catalog.read(order.root).workloads)
    noise, others = NoiseWatch(), OtherProcesses()
    folder = Path(tempfile.mkdtemp(prefix="bench-calibrate-"))
    measured = _Measured(folder, on_line)
    measured.known_servers(environment.partition, smallest)
    apart = _apart(environment.partition)
    if order.with_throughput:
        measured.throughput(apart)
    if order.against == "wrk":
        measured.against_wrk(order.root, apart)
    found = Calibration(
        schema_version=CALIBRATION_SCHEMA_VERSION,
        created_epoch_s=created_epoch_s,
        elapsed_s=monotonic() - began_s,
        machine=Fingerprint.of(environment),
        cases=tuple(measured.cases),
        smallest_wait_ms=smallest.wait_ms if smallest else None,
        smallest_wait_of=smallest.path if smallest else "",
        conditions=Conditions.of(noise.finish(), others.finish(), environment.partition),
        errors=tuple(measured.errors),
        throughput=measured.speeds,
        throughput_epoch_s=created_epoch_s if measured.speeds else None,
        cross_check=measured.cross_check,
        cross_check_epoch_s=created_epoch_s if measured.cross_check else None,
    )
    if found.passed:  # else a finding may name a log in it
        shutil.rmtree(folder, ignore_errors=True)
    return found


def smallest_wait(workloads: Sequence[Workload]) -> Workload | None:
    """The workload with the shortest wait; None when none has any."""
    waiting = [workload for workload in workloads if workload.wait_ms > 0 and workload.calls > 0]
    return min(waiting, key=lambda workload: (workload.wait_ms, workload.path), default=None)


class _Measured:
    """What has been measured so far. Each step keeps its results here; `errors` says what ended a step early."""

    def __init__(self, folder: Path, on_line: Callable[[str], None]) -> None:
        self.cases: list[Case] = []
        self.speeds: tuple[Speed, ...] = ()
        self.cross_check: CrossCheck | None = None
        self.errors: list[str] = []
        self._folder = folder
        self._on_line = on_line

    def known_servers(self, partition: Partition, smallest: Workload | None) -> None:
        """Uses the CPUs that the servers and the generator of a run would have."""
        server_cpus, generator_cpus = (partition.target, partition.generator) if partition.pinned else (None, None)
        allowed_ms = ALLOWED_SHARE_OF_WAIT * smallest.wait_ms if smallest else None

        def measure() -> None:
            with (
                TruthServer(self._folder / "truth.log", loop="select", cpus=server_cpus) as server,
                OurGenerator(self._folder, "ours", ANSWER, _RIGHT, users=_USERS, cpus=generator_cpus) as ours,
                OurGenerator(self._folder, "few", ANSWER, _RIGHT, users=_FEW_USERS, cpus=generator_cpus) as few,
            ):
                server.wait_ready()
                ours.wait_ready()
                few.wait_ready()
                setup = CalibrationSetup(self._folder, server, ours, few, generator_cpus)
                for step in steps(setup, allowed_ms):
                    case = step()
                    self.cases.append(case)
                    self._on_line(case_line(case))

        self._step("known servers", measure)

    def throughput(self, cpus: _ApartCpus) -> None:
        def measure() -> None:
            self.speeds, error = throughput.measure(
                self._folder, self._on_line, server_cpus=cpus.server, generator_cpus=cpus.generator
            )
            if error:
                raise CalibrationError(error)

        self._step("throughput", measure)

    def against_wrk(self, root: Path, cpus: _ApartCpus) -> None:
        def measure() -> None:
            self.cross_check, error = crosscheck.against_wrk(
                root, self._folder, self._on_line, server_cpus=cpus.server, generator_cpus=cpus.generator
            )
            if error:
                raise CalibrationError(error)

        self._step("against wrk", measure)

    def _step(self, name: str, measure: Callable[[], None]) -> None:
        if error := cases.error_of(measure):
            self.errors.append(f"{name}: {error}")
            self._on_line(f"{name}: FAILED: {error}")


def steps(setup: CalibrationSetup, allowed_ms: float | None) -> list[Callable[[], Case]]:
    """All cases. The counts come first: they are quick, and if they are wrong, percentiles mean nothing."""
    latencies = [
        functools.partial(cases.latency_case, setup, law, rate_rps, allowed_ms)
        for law in cases.LATENCY_LAWS
        for rate_rps in (cases.LOW_RPS, cases.HIGH_RPS)
    ]
    counts = [functools.partial(cases.counts_case, setup, law) for law in (Law.DROP, Law.WRONG)]
    return [*counts, functools.partial(cases.freeze_case, setup), *latencies]


def case_line(case: Case) -> str:
    """How a case ended, in one line."""
    known = [(one.percent, one.uncertainty_ms) for one in case.figures if one.uncertainty_ms is not None]
    if not case.passed:
        return f"FAILED: {'; '.join(case.failures)}"
    return f"{case.name}: passed{f' ({uncertainties_line(known)})' if known else ''}"


def _apart(partition: Partition) -> _ApartCpus:
    """One CPU for the server and another for the generator, where there are two and processes can be pinned."""
    if not hasattr(os, "sched_setaffinity") or len(partition.available) < 2:
        return _ApartCpus(None, None)
    return _ApartCpus(partition.available[:1], partition.available[-1:])
