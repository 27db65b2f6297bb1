"""What the analysis says: the figures of a slice, of a cell (variant x workload), and the comparisons between cells.

The unit of evidence is the slice: an `Estimate` is over slices, and its interval comes from how they differ.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from harness.analysis.overload_record import OverloadEffect
from harness.analysis.sweep_record import Sweep
from harness.judging.estimate import Estimate
from harness.judging.figures import Ceiling, Percentile, SliceFigures
from harness.results.records.boot_record import BootRecord
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.records.run_record import RunRecord


class CellPhase(Struct, frozen=True, kw_only=True):
    """One phase of one cell, over its valid slices; percentiles of the slices' histograms added up.

    The slices that ran a phase do not speak for those in which it was skipped. So a phase that was skipped in any slice
    has no goodput and no cost, and its percentiles are lower bounds: a skipped phase counts as at least as slow as the
    one in which the variant choked before. The largest values are of the slices that ran it.
    """

    name: str
    kind: PhaseKind
    offered_rps: float | None
    statuses: dict[PhaseStatus, int]  # how many slices ended so
    overloaded: int = 0  # slices in which more was asked than answered, the skipped ones among them
    goodput_rps: Estimate | None
    response_p50: Percentile | None
    response_p90: Percentile | None
    response_p99: Percentile | None
    health_p50: Percentile | None
    health_p99: Percentile | None
    outcomes: dict[Outcome, int]
    loop_lag_p99_ms: float | None  # over all ticks of all valid slices
    loop_blocked_share: float | None = None  # of those ticks, how many came late by more than cells.BLOCKED_MS
    target_cpu_s_per_1000: Estimate | None
    target_cores: Estimate | None
    target_pss_max_bytes: int | None
    target_rss_max_bytes: int | None
    target_threads_max: int | None
    limiter_waiting_max: int | None
    pool_wait_p50_ms: float | None = None  # for a connection, over all that were taken in the slices that count
    pool_wait_p99_ms: float | None = None
    pool_waiting_max: int | None = None
    in_time_rps: Estimate | None = None  # arrivals answered right within the deadline of the profile; None: it has none
    in_time_share: float | None = None  # of all arrivals


class Cell(Struct, frozen=True, kw_only=True):
    """One variant on one workload. `capacity` is the goodput of the closed loop over the valid slices.

    `without_answer` slices got no right answer in the closed loop. One such slice is enough for the cell to have no
    capacity and no phases: the others do not speak for it.
    """

    variant: str
    workload: str
    status: Literal["measured", "not_applicable", "failed", "missing"]
    error: str = ""
    slices: int = 0  # that were measured, the pilot's left out
    valid_slices: int = 0
    without_answer: int = 0
    capacity: Estimate | None = None
    idle_cores: float | None = None  # used while nobody asks, as the pilot found; None: not measured
    ceiling: Ceiling | None = None
    phases: dict[str, CellPhase] = {}


class Comparison(Struct, frozen=True, kw_only=True):
    """`variant` against `baseline` on one workload, paired within rounds.

    `metric`: `capacity_rps`, `target_cpu_s_per_1000`, or of one rate a latency, such as `p99_ms@rate-30`, or the
    answers within the profile's deadline, `in_time_rps@rate-30`. `ratio` > 1 means more of it. Its interval is
    simultaneous: with 95 % confidence all those of a workload and metric hold at once. `verdict` is read off it;
    `faster` means better: more capacity, more answers in time, less CPU time a request, a shorter time.
    `more_rounds`: about how many more would decide an `open` one (at most stats.MOST_MORE_ROUNDS, "that many or more";
    None: that is not known), and `more_s`: how long they would take.
    """

    workload: str
    variant: str
    baseline: str
    metric: str
    ratio: Estimate
    verdict: Literal["faster", "slower", "same", "open"]
    more_rounds: int | None = None
    more_s: float | None = None
    why: str = ""  # of the capacity the variant's cause on this workload, of answers in time what stands in for a zero


class Decision(Struct, frozen=True, kw_only=True):
    """The row of the decision table: the variant of highest capacity, what else may be the best within 5 %, and its
    gain over the run's baseline."""

    workload: str
    best: str
    tied: tuple[str, ...]  # may be the best too, within 5 %
    capacity: Estimate
    gain: Comparison | None  # None when the baseline is the best, or for this reason:
    no_gain_because: str = ""
    avoid: tuple[Comparison, ...] = ()  # those that are slower than the baseline, the slowest first
    why: str


class Undecided(Struct, frozen=True, kw_only=True):
    """A workload without a decision, and why: `nobody_answered`, or there is no valid slice."""

    workload: str
    reason: str
    nobody_answered: bool = False


class ClaimEvidence(Struct, frozen=True, kw_only=True):
    """One part of what speaks for or against a claim. `effect` is a ratio; None: it was counted, and `counted` says
    what came of it. `slices` of the `rounds` are behind it, of `run` where that was added to the report."""

    what: str  # e.g. "capacity on cpu, async_process_pool over async_thread_pool"
    shows: Literal["for", "against", "neither"]
    effect: Estimate | None
    counted: str = ""
    workload: str
    rounds: tuple[int, ...]
    slices: tuple[str, ...]
    run: str = ""  # the name of its folder; empty: the run whose report it is


class Claim(Struct, frozen=True, kw_only=True):
    """A sentence about concurrency in FastAPI that can be true or false, and what this run says of it.

    `effect` is the ratio that the verdict follows from, that of the first of its evidence; None: it follows from what
    was counted, or nothing was tested. With 95 % confidence the intervals of all claims of a run hold at once.
    `because`: what it depends on, why it is open or not tested; else empty. `command` tests it, or tests it further.
    """

    id: str
    claim: str
    verdict: Literal["confirmed", "refuted", "depends", "open", "not tested"]
    effect: Estimate | None
    because: str
    evidence: tuple[ClaimEvidence, ...]
    command: str


class Analysis(Struct, frozen=True, kw_only=True):
    """Everything the report shows."""

    run: RunRecord
    boots: tuple[BootRecord, ...]
    slices: tuple[SliceFigures, ...]
    cells: tuple[Cell, ...]
    comparisons: tuple[Comparison, ...]
    decisions: tuple[Decision, ...]
    undecided: tuple[Undecided, ...] = ()
    claims: tuple[Claim, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    overload_effects: tuple[OverloadEffect, ...] = ()
    broken: tuple[str, ...] = ()  # records that could not be read, one line each
