"""A slice: what was planned, and what came of it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from harness.results.records.finding import Finding
from harness.results.records.noise_record import Noise
from harness.results.records.phase_record import PhaseRecord
from harness.results.records.values import Name
from harness.results.records.variant import VariantName, slug

PILOT_ROUND = 0


class SliceSpec(Struct, frozen=True):
    """One variant's part in one round of one workload. Round 0 is the pilot. `phase`: what is measured, `capacity` or
    a rate such as `rate-30`. `session`: in which of the sessions of its workload, from 1 on."""

    round: int
    position: int
    workload: Name
    variant: VariantName
    phase: str = "capacity"
    session: int = 1

    @property
    def id(self) -> str:
        return f"{self.round:03d}-{self.workload}-{slug(self.variant)}"

    @property
    def cell(self) -> str:
        return f"{self.variant} on {self.workload}"

    @property
    def is_pilot(self) -> bool:
        return self.round == PILOT_ROUND


class SliceRecord(Struct, frozen=True, kw_only=True):
    """What one slice measured: a warm-up, and the phase that it is for. It is kept in the record of its boot.

    `others_cores`: by variant, the CPU time that the servers beside the measured one used per second meanwhile.
    `elapsed_s`: with all that belongs to it, from the proof that its server is idle to the end of its drain.
    """

    spec: SliceSpec
    boot: int  # the number of the boot of its variant
    status: Literal["complete", "failed"] = "complete"
    error: str = ""  # one line, when failed
    elapsed_s: float
    phases: tuple[PhaseRecord, ...] = ()
    noise: Noise | None = None
    own_cores: float | None = None  # that the measured server used, all phases together
    others_cores: dict[VariantName, float] = {}
    events: tuple[Finding, ...] = ()  # what the harness saw happen
