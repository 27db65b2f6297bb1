"""`calibration.json`: how exact the load generator was found to be, on which machine and with which instrument.

It is in the folder that holds the runs. Each run on the same machine gets a copy, so that its report needs nothing
else.
"""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from harness.calibration.case_record import Case
from harness.calibration.comparison_record import CrossCheck, Speed
from harness.calibration.conditions import Conditions
from harness.machine import instrument
from harness.results.records.machine_record import Environment
from harness.results.records.text import to_json
from harness.results.store import StoreError, write_atomically

CALIBRATION_SCHEMA_VERSION = 3
FILE = "calibration.json"
# What the instrument's figures can depend on, beside its own code.
_PACKAGES = ("gevent", "hdrhistogram", "httptools", "locust", "numpy", "uvloop")
_AGAIN = "run `bench calibrate` before a run"
# Most of a latency is waiting: an error above a twentieth of the smallest wait would be visible in it.
ALLOWED_SHARE_OF_WAIT = 0.05
_MACHINE_ID = Path("/etc/machine-id")


class Fingerprint(Struct, frozen=True):
    """A calibration is valid where all of this is the same."""

    host: str  # a digest: reports are shared and must not name a machine
    cpu_model: str
    logical_cpus: int
    kernel: str
    pinning: bool  # server and generator on CPUs of their own
    python: str
    packages: dict[str, str]
    instrument: str  # a digest of its code: a changed instrument is a new one
    available_cpus: int | None = None  # fewer under `taskset`
    quota_cores: float | None = None  # a container's

    @classmethod
    def of(cls, environment: Environment) -> Fingerprint:
        return cls(
            host=_host(),
            cpu_model=environment.cpu_model,
            logical_cpus=environment.logical_cpus,
            available_cpus=len(environment.partition.available),
            quota_cores=environment.partition.quota_cores,
            kernel=environment.kernel,
            pinning=environment.partition.pinned,
            python=environment.python,
            packages={name: version for name, version in environment.packages.items() if name in _PACKAGES},
            instrument=instrument.digest_of(instrument.GENERATING),
        )

    def differences(self, other: Fingerprint) -> tuple[str, ...]:
        """The names of what is not the same."""
        return tuple(name for name in self.__struct_fields__ if getattr(self, name) != getattr(other, name))


class Calibration(Struct, frozen=True, kw_only=True):
    """`throughput` and `cross_check` may come from an earlier calibration; the `_epoch_s` beside each says when.
    `errors` has one line for each step that ended early. `smallest_wait_ms` is the smallest wait of all workloads, by
    which errors are judged, and `smallest_wait_of` is the file of the workload that has it."""

    schema_version: int
    created_epoch_s: float
    elapsed_s: float
    machine: Fingerprint
    cases: tuple[Case, ...]
    smallest_wait_ms: float | None = None
    smallest_wait_of: str = ""
    conditions: Conditions | None = None
    errors: tuple[str, ...] = ()
    throughput: tuple[Speed, ...] = ()
    throughput_epoch_s: float | None = None
    cross_check: CrossCheck | None = None
    cross_check_epoch_s: float | None = None

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def failures(self) -> tuple[str, ...]:
        """One line each. A failure is only what makes figures wrong: a wrong count, a freeze that was not seen, an
        error that is large compared with the smallest wait, and a step that could not be measured. Everything else is
        an uncertainty (`harness.calibration.uncertainty`)."""
        return (*(line for case in self.cases for line in case.failures), *self.errors)

    @property
    def allowed_line(self) -> str:
        """What an error is judged by."""
        if self.smallest_wait_ms is None:
            return "Errors are not judged: no workload has a wait"
        return (
            f"An error above {ALLOWED_SHARE_OF_WAIT * self.smallest_wait_ms:.2f} ms is a failure: "
            f"1/{1 / ALLOWED_SHARE_OF_WAIT:.0f} of the smallest wait of any workload "
            f"({self.smallest_wait_ms:g} ms in {self.smallest_wait_of})"
        )


