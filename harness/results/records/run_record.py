"""`run.json`: what is known before and around the slices."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from harness.results.records.machine_record import Environment
from harness.results.records.profile import Profile
from harness.results.records.slice_record import SliceSpec
from harness.results.records.strategy import Strategy
from harness.results.records.values import Name
from harness.results.records.variant import Variant, VariantName
from harness.results.records.workload import Workload


class Preflight(Struct, frozen=True):
    """One variant on one workload, checked before anything is measured."""

    variant: VariantName
    workload: Name
    status: Literal["ok", "not_applicable", "failed"]
    error: str = ""
    boot_s: float = 0.0
    answer_s: float = 0.0  # of the fastest of its requests, asked one after the other
    pss_bytes: int | None = None  # of the server and all its processes, then


class Looked(Struct, frozen=True):
    """The look at a workload's comparisons that is due or was the last, of at most so many
    (`harness.judging.simultaneous.Look`)."""

    number: int
    of: int


class RunRecord(Struct, frozen=True, kw_only=True):
    """`run.json`: everything that is known before and around the slices. The plan grows when further sessions are
    measured for what is still open.

    It is written before the pre-flight check, with `preflight` and `plan` still empty. `baseline` is what somebody
    asked for, or chosen when the pre-flight check is over; None until then.
    """

    schema_version: int
    id: str
    created_epoch_s: float
    command: str
    profile: Profile
    strategies: tuple[Strategy, ...]  # the files
    variants: tuple[Variant, ...]  # what was made of them
    workloads: tuple[Workload, ...]
    baseline: VariantName | None
    environment: Environment
    instrument: str  # a digest of the code that measures; empty: written before it was recorded
    own_services: tuple[Name, ...] = ()  # that were somebody's own, and not started for the run
    service_cores: dict[Name, float] = {}  # how many each can use at once; one where it is not said
    preflight: tuple[Preflight, ...] = ()
    plan: tuple[SliceSpec, ...] = ()
    estimate_s: float = 0.0
    rates_rps: dict[str, dict[str, float]] = {}  # workload -> phase name -> arrivals per second, from the pilot
    looks: dict[str, Looked] = {}  # by workload, where sessions were added, and of all when the run is finished
    finished_epoch_s: float | None = None  # None: it was interrupted, or is being measured
