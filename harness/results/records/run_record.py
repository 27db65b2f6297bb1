"""`run.json`: what is known before and around the trials."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from harness.results.records.machine_record import Environment
from harness.results.records.profile import Profile
from harness.results.records.strategy import Strategy
from harness.results.records.trial_record import TrialSpec
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


class RunRecord(Struct, frozen=True, kw_only=True):
    """`run.json`: everything that is known before and around the trials.

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
    preflight: tuple[Preflight, ...] = ()
    plan: tuple[TrialSpec, ...] = ()
    estimate_s: float = 0.0
    rates_rps: dict[str, dict[str, float]] = {}  # workload -> phase name -> arrivals per second, from the pilot
    finished_epoch_s: float | None = None  # None: it was interrupted, or is being measured
