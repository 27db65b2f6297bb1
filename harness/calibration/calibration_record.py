"""`calibration.json`: what a calibration found, on which machine and with which instrument.

It lies in the folder that holds the runs; each run of the same machine takes a copy along, so that its report needs
nothing else.
"""

from __future__ import annotations

import hashlib
import platform
import statistics
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from harness.results.records.machine_record import Environment
from harness.results.records.text import to_json
from harness.results.store import StoreError, write_atomically

CALIBRATION_SCHEMA_VERSION = 2
FILE = "calibration.json"
OURS, FAST_HTTP_USER, HTTP_USER, WRK = "ours", "FastHttpUser", "HttpUser", "wrk"  # the generators, as they are shown
# What the instrument's figures can depend on, beside its own code.
_PACKAGES = ("gevent", "hdrhistogram", "httptools", "locust", "numpy", "uvloop")
_AGAIN = "run `bench calibrate` before a run"
_HARNESS = Path(__file__).parents[1]
_MACHINE_ID = Path("/etc/machine-id")
# What makes the arrivals, sends, stamps, records and reads: all that a figure passes through.
_INSTRUMENT = (
    "driving/driver.py",
    "driving/shares.py",
    "judging/percentiles.py",
    "results/histograms.py",
    "results/records/schedule.py",
)


class Fingerprint(Struct, frozen=True):
    """A calibration is believed where all of this is the same."""

    host: str  # a digest: reports are shared, and name no machine
    cpu_model: str
    logical_cpus: int
    kernel: str
    pinning: bool  # server and generator on CPUs of their own
    python: str
    packages: dict[str, str]
    instrument: str  # a digest of its code: a changed instrument is a new one
    available_cpus: int | None = None  # `taskset` makes another machine of it, as does a container's quota
    quota_cores: float | None = None

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
            instrument=_digest(),
        )

    def differences(self, other: Fingerprint) -> tuple[str, ...]:
        """The names of what is not the same."""
        return tuple(name for name in self.__struct_fields__ if getattr(self, name) != getattr(other, name))


class QuantileError(Struct, frozen=True, kw_only=True):
    """One percentile of one law. `law_ms`: by arithmetic. `did_ms`: what the server did by its own clock to the very
    requests that ours sent. It and `ours_ms` are medians over the rounds; `errors_ms` has ours - did of each round in
    their order. `allowed_ms` None: not judged."""

    percent: float
    law_ms: float
    did_ms: float
    ours_ms: float
    stock_ms: float | None
    errors_ms: Annotated[tuple[float, ...], Meta(min_length=1)]
    allowed_ms: float | None

    @property
    def error_ms(self) -> float:
        """The median over the rounds: what is judged."""
        return statistics.median(self.errors_ms)

    @property
    def passed(self) -> bool:
        return self.allowed_ms is None or abs(self.error_ms) <= self.allowed_ms


class Count(Struct, frozen=True, kw_only=True):
    """How many requests of one outcome: the server's count and the generators'. Stock is told of its own requests."""

    what: str
    truth: int
    ours: int
    stock_truth: int | None = None
    stock: int | None = None

    @property
    def passed(self) -> bool:
        return self.truth == self.ours


class FromSend(Struct, frozen=True, kw_only=True):
    """What ours measured from the send, of the same requests: above `most_ms`, the law could not have shown an
    instrument that counts from there (coordinated omission), and its figure proves nothing."""

    percent: float
    service_ms: float
    most_ms: float

    @property
    def passed(self) -> bool:
        return self.service_ms <= self.most_ms


class Case(Struct, frozen=True, kw_only=True):
    """One law: everything that was compared under it."""

    law: str
    title: str
    figures: tuple[QuantileError, ...] = ()
    counts: tuple[Count, ...] = ()
    from_send: FromSend | None = None
    note: str = ""

    @property
    def passed(self) -> bool:
        shown = self.from_send is None or self.from_send.passed
        return shown and all(one.passed for one in self.figures) and all(one.passed for one in self.counts)


class Speed(Struct, frozen=True, kw_only=True):
    """Requests a second that one generator on one core got out of the fast server: the median of its slices."""

    generator: str
    rps: float
    slices_rps: tuple[float, ...]


