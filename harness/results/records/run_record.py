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
    """`run.json`: everything that is known before and around the trials."""

    schema_version: int
    id: str
    created_epoch_s: float
    command: str
    profile: Profile
    strategies: tuple[Strategy, ...]  # the files
    variants: tuple[Variant, ...]  # what was made of them
    workloads: tuple[Workload, ...]
    preflight: tuple[Preflight, ...]
    plan: tuple[TrialSpec, ...]
    environment: Environment
    estimate_s: float
    rates_rps: dict[str, dict[str, float]] = {}  # workload -> phase name -> arrivals per second, from the pilot
    finished_epoch_s: float | None = None
    interrupted: bool = False
