"""A run as pandas frames: the reader for notebooks and scripts.

    from harness.results.frames import read_latencies, read_samples, read_summary

    summary = read_summary("results/example")      # a row: a metric of a phase of a slice
    samples = read_samples("results/example")      # a row: what a process tree had used at a moment
    latencies = read_latencies("results/example")  # a row: how often a time was measured

Names are categories, yes or no is bool, numbers are int or float; a missing number is NaN. In all three frames `slice`
and `boot` together name one slice, and `workload` with `variant` name its cell. `round` is its round; 0 is the
pilot, which sets the rates and measures the idle CPU use. Only the summary knows which slices are valid, because
that is judged and not measured:

    valid = summary.loc[summary.valid, ["slice", "boot"]].drop_duplicates()
    samples.merge(valid)

Errors are `harness.results.store.StoreError`: one line that names the file and says what to do.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import pandas as pd

from harness.results.raw_slice import RawSlice, read_raw_slices, recorded_boots
from harness.results.records.phase_record import PhaseRecord
from harness.results.store import Run, StoreError

_T = TypeVar("_T")

_SLICE_TYPES = {
    "slice": "category",
    "boot": "int64",
    "round": "int64",
    "workload": "category",
    "variant": "category",
}
_SUMMARY_TYPES = {
    "run": "category",
    **_SLICE_TYPES,
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
    **_SLICE_TYPES,
    "tree": "category",
    "service": "category",
    "t_s": "float64",
    "phase": "category",
    "cpu_s": "float64",
    "rss_bytes": "int64",
    "pss_bytes": "float64",
    "processes": "int64",
    "threads": "float64",
}
_LATENCY_TYPES = {
    **_SLICE_TYPES,
    "phase": "category",
    "outcome": "category",
    "metric": "category",
    "value_us": "int64",
    "count": "int64",
}


def read_summary(run_folder: Path | str) -> pd.DataFrame:
    """The tidy frame: `summary.csv`, which `bench run` and `bench report` write.

    One row is one metric of one phase of one slice. Columns:

    - `run`, `slice`, `boot`, `round`, `workload`, `variant`: which slice.
    - `strategy`: the file of `targets/` that the variant was made from.
    - `valid`: whether the slice counts. Only valid ones are in the report's figures.
    - `phase`, `phase_kind`: such as `rate-70`, `rate`.
    - `phase_status`: `complete`, `choked`, `skipped` or `failed`.
    - `offered_rps`: arrivals per second of an open loop; NaN in closed loops.
    - `metric`, `value`, `unit`: such as `goodput_rps`, 412.5, `1/s`.
    - `at_least`: the value is a lower bound, a percentile among requests that were given up.

    Raises StoreError when the folder holds no run, or no summary of this layout.

    Example, the capacity of each cell by round:

        frame = read_summary("results/example")
        counts = frame.valid & (frame["round"] > 0) & (frame.phase == "capacity")
        capacity = frame[counts & (frame.metric == "goodput_rps")]
        capacity.pivot_table("value", ["workload", "variant"], "round", observed=True)
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
    """CPU, memory and threads over time, of every slice, about five times a second.

    One row is one process tree at one moment. Columns:

    - `slice`, `boot`, `round`, `workload`, `variant`: which slice.
    - `tree`: `target`, `generator` or `services`.
    - `service`: the service's name where the tree is `services`; else empty.
    - `t_s`: seconds since the launch of the boot.
    - `phase`: the phase that was going on; missing between phases.
    - `cpu_s`: CPU-seconds that the tree has used so far, also by processes that have ended.
    - `rss_bytes`, `pss_bytes`: memory. RSS counts shared pages once for each process; PSS (Linux) does not, and is NaN
      where it was not read.
    - `processes`, `threads`: how many; `threads` is NaN where it was not read.

    What cannot be read is left out, with a warning that names it. Raises StoreError when the folder holds no run.

    Example, cores in use:

        samples = read_samples("results/example")
        one = samples.groupby(["slice", "boot", "tree", "service"], observed=True)
        samples["cores"] = one.cpu_s.diff() / one.t_s.diff()
    """
    rows: list[tuple[object, ...]] = []
    broken: list[str] = []
    for head, raw in _slices(run_folder, broken):
        for each in raw.samples:
            phase = _phase_at(raw.record.phases, each.t_s)
            used = (each.cpu_s, each.rss_bytes, each.pss_bytes, each.processes, each.threads)
            rows.append((*head, each.tree, each.service, each.t_s, phase, *used))
    _warn(broken)
    return _frame(rows, _SAMPLE_TYPES)


def read_latencies(run_folder: Path | str) -> pd.DataFrame:
    """The latency histograms of every slice, one for each phase, outcome and metric.

    One row is one value and how often it was measured; a value is at most 0.1 % above what was measured. Columns:

    - `slice`, `boot`, `round`, `workload`, `variant`: which slice.
    - `phase`: such as `capacity`, `rate-70`.
    - `outcome`: `ok`, `wrong_answer`, `http_error`, `timeout`, `connection_error` or `not_sent`.
    - `metric`: `service` (from the send to the answer), `response` (from when it should have been sent to the answer),
      `send_lag` (between the two), `health` (as `response`, of the requests to `/health`).
    - `value_us`, `count`: microseconds, ascending within a histogram; how many requests took that long.

    What cannot be read is left out, with a warning that names it. Raises StoreError when the folder holds no run.

    Example, a median over all rounds (counts are added, percentiles are never averaged):

        latencies = read_latencies("results/example")
        wanted = "workload == 'io' and variant == 'sync_def' and phase == 'capacity'"
        right = latencies.query(f"{wanted} and outcome == 'ok' and metric == 'response'")
        counts = right.groupby("value_us")["count"].sum()
        median_us = counts.index[counts.cumsum().searchsorted(counts.sum() / 2)]
    """
    rows: list[tuple[object, ...]] = []
    broken: list[str] = []
    for head, raw in _slices(run_folder, broken):
        for tag in sorted(raw.histograms.intervals):
            merged = raw.histograms.merged(tag.phase, (tag.outcome,), tag.metric)
            names = (*head, tag.phase, tag.outcome.value, tag.metric.value)
            rows += [(*names, *pair) for pair in zip(merged.values_us.tolist(), merged.counts.tolist(), strict=True)]
    _warn(broken)
    return _frame(rows, _LATENCY_TYPES)


def _slices(run_folder: Path | str, broken: list[str]) -> Iterator[tuple[tuple[str, int, int, str, str], RawSlice]]:
    """For each slice: the first columns of its rows, and its raw data."""
    run = Run.open(Path(run_folder))
    for folder, boot in recorded_boots(run, run.read(), broken):
        slices = read_raw_slices(run, folder, boot, broken)
        if slices and (lines := slices[0].histograms.broken_lines):
            broken.append(f"{folder.latency_path}: {lines} of its lines cannot be read")
        for raw in slices:
            spec = raw.record.spec
            yield (spec.id, boot.number, spec.round, spec.workload, spec.variant), raw


def _warn(broken: Sequence[str]) -> None:
    for line in broken:
        warnings.warn(f"left out: {line}", stacklevel=3)  # the line that called the reader


def _phase_at(phases: Sequence[PhaseRecord], t_s: float) -> str | None:
    return next((phase.spec.name for phase in phases if phase.start_s <= t_s < phase.end_s), None)


def _frame(rows: Sequence[tuple[object, ...]], types: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame.from_records(rows, columns=list(types)).astype(types)
