"""A profile: how long and how hard a run measures."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from harness.results.records.values import Name, NonNegativeFloat, PositiveFloat, PositiveInt


class RatePhase(Struct, frozen=True, forbid_unknown_fields=True):
    """Open loop at `percent` of the best capacity that the pilot found for the workload, or at `rps`, as somebody said.

    It lasts `duration_s`, or longer until the profile's `min_arrivals` are due on average, at most `LONGEST` times it.
    """

    LONGEST: ClassVar[float] = 3.0

    percent: Annotated[float, Meta(gt=0, le=200)] | None
    duration_s: PositiveFloat
    rps: PositiveFloat | None = None

    @property
    def name(self) -> str:
        """Of its phase."""
        return f"rate-{self.percent:g}" if self.rps is None else f"rate-{self.rps:g}rps"


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """How long and how hard; one TOML file in `harness/profiles/` (or any path)."""

    title: str
    rounds: PositiveInt  # of capacity slices, in each session
    users: PositiveInt
    warmup_s: PositiveFloat  # at most, of a server's first slice; of any slice, where a request does not wait longer
    capacity_s: PositiveFloat  # at least
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
    sessions: PositiveInt = 2  # of each workload: in each, every variant is booted anew
    # Sessions of the closed loop alone, beside those, where boots differ and cost little.
    more_sessions: dict[Name, PositiveInt] = {}
    capacity_most_s: PositiveFloat | None = None  # a slice fits its work up to this length; None: it lasts capacity_s
    # Where a round is short, a session has as many rounds as fit into this, up to those that are worth a boot.
    capacity_session_s: NonNegativeFloat = 0.0
    # Further sessions are measured for comparisons that are still open, until the run has taken so long. 0: none.
    budget_s: NonNegativeFloat = 0.0
    # A comparison is settled when its interval reaches no further than this to either side, even while it is open.
    precision_percent: Annotated[float, Meta(gt=0, le=100)] = 5.0
    memory_share: Annotated[float, Meta(gt=0, le=0.9)] = 0.45  # of what is free, for the servers that live side by side
    # A round in which other programs used more is left out. Daemons use some 0.02 cores; in a slice of 0.3 s, 0.2 cores
    # are six ticks of the kernel clock, which is what it counts in.
    others_most_cores: PositiveFloat = 0.2
    workloads: tuple[Name, ...] = ()  # empty: all workloads
    # Strategies and workloads that are measured only when somebody names them (`-s`, `-w`, or `workloads` here).
    leave_out: tuple[Name, ...] = ()
    # A right answer that came later than this after its intended start was not in time. None: that is not counted.
    deadline_ms: PositiveFloat | None = None
    # For so long much is asked of somebody's app at once, to find what blocks only then (`bench app`). 0: it is not.
    loaded_check_s: NonNegativeFloat = 5.0
    seed: int = 1
    name: str = ""
