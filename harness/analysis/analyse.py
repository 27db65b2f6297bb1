"""Reads a run and judges it: the shell around the pure parts of this package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import TypeVar

from harness import hlog
from harness.analysis.arrivals import by_phase
from harness.analysis.cells import JudgedTrial, PhaseEvidence, cells
from harness.analysis.compare import comparisons
from harness.analysis.context import Context
from harness.analysis.decisions import decisions
from harness.analysis.evidence import Analysis, TrialFigures
from harness.analysis.percentiles import latencies
from harness.analysis.probing import probe_figures
from harness.analysis.summary import figures
from harness.analysis.validity import findings, is_valid
from harness.model import Arrivals, Metric, ProbeLine, RunRecord, Sample, TrialRecord, TrialSpec
from harness.store import Attempt, Run, StoreError, read_lines

T = TypeVar("T")


def analyse(run: Run) -> Analysis:
    """The whole analysis, from the raw data alone. What cannot be read is a line of `broken`; the rest is judged.

    StoreError only for a `run.json` that cannot be read.
    """
    record = run.read()
    broken: list[str] = []
    judged = _judged(run, record, lambda spec: True, broken)
    trials = tuple(trial.figures for trial in judged)
    measured = cells(record, judged)
    compared = comparisons(record, trials)
    return Analysis(
        run=record,
        trials=trials,
        cells=measured,
        comparisons=compared,
        decisions=decisions(record, trials, measured, compared),
        broken=tuple(broken),
    )


def invalid_trials(run: Run, among: Sequence[TrialSpec]) -> dict[str, tuple[str, ...]]:
    """The trials of `among` that have no valid attempt yet: the codes of what is against the last one, by trial id.

    A `harness.retries.Judge`. The machine's speed is held against the trials there are so far.
    """
    wanted = {spec.id for spec in among}
    judged = [trial.figures for trial in _judged(run, run.read(), lambda spec: spec.id in wanted, [])]
    valid = {trial.record.spec.id for trial in judged if trial.valid}
    return {
        trial.record.spec.id: tuple(sorted({found.code for found in trial.findings if found.level == "invalid"}))
        for trial in judged
        if trial.record.spec.id not in valid
    }


def _judged(
    run: Run, record: RunRecord, is_wanted: Callable[[TrialSpec], bool], broken: list[str]
) -> list[JudgedTrial]:
    """Every complete attempt at a trial that is wanted, in the order of the plan."""
    attempts = list(run.complete_attempts(lambda error: broken.append(str(error))))
    canaries_ms = [trial.noise.canary_ms for _, trial in attempts if trial.noise is not None]
    median_canary_ms = median(canaries_ms) if canaries_ms else None
    return [
        _judge(run, record, attempt, trial, median_canary_ms=median_canary_ms, broken=broken)
        for attempt, trial in attempts
        if is_wanted(trial.spec) and _belongs(record, attempt, trial, broken)
    ]


def _belongs(run: RunRecord, attempt: Attempt, trial: TrialRecord, broken: list[str]) -> bool:
    """Whether the record is of the trial whose folder it lies in, and of what the run selected."""
    known = any(trial.spec.strategy == strategy.name for strategy in run.strategies) and any(
        trial.spec.workload == workload.name for workload in run.workloads
    )
    if known and trial.spec.id == attempt.path.parent.name:
        return True
    broken.append(f"{attempt.record_path}: is of {trial.spec.id}, which does not belong there; move it away")
    return False


def _judge(
    run: Run,
    record: RunRecord,
    attempt: Attempt,
    trial: TrialRecord,
    *,
    median_canary_ms: float | None,
    broken: list[str],
) -> JudgedTrial:
    histograms = _read(lambda: hlog.read(attempt.latency_path), hlog.Histograms({}), broken)
    samples = _read(attempt.samples, list[Sample](), broken)
    probes = _read(lambda: _probes(attempt), dict[int, list[ProbeLine]](), broken)
    arrivals = _read(attempt.arrivals, list[Arrivals](), broken)
    phases = figures(trial, histograms, samples, probes)
    found = findings(
        Context(
            record=trial,
            phases=phases,
            strategy=next(strategy for strategy in record.strategies if strategy.name == trial.spec.strategy),
            workload=next(workload for workload in record.workloads if workload.name == trial.spec.workload),
            profile=record.profile,
            target_cores=record.environment.partition.target_cores,
            median_canary_ms=median_canary_ms,
            arrivals=by_phase(arrivals),
        )
    )
    return JudgedTrial(
        TrialFigures(
            record=trial,
            folder=attempt.path.relative_to(run.path).as_posix(),
            phases=phases,
            findings=found,
            valid=is_valid(trial, found),
        ),
        {
            phase.spec.name: PhaseEvidence(
                response=latencies(histograms, phase.spec.name, Metric.RESPONSE),
                health=latencies(histograms, phase.spec.name, Metric.HEALTH),
                loop_lags=probe_figures(probes, phase, trial.origin_monotonic_s).lags,
            )
            for phase in trial.phases
        },
    )


def _probes(attempt: Attempt) -> dict[int, list[ProbeLine]]:
    """The probe's lines by worker PID; anything else in the folder is left alone."""
    if not attempt.probe_dir.is_dir():
        return {}
    files = sorted(path for path in attempt.probe_dir.glob("*.jsonl") if path.stem.isdigit())
    return {int(path.stem): read_lines(path, ProbeLine) for path in files}


def _read(read: Callable[[], T], empty: T, broken: list[str]) -> T:
    try:
        return read()
    except StoreError as error:
        broken.append(str(error))
        return empty
