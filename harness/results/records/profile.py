"""A profile: how long and how hard a run measures."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from harness.results.records.values import Name, NonNegativeFloat, PositiveFloat, PositiveInt


class RatePhase(Struct, frozen=True, forbid_unknown_fields=True):
    """Open loop at `percent` of the best capacity that the pilot found for the workload.

    It lasts `duration_s`, or longer until the profile's `min_arrivals` are due on average, at most `LONGEST` times it.
    """

    LONGEST: ClassVar[float] = 3.0

    percent: Annotated[float, Meta(gt=0, le=200)]
    duration_s: PositiveFloat


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """How long and how hard; one TOML file in `harness/profiles/` (or any path)."""

    title: str
    blocks: PositiveInt
    users: PositiveInt
    warmup_s: PositiveFloat  # at most
    capacity_s: PositiveFloat
    rates: tuple[RatePhase, ...]
    pilot_warmup_s: PositiveFloat
    pilot_capacity_s: PositiveFloat
    max_in_flight: PositiveInt
    drain_s: PositiveFloat
    request_timeout_s: PositiveFloat
    health_rate_rps: PositiveFloat
    ready_s: PositiveFloat
    shutdown_s: PositiveFloat
    quiet_s: NonNegativeFloat
    warmup_min_s: PositiveFloat | None = None  # from here on it ends when answers have settled; None: it lasts warmup_s
    arrivals: Literal["poisson", "constant"] = "poisson"
    users_by_workload: dict[Name, PositiveInt] = {}
    generators: PositiveInt = 1  # Locust processes; each takes an equal part of every load
    upstream_sigma: Annotated[float, Meta(ge=0, le=3)] = 0.0
    pilot_idle_s: NonNegativeFloat = 0.8  # without load: the idle CPU use of a variant; 0: not measured
    min_arrivals: Annotated[int, Meta(ge=0)] = 0  # of a rate phase, on average
    # Of the run's estimated time, for measuring invalid trials again.
    retry_share: Annotated[float, Meta(ge=0, le=1)] = 0.05
    workloads: tuple[Name, ...] = ()  # empty: all workloads
    seed: int = 1
    name: str = ""
