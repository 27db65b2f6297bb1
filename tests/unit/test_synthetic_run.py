"""The run that other tests read is what it says it is."""

from __future__ import annotations

from pathlib import Path

from harness.results import histograms
from harness.results.records.metric import Metric
from harness.results.records.outcome import Outcome
from harness.results.store import StoreError
from tests.synthetic_run import write_synthetic_run


def raw(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    one, two, other = (
        write_synthetic_run(tmp_path / str(n), strategies=("sync_def",), workloads=("io",), blocks=1, seed=seed)
        for n, seed in enumerate((1, 1, 2))
    )
    assert raw(one.path) == raw(two.path)
    assert raw(one.path) != raw(other.path)


def test_every_request_of_the_records_is_in_the_latency_log(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run", workloads=("io",), blocks=1, phase_s=2.0)
    broken: list[StoreError] = []
    attempts = list(run.complete_attempts(broken.append))
    assert attempts and not broken
    for attempt, record in attempts:
        log = histograms.read_histograms(attempt.latency_path)
        assert log.broken_lines == 0
        for phase in record.phases:
            assert log.merged(phase.spec.name, Outcome, Metric.RESPONSE).total == phase.scheduled
