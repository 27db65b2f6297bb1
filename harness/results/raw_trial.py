"""Everything that one attempt at a trial left on disk, read in order to judge it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.results.histograms import Histograms, read_histograms
from harness.results.records.arrival_times import Arrivals
from harness.results.records.probe_line import ProbeLine
from harness.results.records.run_record import RunRecord
from harness.results.records.sample import Sample
from harness.results.records.trial_record import TrialRecord
from harness.results.store import Attempt, Run, StoreError, read_lines

_T = TypeVar("_T")


@dataclass(frozen=True)
class RawTrial:
    """`folder` is relative to the run's; `probes` are the lines by worker PID."""

    record: TrialRecord
    folder: str
    histograms: Histograms
    samples: Sequence[Sample]
    probes: Mapping[int, Sequence[ProbeLine]]
    arrivals: Sequence[Arrivals]


def complete_records(run: Run, record: RunRecord, broken: list[str]) -> list[tuple[Attempt, TrialRecord]]:
    """Every complete attempt at a trial of the run's plan, in the order of the plan. What cannot be read, or does not
    belong to its folder, is a line of `broken`."""
    attempts = run.complete_attempts(lambda error: broken.append(str(error)))
    return [(attempt, trial) for attempt, trial in attempts if _belongs(record, attempt, trial, broken)]


def read_raw_trial(run: Run, attempt: Attempt, trial: TrialRecord, broken: list[str]) -> RawTrial:
    """The raw data beside the record. A file that cannot be read is a line of `broken`, and empty here."""
    return RawTrial(
        record=trial,
        folder=attempt.path.relative_to(run.path).as_posix(),
        histograms=_read(lambda: read_histograms(attempt.latency_path), Histograms({}), broken),
        samples=_read(attempt.samples, list[Sample](), broken),
        probes=_read(lambda: _probes(attempt), dict[int, list[ProbeLine]](), broken),
        arrivals=_read(attempt.arrivals, list[Arrivals](), broken),
    )


def _belongs(run: RunRecord, attempt: Attempt, trial: TrialRecord, broken: list[str]) -> bool:
    """Whether the record is of the trial whose folder it lies in, and of what the run selected."""
    known = any(trial.spec.variant == variant.name for variant in run.variants) and any(
        trial.spec.workload == workload.name for workload in run.workloads
    )
    if known and trial.spec.id == attempt.path.parent.name:
        return True
    broken.append(f"{attempt.record_path}: is of {trial.spec.id}, which does not belong there; move it away")
    return False


def _probes(attempt: Attempt) -> dict[int, list[ProbeLine]]:
    """The probe's lines by worker PID; anything else in the folder is left alone."""
    if not attempt.probe_dir.is_dir():
        return {}
    files = sorted(path for path in attempt.probe_dir.glob("*.jsonl") if path.stem.isdigit())
    return {int(path.stem): read_lines(path, ProbeLine) for path in files}


def _read(read: Callable[[], _T], empty: _T, broken: list[str]) -> _T:
    try:
        return read()
    except StoreError as error:
        broken.append(str(error))
        return empty