class CalibrationState(Struct, frozen=True):
    """Whether the load generator was calibrated on a machine. `line` is what a reader should know."""

    kind: Literal["passed", "failed", "missing"]
    line: str


def write_calibration(folder: Path, calibration: Calibration) -> Path:
    """Write the folder's calibration, in place of the one before."""
    path = folder / FILE
    write_atomically(path, to_json(calibration))
    return path


def read_calibration(folder: Path) -> Calibration | None:
    """None where there is none. StoreError for one that cannot be read or that another release wrote."""
    path = folder / FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        version = msgspec.json.decode(content, type=_Version).schema_version
        if version != CALIBRATION_SCHEMA_VERSION:
            raise StoreError(
                f"{path}: schema_version {version} is not {CALIBRATION_SCHEMA_VERSION}; run `bench calibrate` again"
            )
        return msgspec.json.decode(content, type=Calibration)
    except msgspec.MsgspecError as error:
        raise StoreError(f"{path}: is no calibration ({error}); run `bench calibrate` again") from error


def completed(new: Calibration, earlier: Calibration | None) -> Calibration:
    """`new` with the throughput and the cross-check of `earlier` where it has none of its own. They are used only when
    machine and instrument are the same."""
    if earlier is None or new.machine.differences(earlier.machine):
        return new
    if not new.throughput:
        new = msgspec.structs.replace(new, throughput=earlier.throughput, throughput_epoch_s=earlier.throughput_epoch_s)
    if new.cross_check is None:
        new = msgspec.structs.replace(
            new, cross_check=earlier.cross_check, cross_check_epoch_s=earlier.cross_check_epoch_s
        )
    return new


def calibration_state(folder: Path, machine: Fingerprint) -> CalibrationState:
    """What the calibration in `folder` says of an instrument on `machine`."""
    try:
        calibration = read_calibration(folder)
    except StoreError as error:
        return CalibrationState("missing", f"The load generator was not calibrated for these figures: {error}.")
    if calibration is not None and (different := calibration.machine.differences(machine)):
        named = ", ".join(name.replace("_", " ") for name in different)
        return CalibrationState("missing", f"The load generator was calibrated elsewhere (another {named}): {_AGAIN}.")
    return _standing(calibration)


def adopt(results: Path, run: Path, machine: Fingerprint) -> CalibrationState:
    """Copy the calibration of this machine, passed or failed, from `results` into the folder of a run."""
    found = calibration_state(results, machine)
    if found.kind != "missing":
        write_atomically(run / FILE, (results / FILE).read_bytes())
    return found


def adopted(run: Path) -> tuple[Calibration | None, CalibrationState]:
    """The run's copy of a calibration, and what it says about the run's figures."""
    try:
        calibration = read_calibration(run)
    except StoreError as error:
        return None, CalibrationState("missing", f"The load generator was not calibrated for these figures: {error}.")
    return calibration, _standing(calibration)


def _standing(calibration: Calibration | None) -> CalibrationState:
    if calibration is None:
        return CalibrationState("missing", f"The load generator was not calibrated on this machine: {_AGAIN}.")
    if not calibration.passed:
        named = "; ".join(calibration.failures)
        return CalibrationState(
            "failed", f"The load generator failed its calibration on this machine ({named}): {_AGAIN}."
        )
    return CalibrationState("passed", "The load generator was calibrated on this machine.")


class _Version(Struct):
    schema_version: int


def _host() -> str:
    """Tells two machines of the same kind apart. A hash, because machine-id(5) asks to keep the id itself secret."""
    try:
        machine_id = _MACHINE_ID.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # not a Linux with systemd
        machine_id = ""
    return hashlib.sha256(f"bench calibrate/{machine_id}/{platform.node()}".encode()).hexdigest()[:12]
