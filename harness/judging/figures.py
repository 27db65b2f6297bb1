"""The figures of one slice: percentiles, phases, ceilings."""

from __future__ import annotations

from msgspec import Struct

from harness.results.records.finding import Finding
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.records.slice_record import SliceRecord


class Percentile(Struct, frozen=True):
    """A latency percentile in ms of merged histograms. `at_least`: it lies among requests that were given up, so the
    truth is this or more. None instead of a Percentile where `samples` would be too few (p99: 100, p99.9: 1000).

    `slice_low`..`slice_high`: the least and largest of the single slices that have enough samples of their own.
    """

    value_ms: float
    at_least: bool
    samples: int
    slice_low_ms: float | None = None
    slice_high_ms: float | None = None


class PhaseFigures(Struct, frozen=True, kw_only=True):
    """One phase of one slice. Rates per second, times in ms, CPU in seconds, memory in bytes."""

    name: str
    kind: PhaseKind
    status: PhaseStatus
    reason: str
    duration_s: float
    offered_rps: float | None  # None in a closed loop
    goodput_rps: float
    scheduled: int
    outcomes: dict[Outcome, int]
    censored: int
    service_p50: Percentile | None = None
    service_p90: Percentile | None = None
    service_p99: Percentile | None = None
    response_p50: Percentile | None = None
    response_p90: Percentile | None = None
    response_p99: Percentile | None = None
    response_p999: Percentile | None = None
    send_lag_p99: Percentile | None = None
    own_lag_p99_ms: float | None = None  # the generator's own part of the send lag
    generator_own_cores: float | None = None  # that the busiest generator used, by its own account
    generator_wait_share: float | None = None  # of the time: it was ready and had no CPU
    queued: int | None = None  # requests that found no free user; None: not counted
    health_p50: Percentile | None = None
    health_p99: Percentile | None = None
    target_cpu_s: float | None = None  # between the phase's start and end, as the other two
    generator_cpu_s: float | None = None
    services_cpu_s: float | None = None
    # Per 1,000 right answers; for an open loop, counted until its drain ends. The idle cost of the same time is taken
    # off where it is known. None where the target is so busy while idle that its requests' part cannot be told, and
    # where the idle cost is known of other variants only.
    target_cpu_s_per_1000: float | None = None
    target_idle_cores: float | None = None  # the idle cost: CPU-seconds per second while nobody asks but /health
    target_cores: float | None = None  # CPU-seconds per second
    generator_cores: float | None = None
    services_cores: float | None = None
    cores_by_service: dict[str, float] = {}
    target_rss_max_bytes: int | None = None
    target_pss_max_bytes: int | None = None
    target_threads_max: int | None = None
    target_processes_max: int | None = None
    ctx_voluntary: int | None = None
    ctx_involuntary: int | None = None
    loop_lag_p50_ms: float | None = None
    loop_lag_p99_ms: float | None = None
    loop_lag_max_ms: float | None = None
    limiter_borrowed_max: int | None = None
    limiter_waiting_max: int | None = None
    pool_wait_p50_ms: float | None = None  # for a connection; None: too few, or the target has no pool
    pool_wait_p99_ms: float | None = None
    pool_waiting_max: int | None = None  # requests that waited for one at once
    requests_by_pid: dict[int, int] = {}
    in_time_rps: float | None = None  # arrivals answered right within the deadline; None: no deadline, or a closed loop
    recorded: int = 0  # requests whose response time is in the latency log; fewer than `scheduled`: it was cut off
    probe_lines: int = 0  # of all workers, within the phase


class SliceFigures(Struct, frozen=True, kw_only=True):
    """One slice. `valid`: complete, and no finding of level "invalid"."""

    record: SliceRecord
    folder: str  # relative to the run's
    phases: dict[str, PhaseFigures]
    findings: tuple[Finding, ...]
    valid: bool

    @property
    def key(self) -> tuple[str, int]:
        """A slice that was cut off together with its round is measured again, on another boot."""
        return self.record.spec.id, self.record.boot


class Ceiling(Struct, frozen=True):
    """What physics allows: `rps`, and the sum that gives it, e.g. "40 in flight / 0.1 s"."""

    rps: float
    because: str
