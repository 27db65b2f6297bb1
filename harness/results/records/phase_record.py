"""The vocabulary: what a plan, a trial and a record are, with their units in the names.

Everything here is frozen and JSON-serialisable with `msgspec`; decoding validates. The module imports nothing of the
project, so that the load generator may share it. Times named `*_s` without "epoch" are seconds since the trial's
`origin_monotonic_s`, a reading of CLOCK_MONOTONIC, which all processes of one machine share.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct

SCHEMA_VERSION = 1

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*\Z", max_length=64)]
PositiveFloat = Annotated[float, Meta(gt=0, le=86_400)]  # seconds, rates: finite, and nobody means more
NonNegativeFloat = Annotated[float, Meta(ge=0, le=86_400)]
PositiveInt = Annotated[int, Meta(ge=1)]


class HarnessError(Exception):
    """Something a person can mend; `str()` is one line that names the key, its value and the way out."""


class UsageError(HarnessError):
    """A wrong command line, profile, strategy or workload file: exit code 2."""


# --------------------------------------------------------------------------------------- what can be measured


class ServerOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """A strategy's `SERVER` literal: how uvicorn runs it. `"cores"` means the target's share of the machine."""

    workers: PositiveInt | Literal["cores"] = 1
    loop: Literal["uvloop", "asyncio"] = "uvloop"


class Strategy(Struct, frozen=True):
    """One file of `targets/`, as its literals tell it; nothing was imported to read it.

    `in_flight` is how many upstream calls one worker can have waiting at once (None: as many as there are
    requests); with it the ceiling of a waiting workload is known. `in_flight_param` is the parameter it is the value
    of, if it is one's. `routes` is what the decorators name. `digest` is of the file and of what it shares with others.
    """

    name: Name
    title: str
    description: str
    path: str
    server: ServerOptions = ServerOptions()
    params: dict[str, int | float | str] = {}
    in_flight: int | None = None
    in_flight_param: str | None = None
    requires: str | None = None
    routes: tuple[str, ...] = ()
    digest: str = ""


class Request(Struct, frozen=True, array_like=True):
    """One request of a workload and its only right answer (JSON)."""

    path: str
    answer: Any


class Workload(Struct, frozen=True):
    """One file of `scenarios/`. `wait_ms` is injected into each of `calls` upstream calls; 0: no I/O. `digest`: as a
    strategy's."""

    name: Name
    title: str
    description: str
    path: str
    requests: tuple[Request, ...]
    wait_ms: float = 0.0
    calls: int = 0
    digest: str = ""

    @property
    def waits_s(self) -> float:
        """What a request waits where its calls are made one after the other."""
        return self.calls * self.wait_ms / 1000


# ------------------------------------------------------------------------------------------------- the profile


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
    workloads: Annotated[tuple[Name, ...], Meta(min_length=1)]
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
    warmup_min_s: PositiveFloat | None = None  # it ends from here on, when it has settled; None: it lasts warmup_s
    arrivals: Literal["poisson", "constant"] = "poisson"
    users_by_workload: dict[Name, PositiveInt] = {}
    generators: PositiveInt = 1  # Locust processes; each takes an equal part of every load
    upstream_sigma: Annotated[float, Meta(ge=0, le=3)] = 0.0
    min_arrivals: Annotated[int, Meta(ge=0)] = 0  # of a rate phase, on average
    # Of the run's estimated time, for measuring invalid trials again.
    retry_share: Annotated[float, Meta(ge=0, le=1)] = 0.05
    seed: int = 1
    name: str = ""


# ---------------------------------------------------------------------------------------------------- the plan


class PhaseKind(StrEnum):
    WARMUP = "warmup"
    CAPACITY = "capacity"
    RATE = "rate"


class PhaseSpec(Struct, frozen=True):
    """A stretch of load. Closed loop (`warmup`, `capacity`): `users` ask as fast as answers come.
    Open loop (`rate`): `rate_rps` arrivals from a seeded schedule, at most `max_in_flight` at once.

    With `min_s` a closed loop ends as soon as its answers have settled, between `min_s` and `duration_s`."""

    name: str
    kind: PhaseKind
    duration_s: PositiveFloat
    users: PositiveInt
    rate_rps: float | None = None
    arrivals: Literal["poisson", "constant"] = "poisson"
    seed: int = 0
    min_s: PositiveFloat | None = None


