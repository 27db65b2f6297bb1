"""A trial: what was planned, and `trial.json`, what came of it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from harness.results.records.finding import Finding
from harness.results.records.noise_record import Noise
from harness.results.records.phase_record import PhaseRecord
from harness.results.records.values import Name
from harness.results.records.variant import VariantName, slug


class TrialSpec(Struct, frozen=True):
    """One fresh server, one variant, one workload. `block` 0 is the pilot pass."""

    block: int
    position: int
    workload: Name
    variant: VariantName

    @property
    def id(self) -> str:
        return f"{self.block:02d}-{self.workload}-{slug(self.variant)}"

    @property
    def is_pilot(self) -> bool:
        return self.block == 0


class ServerRecord(Struct, frozen=True, kw_only=True):
    """One server of a trial; there is a second one only when the first had choked."""

    port: int
    boot_s: float  # launch -> /health ready
    ready_at_s: float
    pids: tuple[int, ...] = ()
    ended: str = ""  # "stopped", "killed: ...", "exited with 1"


class TrialRecord(Struct, frozen=True, kw_only=True):
    """`trial.json`, written last: its presence means the trial is complete."""

    schema_version: int
    spec: TrialSpec
    attempt: int
    status: Literal["complete", "failed"]
    error: str = ""  # one line, when failed
    started_epoch_s: float
    origin_monotonic_s: float
    elapsed_s: float
    phases: tuple[PhaseRecord, ...] = ()
    servers: tuple[ServerRecord, ...] = ()
    noise: Noise | None = None
    overhead_s: dict[str, float] = {}  # where the trial's fixed costs went: quiet, boot, verify, drain, stop
    sampler_cpu_s: float = 0.0
    sampler_wall_s: float = 0.0
    events: tuple[Finding, ...] = ()  # what the harness saw happen: restarts, kills, late shutdown
