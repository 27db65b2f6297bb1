"""What the analysis says: the figures of a trial, of a cell (variant x workload), and the comparisons between cells.

The unit of evidence is the trial: an `Estimate` is over trials, and its interval comes from how they differ.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from harness.judging.figures import Ceiling, Percentile, TrialFigures
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.records.run_record import RunRecord


class Estimate(Struct, frozen=True):
    """A figure over `trials` trials. `low`..`high` is its 95 % confidence interval; None with fewer than 2 trials."""

    value: float
    low: float | None
    high: float | None
    trials: int


class CellPhase(Struct, frozen=True, kw_only=True):
    """One phase of one cell, over its valid trials; percentiles of the trials' histograms added up.

    The trials that got through a phase do not speak for those in which it was skipped. So a phase that was skipped in
    any trial has no goodput and no cost, and its percentiles are lower bounds: a skipped phase counts as at least as
    slow as the one in which that trial choked. The largest values are of the trials that ran it.
    """

    name: str
    kind: PhaseKind
    offered_rps: float | None
    statuses: dict[PhaseStatus, int]  # how many trials ended so
    overloaded: int = 0  # trials in which more was asked than answered, the skipped ones among them
    goodput_rps: Estimate | None
    response_p50: Percentile | None
    response_p90: Percentile | None
    response_p99: Percentile | None
    health_p50: Percentile | None
    health_p99: Percentile | None
    outcomes: dict[Outcome, int]
    loop_lag_p99_ms: float | None  # over all ticks of all valid trials
    loop_blocked_share: float | None = None  # of those ticks, how many came late by more than cells.BLOCKED_MS
    target_cpu_s_per_1000: Estimate | None
    target_cores: Estimate | None
    target_pss_max_bytes: int | None
    target_rss_max_bytes: int | None
    target_threads_max: int | None
    limiter_waiting_max: int | None


class Cell(Struct, frozen=True, kw_only=True):
    """One variant on one workload. `capacity` is the goodput of the closed loop over the valid trials.

    `without_answer` trials got no right answer in the closed loop. One such trial is enough for the cell to have no
    capacity and no phases: the others do not speak for it.
    """

    variant: str
    workload: str
    status: Literal["measured", "not_applicable", "failed", "missing"]
    error: str = ""
    trials: int = 0  # attempts that were completed, the pilot's left out
    valid_trials: int = 0
    without_answer: int = 0
    capacity: Estimate | None = None
    idle_cores: float | None = None  # used while nobody asks, as the pilot found; None: not measured
    ceiling: Ceiling | None = None
    phases: dict[str, CellPhase] = {}


class Comparison(Struct, frozen=True, kw_only=True):
    """`variant` against `baseline` on one workload, paired within blocks.

    `ratio` > 1 means more of `metric`. Its interval is simultaneous: with 95 % confidence all those of a workload and
    metric hold at once. `verdict` is read off it; `faster` means better: more capacity, or less CPU time a request.
    `more_blocks`: about how many more would decide an `open` one (at most stats.MOST_MORE_BLOCKS, "that many or more";
    None: one block says nothing of it).
    """

    workload: str
    variant: str
    baseline: str
    metric: Literal["capacity_rps", "target_cpu_s_per_1000"]
    ratio: Estimate
    verdict: Literal["faster", "slower", "same", "open"]
    more_blocks: int | None = None
    why: str = ""  # the variant's cause on this workload, of the capacity only


class Decision(Struct, frozen=True, kw_only=True):
    """The row of the decision table: the variant of highest capacity, what else may be the best within 5 %, and its
    gain over the run's baseline."""

    workload: str
    best: str
    tied: tuple[str, ...]  # may be the best too, within 5 %
    capacity: Estimate
    gain: Comparison | None  # None when the baseline is the best, or for this reason:
    no_gain_because: str = ""
    why: str


class Undecided(Struct, frozen=True, kw_only=True):
    """A workload without a decision, and why: `nobody_answered`, or there is no valid trial."""

    workload: str
    reason: str
    nobody_answered: bool = False


class Analysis(Struct, frozen=True, kw_only=True):
    """Everything the report shows."""

    run: RunRecord
    trials: tuple[TrialFigures, ...]
    cells: tuple[Cell, ...]
    comparisons: tuple[Comparison, ...]
    decisions: tuple[Decision, ...]
    undecided: tuple[Undecided, ...] = ()
    broken: tuple[str, ...] = ()  # records that could not be read, one line each