class TrialSpec(Struct, frozen=True):
    """One fresh server, one strategy, one workload. `block` 0 is the pilot pass."""

    block: int
    position: int
    workload: Name
    strategy: Name
    seed: int

    @property
    def id(self) -> str:
        return f"{self.block:02d}-{self.workload}-{self.strategy}"

    @property
    def is_pilot(self) -> bool:
        return self.block == 0


# ------------------------------------------------------------------------------------------------- the records


class Outcome(StrEnum):
    """How a scheduled request ended: exactly one of these."""

    OK = "ok"
    WRONG_ANSWER = "wrong_answer"
    HTTP_ERROR = "http_error"
    TIMEOUT = "timeout"
    CONNECTION_ERROR = "connection_error"
    NOT_SENT = "not_sent"


class Metric(StrEnum):
    """What a histogram of the `.hlog` holds, in microseconds. Its tag is `<phase>.<outcome>.<metric>`."""

    SERVICE = "service"  # send -> done
    RESPONSE = "response"  # intended start -> done
    SEND_LAG = "send_lag"  # intended start -> send
    HEALTH = "health"  # the /health prober: intended start -> done


class PhaseStatus(StrEnum):
    COMPLETE = "complete"
    CHOKED = "choked"  # requests were still open when the drain ended; the server was replaced
    SKIPPED = "skipped"  # not run: the same strategy choked at a lower rate of this trial
    FAILED = "failed"  # the server or the generator died


class PhaseRecord(Struct, frozen=True, kw_only=True):
    """What the generator counted. `scheduled` == sum of `outcomes`, always (asserted when it is built).

    `ok_in_window` counts right answers that *arrived* between `start_s` and `end_s`; over the window's length it is
    the goodput. An open loop begins empty, so its window for answers ends `min_service_ms` later than its window for
    arrivals: otherwise a server that keeps up would seem to lose the requests of the last moments.

    `outcomes` counts requests that were *scheduled* in the window. `censored` of the timeouts were still open at the
    end of the drain: their time is a lower bound.
    """

    spec: PhaseSpec
    status: PhaseStatus
    start_s: float = 0.0
    end_s: float = 0.0
    drained_s: float = 0.0  # when the last request ended, or was given up
    scheduled: int = 0
    outcomes: dict[Outcome, int] = {}
    censored: int = 0
    ok_in_window: int = 0
    ok_per_second: tuple[int, ...] = ()  # right answers by second of arrival, the window's share
    ok_per_tenth: tuple[int, ...] = ()  # the same by tenth of a second
    # Of an open loop by tenth of the intended start: right answers and timeouts, and their times added up.
    arrivals_per_tenth: tuple[int, ...] = ()
    response_s_per_tenth: tuple[float, ...] = ()
    health_scheduled: int = 0
    health_outcomes: dict[Outcome, int] = {}
    health_censored: int = 0
    min_service_ms: float | None = None  # the fastest right answer, unrounded
    # Arrivals of an open loop that found no free user: at `max_in_flight`, they wait for the server. None: not counted.
    queued: int | None = None
    own_lag_p99_ms: float | None = None  # the generator's own part of the send lag, see `SentTimes`
    # CPU time of the generator itself in the window, and how long it was ready and had none; of several, each the most.
    own_cpu_s: float | None = None
    own_cpu_wait_s: float | None = None
    raised: int = 0  # of the requests not sent: the scenario failed before it asked
    settled: bool | None = None  # whether the answers have settled (of several generators: each); None: not asked
    reason: str = ""
    server: int = 0  # index into TrialRecord.servers

    def __post_init__(self) -> None:
        if sum(self.outcomes.values()) != self.scheduled:
            raise ValueError(f"phase {self.spec.name}: outcomes {self.outcomes} do not add up to {self.scheduled}")


class ServerRecord(Struct, frozen=True, kw_only=True):
    """One server of a trial; there is a second one only when the first had choked."""

    port: int
    boot_s: float  # launch -> /health ready
    ready_at_s: float
    pids: tuple[int, ...] = ()
    ended: str = ""  # "stopped", "killed: ...", "exited with 1"