class CrossCheck(Struct, frozen=True, kw_only=True):
    """The same route of the same server, asked by ours and by another generator in alternating slices.

    `interval`: of the ratio; None with too few pairs for one. `passed` None: not judged, for the reason in `why_not`;
    a calibration neither fails nor passes by it."""

    other: str
    route: str
    ours_rps: float
    other_rps: float
    ratio: float  # ours / other, the median over pairs of slices
    ratios: tuple[float, ...]
    interval: tuple[float, float] | None = None
    generator_cores: float  # the CPU that ours used; near 1, it measured itself
    server_cores: float  # ... and the server meanwhile; well below 1, something else was the limit
    other_generator_cores: float
    other_server_cores: float
    passed: bool | None
    why_not: str = ""
    connections: int = 32  # of those from before it was stored

    @property
    def difference(self) -> str:
        """In words: the median over the pairs, and its interval."""
        middle = f"{(self.ratio - 1) * 100:+.1f} %"
        if self.interval is None:
            return middle
        low, high = ((bound - 1) * 100 for bound in self.interval)
        return f"{middle} ({low:+.1f} to {high:+.1f} %)"


class Calibration(Struct, frozen=True, kw_only=True):
    """`throughput` and `cross_check` may be of an earlier calibration: theirs is the moment beside them."""

    schema_version: int
    created_epoch_s: float
    elapsed_s: float
    machine: Fingerprint
    cases: tuple[Case, ...]
    steal_percent: float | None = None
    throughput: tuple[Speed, ...] = ()
    throughput_epoch_s: float | None = None
    cross_check: CrossCheck | None = None
    cross_check_epoch_s: float | None = None

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def failures(self) -> tuple[str, ...]:
        """One line for each thing that is not within its bound."""
        figures = (
            f"{case.law} p{figure.percent:g}: {figure.error_ms:+.2f} ms, allowed {figure.allowed_ms:.2f} ms"
            for case in self.cases
            for figure in case.figures
            if not figure.passed
        )
        counts = (
            f"{case.law}, {count.what}: {count.ours} counted, {count.truth} happened"
            for case in self.cases
            for count in case.counts
            if not count.passed
        )
        blind = (
            f"{case.law} p{sent.percent:g}: {sent.service_ms:.0f} ms from the send, allowed {sent.most_ms:.0f} ms: "
            "it would not show coordinated omission"
            for case in self.cases
            if (sent := case.from_send) is not None and not sent.passed
        )
        check = self.cross_check
        capacity = (
            (f"{check.route}: {check.difference} against {check.other}, allowed 5 %",)
            if check is not None and check.passed is False
            else ()
        )
        return (*figures, *blind, *counts, *capacity)


class CalibrationState(Struct, frozen=True):
    """Whether the instrument is proven for a machine. `line` is what a reader should know."""

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
    """`new` with the throughput and the cross-check of `earlier` where it has none of its own; only those of the same
    machine and instrument."""
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
        return CalibrationState("missing", f"The load generator is not proven: {error}.")
    if calibration is not None and (different := calibration.machine.differences(machine)):
        named = ", ".join(name.replace("_", " ") for name in different)
        return CalibrationState("missing", f"The load generator was proven elsewhere (another {named}): {_AGAIN}.")
    return _standing(calibration)


def adopt(results: Path, run: Path, machine: Fingerprint) -> CalibrationState:
    """Copy the calibration of this machine, passed or failed, from `results` into the folder of a run."""
    found = calibration_state(results, machine)
    if found.kind != "missing":
        write_atomically(run / FILE, (results / FILE).read_bytes())
    return found


def adopted(run: Path) -> tuple[Calibration | None, CalibrationState]:
    """The calibration that a run took along, and what it says of the run's figures."""
    try:
        calibration = read_calibration(run)
    except StoreError as error:
        return None, CalibrationState("missing", f"The load generator is not proven: {error}.")
    return calibration, _standing(calibration)


def _standing(calibration: Calibration | None) -> CalibrationState:
    if calibration is None:
        return CalibrationState("missing", f"The load generator was not proven on this machine: {_AGAIN}.")
    if not calibration.passed:
        named = "; ".join(calibration.failures)
        return CalibrationState(
            "failed", f"The load generator failed its calibration on this machine ({named}): {_AGAIN}."
        )
    return CalibrationState("passed", "The load generator was proven on this machine.")


class _Version(Struct):
    schema_version: int


def _host() -> str:
    """Two machines of the same kind are two. The id itself is nobody's business: machine-id(5) asks for a hash."""
    try:
        machine_id = _MACHINE_ID.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # not a Linux with systemd
        machine_id = ""
    return hashlib.sha256(f"bench calibrate/{machine_id}/{platform.node()}".encode()).hexdigest()[:12]


def _digest() -> str:
    digest = hashlib.sha256()
    inside = sorted((_HARNESS / "driving" / "inside").glob("*.py"))
    for path in (*inside, *(_HARNESS / name for name in _INSTRUMENT)):
        digest.update(path.relative_to(_HARNESS).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
