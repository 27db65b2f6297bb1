"""The run that other tests read is what it says it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from harness.results import histograms
from harness.results.records.boot_record import BootRecord
from harness.results.records.metric import Metric
from harness.results.records.outcome import Outcome
from harness.results.store import StoreError
from tests.synthetic_run import write_synthetic_run
from tests.synthetic_strategies import STRATEGIES, WORKLOADS


def raw(path: Path) -> dict[str, bytes]:
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    one, two, other = (
        write_synthetic_run(tmp_path / str(n), strategies=("sync_def",), workloads=("io",), rounds=1, seed=seed)
        for n, seed in enumerate((1, 1, 2))
    )
    assert raw(one.path) == raw(two.path)
    assert raw(one.path) != raw(other.path)


def test_every_request_of_the_records_is_in_the_latency_log(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run", workloads=("io",), rounds=1, phase_s=2.0)
    broken: list[StoreError] = []
    boots = list(run.recorded_boots(broken.append))
    assert boots and not broken
    for folder, boot in boots:
        log = histograms.read_histograms(folder.latency_path)
        assert log.broken_lines == 0
        for number, record in enumerate(boot.slices, start=1):
            for phase in record.phases:
                found = log.of_slice(number).merged(phase.spec.name, Outcome, Metric.RESPONSE)
                assert found.total == phase.scheduled


def test_every_variant_has_several_boots_with_several_slices_and_one_lives_at_a_time(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run", rounds=2, phase_s=1.0, peculiar=False)
    boots: dict[tuple[str, str], list[BootRecord]] = {}
    for _, boot in run.recorded_boots(lambda error: None):
        boots.setdefault((boot.workload, boot.variant), []).append(boot)
    assert len(boots) == len(STRATEGIES) * len(WORKLOADS)
    for own in boots.values():
        assert len(own) >= 2 and sum(len(boot.slices) for boot in own) == 1 + 2 * (2 + 3)
        ends_s = [boot.origin_monotonic_s + boot.lived_s for boot in own]
        assert all(end_s <= after.origin_monotonic_s for end_s, after in zip(ends_s, own[1:], strict=False))
    assert {spec for own in boots.values() for boot in own for spec in (s.spec for s in boot.slices)} == set(
        run.read().plan
    )


def test_what_a_killed_harness_leaves_is_a_round_twice_and_boots_that_never_ended(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run", workloads=("cpu",), rounds=1, phase_s=1.0)
    assert not run.boots("cpu", "sync_def")[0].has_record
    boots = [boot for _, boot in run.recorded_boots(lambda error: None)]
    unended = [boot for boot in boots if not boot.ended]
    assert {boot.variant for boot in unended} == {
        check.variant for check in run.read().preflight if check.status == "ok"
    }
    times = Counter((slice.spec.round, slice.spec.variant) for boot in boots for slice in boot.slices)
    twice = [spec for spec, many in times.items() if many == 2]
    last = max(spec.round for spec in run.read().plan)
    assert len(twice) == 2 and {round for round, _ in twice} == {last}
