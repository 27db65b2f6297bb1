"""What the analysis says: the figures of a trial, of a cell (strategy x workload), and the comparisons between cells.

The unit of evidence is the trial: an `Estimate` is over trials, and its interval comes from how they differ.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from harness.model import Finding, Outcome, PhaseKind, PhaseStatus, RunRecord, TrialRecord


class Estimate(Struct, frozen=True):
    """A figure over `trials` trials. `low`..`high` is its 95 % confidence interval; None with fewer than 2 trials."""

    value: float
    low: float | None
    high: float | None
    trials: int


class Percentile(Struct, frozen=True):
    """A latency percentile in ms of merged histograms. `at_least`: it lies among requests that were given up, so the
    truth is this or more. None instead of a Percentile where `samples` would be too few (p99: 100, p99.9: 1000).

    `trial_low`..`trial_high`: the least and largest of the single trials that have enough samples of their own.
    """

    value_ms: float
    at_least: bool
    samples: int
    trial_low_ms: float | None = None
    trial_high_ms: float | None = None


class PhaseFigures(Struct, frozen=True, kw_only=True):
    """One phase of one trial. Rates per second, times in ms, CPU in seconds, memory in bytes."""

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
    target_cpu_s_per_1000: float | None = None  # per 1,000 right answers; an open loop's until drained
    target_cores: float | None = None  # CPU-seconds per second
    generator_cores: float | None = None
    services_cores: float | None = None
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
    requests_by_pid: dict[int, int] = {}
    recorded: int = 0  # requests whose response time is in the latency log; fewer than `scheduled`: it was cut off
    probe_lines: int = 0  # of all workers, within the phase


class TrialFigures(Struct, frozen=True, kw_only=True):
    """One attempt at one trial. `valid`: complete, and no finding of level "invalid"."""

    record: TrialRecord
    folder: str  # relative to the run's
    phases: dict[str, PhaseFigures]
    findings: tuple[Finding, ...]
    valid: bool


class CellPhase(Struct, frozen=True, kw_only=True):
    """One phase of one cell, over its valid trials; percentiles of the trials' histograms added up."""

    name: str
    kind: PhaseKind
    offered_rps: float | None
    statuses: dict[PhaseStatus, int]  # how many trials ended so
    goodput_rps: Estimate | None
    response_p50: Percentile | None
    response_p90: Percentile | None
    response_p99: Percentile | None
    health_p50: Percentile | None
    health_p99: Percentile | None
    outcomes: dict[Outcome, int]
    loop_lag_p99_ms: float | None  # over all ticks of all valid trials
    target_cpu_s_per_1000: Estimate | None
    target_cores: Estimate | None
    target_pss_max_bytes: int | None
    target_rss_max_bytes: int | None
    target_threads_max: int | None
    limiter_waiting_max: int | None


class Ceiling(Struct, frozen=True):
    """What physics allows: `rps`, and the sum that gives it, e.g. "40 in flight / 0.1 s"."""

    rps: float
    because: str


class Cell(Struct, frozen=True, kw_only=True):
    """One strategy on one workload. `capacity` is the goodput of the closed loop over the valid trials."""

    strategy: str
    workload: str
    status: Literal["measured", "not_applicable", "failed", "missing"]
    error: str = ""
    trials: int = 0  # attempts that were completed, the pilot's left out
    valid_trials: int = 0
    capacity: Estimate | None = None
    ceiling: Ceiling | None = None
    phases: dict[str, CellPhase] = {}


class Comparison(Struct, frozen=True, kw_only=True):
    """`strategy` against `baseline` on one workload, paired within blocks.

    `ratio` > 1 means more of `metric`. `faster` means better: more capacity, or less CPU time a request. `p_value` is
    Holm-corrected over the workload's comparisons of that metric. `more_blocks`: about how many more would decide an
    `inconclusive` one (at most stats.MOST_MORE_BLOCKS, "that many or more"; None: one block says nothing of it).
    """

    workload: str
    strategy: str
    baseline: str
    metric: Literal["capacity_rps", "target_cpu_s_per_1000"]
    ratio: Estimate
    p_value: float | None
    verdict: Literal["faster", "slower", "same", "inconclusive"]
    more_blocks: int | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """The row of the decision table: the strategy of highest capacity, what else cannot be told from it, and its
    gain over `sync_def`."""

    workload: str
    best: str
    tied: tuple[str, ...]  # not distinguishable from the best
    capacity: Estimate
    gain: Comparison | None  # None when sync_def is the best or was not measured
    why: str


class Analysis(Struct, frozen=True, kw_only=True):
    """Everything the report shows."""

    run: RunRecord
    trials: tuple[TrialFigures, ...]
    cells: tuple[Cell, ...]
    comparisons: tuple[Comparison, ...]
    decisions: tuple[Decision, ...]
    broken: tuple[str, ...] = ()  # records that could not be read, one line each