class Finding(Struct, frozen=True):
    """Why a trial may not be believed (`invalid`) or what a reader should know (`info`)."""

    code: str
    level: Literal["invalid", "info"]
    message: str  # what happened, with the figure and the threshold
    advice: str  # what to do


class Noise(Struct, frozen=True):
    """The machine while the trial ran."""

    steal_percent: float | None
    load_1m: float | None
    canary_ms: float  # a fixed pure-Python loop, just before the trial
    quiet_wait_s: float = 0.0
    throttled_s: float | None = None  # cgroup cpu.stat
    cpu_pressure_percent: float | None = None  # time in which some task, ours too, had to wait for a CPU (PSI)


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


class Sample(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of `samples.jsonl`: one process tree at one moment.

    `cpu_s` is cumulative over the tree's life, exited children included: a difference of two is exact.
    """

    t_s: float
    tree: Literal["target", "generator", "services"]
    cpu_s: float
    rss_bytes: int
    processes: int
    mark: str = ""  # "<phase>:start" / "<phase>:end" at a phase's edge, "<phase>:drained" after an open loop's drain
    pss_bytes: int | None = None
    threads: int | None = None
    ctx_voluntary: int | None = None
    ctx_involuntary: int | None = None
    server: int = 0  # which server of the trial, for tree "target"


class Arrivals(Struct, frozen=True):
    """One line of `arrivals.jsonl`: when the requests of an open loop should have left and did, of one generator.

    Microseconds since the phase's start, ascending by intention; the first 65,536 that were sent. `scheduled` counts
    all that fell due, those never sent too.
    """

    phase: PhaseSpec
    scheduled: int
    intended_us: tuple[int, ...]
    sent_us: tuple[int, ...]


class ProbeLine(Struct, frozen=True, omit_defaults=True):
    """One line of `probe/<pid>.jsonl`, about ten times a second, from inside one worker of the target.

    `lags_us`: how late each tick of the event loop came since the line before, with those that a late one kept from
    coming (`harness.lag`). The limiter is AnyIO's default one (40 tokens): the highest since the line before.
    """

    t_s: float  # CLOCK_MONOTONIC, absolute (the worker does not know the trial's origin)
    requests: int  # since the worker started, /health not counted
    in_flight: int
    lags_us: tuple[int, ...] = ()
    overdue_us: int = 0  # how long the tick that should have come has been waiting: the loop is blocked right now
    limiter_borrowed: int = 0
    limiter_waiting: int = 0


class Partition(Struct, frozen=True):
    """Who may use which CPUs. Empty `generator`: all share."""

    available: tuple[int, ...]
    target: tuple[int, ...]
    generator: tuple[int, ...]
    quota_cores: float | None  # the cgroup's, when there is one
    pinned: bool

    @property
    def target_cores(self) -> int:
        cores = len(self.target)
        return max(1, min(cores, int(self.quota_cores) - len(self.generator))) if self.quota_cores else cores


class Environment(Struct, frozen=True, kw_only=True):
    """The machine and the versions a run was made with."""

    system: str
    kernel: str
    machine: str
    cpu_model: str
    logical_cpus: int
    memory_bytes: int
    python: str
    packages: dict[str, str]
    partition: Partition
    hypervisor: str = ""
    cpu_governor: str = ""
    git_commit: str = ""
    git_dirty: bool = False
    notes: tuple[str, ...] = ()  # what this platform cannot tell (no PSS, no pinning, ...)


class Preflight(Struct, frozen=True):
    """One strategy on one workload, checked before anything is measured."""

    strategy: Name
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
    strategies: tuple[Strategy, ...]
    workloads: tuple[Workload, ...]
    preflight: tuple[Preflight, ...]
    plan: tuple[TrialSpec, ...]
    environment: Environment
    estimate_s: float
    rates_rps: dict[str, dict[str, float]] = {}  # workload -> phase name -> arrivals per second, from the pilot
    finished_epoch_s: float | None = None
    interrupted: bool = False


def printable(text: str) -> str:
    """Text from elsewhere in one line without control characters: nothing in it can steer a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))


def to_json(value: Struct) -> bytes:
    """Stable, indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"
