"""A run as pandas frames: the reader for notebooks and scripts.

    from harness.results.frames import read_latencies, read_samples, read_summary

    summary = read_summary("results/example")      # a row: a metric of a phase of a trial
    samples = read_samples("results/example")      # a row: what a process tree had used at a moment
    latencies = read_latencies("results/example")  # a row: how often a time was measured

Names are categories, yes or no is bool, numbers are int or float; a missing number is NaN. In all three frames `trial`
and `attempt` together name one attempt, and `workload` with `variant` name its cell. `block` is its block; 0 is the
pilot, which sets the rates and measures the idle CPU use. Only the summary knows which attempts are valid, because
that is judged and not measured:

    valid = summary.loc[summary.valid, ["trial", "attempt"]].drop_duplicates()
    samples.merge(valid)

Errors are `harness.results.store.StoreError`: one line that names the file and says what to do.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import pandas as pd

from harness.results.histograms import Histograms, read_histograms
from harness.results.raw_trial import complete_records
from harness.results.records.phase_record import PhaseRecord
from harness.results.records.sample import Sample
from harness.results.records.trial_record import TrialRecord
from harness.results.store import Attempt, Run, StoreError

_T = TypeVar("_T")

_TRIAL_TYPES = {
    "trial": "category",
    "attempt": "int64",
    "block": "int64",
    "workload": "category",
    "variant": "category",
}
_SUMMARY_TYPES = {
    "run": "category",
    **_TRIAL_TYPES,
    "strategy": "category",
    "valid": "bool",
    "phase": "category",
    "phase_kind": "category",
    "phase_status": "category",
    "offered_rps": "float64",
    "metric": "category",
    "value": "float64",
    "unit": "category",
    "at_least": "boolean",  # empty for metrics that have no such bound; bool in the frame
}
# Listed, because a strategy may be called `nan` or `null`.
_MISSING = {"offered_rps": [""], "value": ["nan"], "at_least": [""]}
_SAMPLE_TYPES = {
    **_TRIAL_TYPES,
    "tree": "category",
    "service": "category",
    "server": "int64",
    "t_s": "float64",
    "phase": "category",
    "cpu_s": "float64",
    "rss_bytes": "int64",
    "pss_bytes": "float64",
    "processes": "int64",
    "threads": "float64",
}
_LATENCY_TYPES = {
    **_TRIAL_TYPES,
    "phase": "category",
    "outcome": "category",
    "metric": "category",
    "value_us": "int64",
    "count": "int64",
}


def read_summary(run_folder: Path | str) -> pd.DataFrame:
    """The tidy frame: `summary.csv`, which `bench run` and `bench report` write.

    One row is one metric of one phase of one attempt at a trial. Columns:

    - `run`, `trial`, `attempt`, `block`, `workload`, `variant`: which attempt.
    - `strategy`: the file of `targets/` that the variant was made from.
    - `valid`: whether the attempt counts. Only valid ones are in the report's figures.
    - `phase`, `phase_kind`: such as `rate-70`, `rate`.
    - `phase_status`: `complete`, `choked`, `skipped` or `failed`.
    - `offered_rps`: arrivals per second of an open loop; NaN in closed loops.
    - `metric`, `value`, `unit`: such as `goodput_rps`, 412.5, `1/s`.
    - `at_least`: the value is a lower bound, a percentile among requests that were given up.

    Raises StoreError when the folder holds no run, or no summary of this layout.

    Example, the capacity of each cell by block:

        frame = read_summary("results/example")
        counts = frame.valid & (frame.block > 0) & (frame.phase == "capacity")
        capacity = frame[counts & (frame.metric == "goodput_rps")]
        capacity.pivot_table("value", ["workload", "variant"], "block", observed=True)
    """
    path = Run.open(Path(run_folder)).summary_path
    again = f"`bench report {run_folder}` writes it"
    try:
        frame = pd.read_csv(path, dtype=_SUMMARY_TYPES, keep_default_na=False, na_values=_MISSING)
    except FileNotFoundError as error:
        raise StoreError(f"{path}: is not there; {again}") from error
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise StoreError(f"{path}: is not a summary that can be read ({error}); {again} again") from error
    missing = [name for name in _SUMMARY_TYPES if name not in frame.columns]
    if missing:
        raise StoreError(f"{path}: has no column {', '.join(missing)}; {again} again")
    frame["at_least"] = frame["at_least"].fillna(False).astype("bool")
    return frame


def read_samples(run_folder: Path | str) -> pd.DataFrame:
    """CPU, memory and threads over time, of every complete attempt, about five times a second.

    One row is one process tree at one moment. Columns:

    - `trial`, `attempt`, `block`, `workload`, `variant`: which attempt.
    - `tree`: `target`, `generator` or `services`.
    - `service`: the service's name where the tree is `services`; else empty.
    - `server`: 0; higher when the target had choked and was replaced.
    - `t_s`: seconds since the trial began.
    - `phase`: the phase that was going on; missing between phases.
    - `cpu_s`: CPU-seconds that the tree has used so far, also by processes that have ended.
    - `rss_bytes`, `pss_bytes`: memory. RSS counts shared pages once for each process; PSS (Linux) does not, and is NaN
      where it was not read.
    - `processes`, `threads`: how many; `threads` is NaN where it was not read.

    What cannot be read is left out, with a warning that names it. Raises StoreError when the folder holds no run.

    Example, cores in use:

        samples = read_samples("results/example")
        one = samples.groupby(["trial", "attempt", "tree", "service", "server"], observed=True)
        samples["cores"] = one.cpu_s.diff() / one.t_s.diff()
    """
    rows: list[tuple[object, ...]] = []
    broken: list[str] = []
    for head, attempt, record in _attempts(run_folder, broken):
        for each in _read(attempt.samples, list[Sample](), broken):
            phase = _phase_at(record.phases, each.t_s)
            used = (each.cpu_s, each.rss_bytes, each.pss_bytes, each.processes, each.threads)
            rows.append((*head, each.tree, each.service, each.server, each.t_s, phase, *used))
    _warn(broken)
    return _frame(rows, _SAMPLE_TYPES)


def read_latencies(run_folder: Path | str) -> pd.DataFrame:
    """The latency histograms of every complete attempt, one for each phase, outcome and metric.

    One row is one value and how often it was measured; a value is at most 0.1 % above what was measured. Columns:

    - `trial`, `attempt`, `block`, `workload`, `variant`: which attempt.
    - `phase`: such as `capacity`, `rate-70`.
    - `outcome`: `ok`, `wrong_answer`, `http_error`, `timeout`, `connection_error` or `not_sent`.
    - `metric`: `service` (from the send to the answer), `response` (from when it should have been sent to the answer),
      `send_lag` (between the two), `health` (as `response`, of the requests to `/health`).
    - `value_us`, `count`: microseconds, ascending within a histogram; how many requests took that long.

    What cannot be read is left out, with a warning that names it. Raises StoreError when the folder holds no run.

    Example, a median over all blocks (counts are added, percentiles are never averaged):

        latencies = read_latencies("results/example")
        wanted = "workload == 'io' and variant == 'sync_def' and phase == 'capacity'"
        right = latencies.query(f"{wanted} and outcome == 'ok' and metric == 'response'")
        counts = right.groupby("value_us")["count"].sum()
        median_us = counts.index[counts.cumsum().searchsorted(counts.sum() / 2)]
    """
    rows: list[tuple[object, ...]] = []
    broken: list[str] = []
    for head, attempt, _ in _attempts(run_folder, broken):
        log = _read(partial(read_histograms, attempt.latency_path), Histograms({}), broken)
        if log.broken_lines:
            broken.append(f"{attempt.latency_path}: {log.broken_lines} of its lines cannot be read")
        for tag in sorted(log.intervals):
            merged = log.merged(tag.phase, (tag.outcome,), tag.metric)
            names = (*head, tag.phase, tag.outcome.value, tag.metric.value)
            rows += [(*names, *pair) for pair in zip(merged.values_us.tolist(), merged.counts.tolist(), strict=True)]
    _warn(broken)
    return _frame(rows, _LATENCY_TYPES)


def _attempts(
    run_folder: Path | str, broken: list[str]
) -> Iterator[tuple[tuple[str, int, int, str, str], Attempt, TrialRecord]]:
    """For each complete attempt: the first columns of its rows, its folder, its record."""
    run = Run.open(Path(run_folder))
    for attempt, record in complete_records(run, run.read(), broken):
        spec = record.spec
        yield (spec.id, record.attempt, spec.block, spec.workload, spec.variant), attempt, record


def _read(read: Callable[[], _T], empty: _T, broken: list[str]) -> _T:
    try:
        return read()
    except StoreError as error:
        broken.append(str(error))
        return empty


def _warn(broken: Sequence[str]) -> None:
    for line in broken:
        warnings.warn(f"left out: {line}", stacklevel=3)  # the line that called the reader


def _phase_at(phases: Sequence[PhaseRecord], t_s: float) -> str | None:
    return next((phase.spec.name for phase in phases if phase.start_s <= t_s < phase.end_s), None)


def _frame(rows: Sequence[tuple[object, ...]], types: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame.from_records(rows, columns=list(types)).astype(types)
