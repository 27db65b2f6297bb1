"""A run's folder is judged from its raw data alone, and whatever of it is broken harms nothing else."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from harness.analysis.analyse import analyse
from harness.analysis.evidence import Analysis, Cell
from harness.judging.figures import SliceFigures
from harness.results.records.boot_record import BootRecord
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.records.text import to_json
from harness.results.store import BootFolder, Run, StoreError
from tests.synthetic_run import write_synthetic_run
from tests.synthetic_strategies import HOSTILE, STRATEGIES


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return write_synthetic_run(tmp_path_factory.mktemp("results") / "run")


@pytest.fixture(scope="module")
def whole(original: Run) -> Analysis:
    return analyse(original)


@pytest.fixture
def run(original: Run, tmp_path: Path) -> Run:
    """A copy to break."""
    shutil.copytree(original.path, tmp_path / "run")
    return Run.open(tmp_path / "run")


def cell(analysis: Analysis, variant: str, workload: str) -> Cell:
    return next(c for c in analysis.cells if (c.variant, c.workload) == (variant, workload))


def slice(analysis: Analysis, slice_id: str) -> SliceFigures:
    """The first one: a round that was cut off has two."""
    return next(t for t in analysis.slices if t.record.spec.id == slice_id)


def first_boot(run: Run, variant: str, workload: str = "io") -> BootFolder:
    return next(boot for boot in run.boots(workload, variant) if boot.has_record)


def test_every_selected_pair_is_a_cell_and_each_slice_of_a_recorded_boot_is_there(
    original: Run, whole: Analysis
) -> None:
    record = original.read()
    assert len(whole.cells) == len(record.strategies) * len(record.workloads)
    boots = [boot for _, boot in original.recorded_boots(lambda error: None)]
    assert whole.boots == tuple(boots)
    assert [t.record for t in whole.slices] == [slice for boot in boots for slice in boot.slices]
    assert whole.broken == ()
    for each in whole.slices:
        spec = each.record.spec
        assert each.folder == f"boots/{spec.workload}-{spec.variant}/{each.record.boot}"


def test_each_slice_of_a_boot_has_its_own_figures(whole: Analysis) -> None:
    """All lie in the same files: what was recorded is split by the slice's number, what was sampled by its time."""
    boot = [t for t in whole.slices if (t.record.spec.variant, t.record.spec.workload) == ("multi_worker", "io")]
    first = [t for t in boot if t.record.boot == 1 and not t.record.spec.is_pilot]
    assert [t.record.spec.phase for t in first] == ["capacity"] * 3 + ["rate-10", "rate-30", "rate-70"]
    for each in first:
        phase = each.phases[each.record.spec.phase]
        assert phase.recorded == phase.scheduled
        assert set(phase.requests_by_pid) == set(whole_boot(whole).pids)
        # Two workers and the little that they use while idle.
        assert phase.target_cpu_s == pytest.approx(phase.duration_s * 0.02 + 2.6e-3 * phase.scheduled, rel=0.15)
    assert len({t.phases["capacity"].goodput_rps for t in first[:3]}) == 3


def whole_boot(analysis: Analysis) -> BootRecord:
    return next(b for b in analysis.boots if (b.variant, b.workload, b.number) == ("multi_worker", "io", 1))


def test_the_idle_cost_that_a_pilot_found_is_taken_off_in_all_slices_of_its_cell_and_no_other(
    run: Run, whole: Analysis
) -> None:
    """What the samples at the ends of the idle phase say, made 0.3 s more in 1 s: also on boots that have no pilot."""
    boot = first_boot(run, "sync_def")
    idle = next(phase for phase in boot.read().slices[0].phases if phase.spec.kind is PhaseKind.IDLE)
    length_s = idle.end_s - idle.start_s
    samples = [
        msgspec.structs.replace(one, cpu_s=one.cpu_s + 0.3 * length_s)
        if one.tree == "target" and one.t_s > idle.end_s - 0.001
        else one
        for one in boot.samples()
    ]
    boot.samples_path.write_bytes(msgspec.json.Encoder().encode_lines(samples))
    analysis = analyse(run)
    assert analysis.broken == ()
    usual = cell(whole, "sync_def", "io").idle_cores
    assert usual is not None and usual == pytest.approx(0.02, abs=0.005)
    assert cell(analysis, "sync_def", "io").idle_cores == pytest.approx(usual + 0.3, abs=0.01)
    assert cell(analysis, "sync_def", "cpu").idle_cores == cell(whole, "sync_def", "cpu").idle_cores, "each has its own"
    before, after = (slice(one, "008-io-sync_def") for one in (whole, analysis))
    assert after.record.boot == 2 and not after.record.spec.is_pilot
    cost, less = (one.phases["capacity"].target_cpu_s_per_1000 for one in (before, after))
    assert cost is not None and less is not None and less < cost
    assert "busy_while_idle" in {finding.code for finding in after.findings}
    assert "idle" not in cell(analysis, "sync_def", "io").phases
    other = slice(analysis, "008-io-multi_worker")
    assert other == slice(whole, "008-io-multi_worker")


def test_where_one_idle_cost_is_not_known_there_is_no_cost_of_its_requests(run: Run, whole: Analysis) -> None:
    """The others on this workload have theirs without the idle cost: it would look twice as large."""
    boot = first_boot(run, "multi_worker")
    record = boot.read()
    pilot, *rest = record.slices
    loaded = tuple(phase for phase in pilot.phases if phase.spec.kind is not PhaseKind.IDLE)
    boot.write(msgspec.structs.replace(record, slices=(msgspec.structs.replace(pilot, phases=loaded), *rest)))
    analysis = analyse(run)
    unknown = slice(analysis, "002-io-multi_worker")
    assert unknown.valid and unknown.phases["capacity"].target_cpu_s is not None
    assert {phase.target_cpu_s_per_1000 for phase in unknown.phases.values()} == {None}
    assert [(found.code, found.level) for found in unknown.findings] == [("idle_unknown", "info")]
    assert cell(analysis, "multi_worker", "io").phases["capacity"].target_cpu_s_per_1000 is None
    compared = {(made.workload, made.metric) for made in analysis.comparisons if made.variant == "multi_worker"}
    assert ("io", "capacity_rps") in compared and ("io", "target_cpu_s_per_1000") not in compared
    assert ("cpu", "target_cpu_s_per_1000") in compared
    assert slice(analysis, "002-cpu-multi_worker") == slice(whole, "002-cpu-multi_worker")


def test_what_went_wrong_is_in_its_place(whole: Analysis) -> None:
    assert cell(whole, "two_stage", "cpu").status == "not_applicable"
    broken = cell(whole, "pool_result_blocking", "io")
    assert (broken.status, broken.slices) == ("failed", 0)
    assert HOSTILE in broken.error
    choked = cell(whole, "fake_async", "io")
    assert choked.phases["rate-10"].statuses == {PhaseStatus.CHOKED: 1, PhaseStatus.SKIPPED: 1}
    assert choked.phases["rate-30"].statuses == {PhaseStatus.SKIPPED: 2}
    for name in ("rate-10", "rate-30", "rate-70"):
        found = choked.phases[name].response_p99
        assert found is not None and found.at_least, name
    assert choked.phases["rate-30"].goodput_rps is None
    wrong = [t for t in whole.slices if (t.record.spec.variant, t.record.spec.workload) == ("pure_async", "io")]
    assert not any(t.valid for t in wrong) and {f.code for t in wrong for f in t.findings} == {"wrong_answers"}
    assert cell(whole, "pure_async", "io").capacity is None
    died = cell(whole, "async_thread_pool", "io")
    assert (died.slices, died.valid_slices) == (12, 10)  # the server died in one round; one slice had no load
    assert {f.code for f in slice(whole, "001-io-async_thread_pool").findings} >= {"slice_failed", "server_died"}
    workers = slice(whole, "001-cpu-multi_worker").phases["capacity"].requests_by_pid
    assert len(workers) == 2


def test_of_a_round_that_was_measured_twice_each_variant_counts_once(whole: Analysis) -> None:
    last = max(spec.round for spec in whole.run.plan)
    of_it = [t for t in whole.slices if (t.record.spec.round, t.record.spec.workload) == (last, "cpu")]
    times = Counter(t.record.spec.variant for t in of_it)
    assert sorted(times.values()) == [1, 1, 1, 1, 2, 2]
    for variant, many in times.items():
        found = cell(whole, variant, "cpu")
        assert (found.slices, found.valid_slices) == (11 + many, 12)
        assert sum(found.phases["rate-70"].statuses.values()) == 2


def test_the_pilot_is_shown_and_is_no_evidence(whole: Analysis) -> None:
    assert any(t.record.spec.is_pilot for t in whole.slices)
    assert cell(whole, "sync_def", "io").slices == 2 * (3 + 3)


def test_comparisons_and_decisions_are_of_the_strategies_that_were_measured(whole: Analysis) -> None:
    compared = {c.variant for c in whole.comparisons if (c.workload, c.metric) == ("cpu", "capacity_rps")}
    assert compared == {"fake_async", "pure_async", "async_thread_pool", "pool_result_blocking", "multi_worker"}
    assert {d.workload: d.best for d in whole.decisions} == {"io": "multi_worker", "cpu": "multi_worker"}


def test_the_same_data_gives_the_same_analysis(original: Run, whole: Analysis) -> None:
    assert msgspec.json.encode(analyse(original)) == msgspec.json.encode(whole)


# ------------------------------------------------------------------------------------------------ broken data


def test_a_record_that_was_cut_off_is_named_and_the_others_are_judged(run: Run, whole: Analysis) -> None:
    boot = first_boot(run, "sync_def")
    lost = len(boot.read().slices)
    boot.record_path.write_bytes(boot.record_path.read_bytes()[:500])
    found = analyse(run)
    assert len(found.broken) == 1 and str(boot.record_path) in found.broken[0]
    assert len(found.slices) == len(whole.slices) - lost
    assert cell(found, "sync_def", "io").valid_slices == 6
    assert cell(found, "multi_worker", "io").capacity == cell(whole, "multi_worker", "io").capacity


def test_a_record_of_another_boot_does_not_count_twice(run: Run, whole: Analysis) -> None:
    first, second = run.boots("io", "sync_def")
    shutil.copy(first.record_path, second.record_path)
    found = analyse(run)
    assert len(found.broken) == 1 and "does not belong there" in found.broken[0]
    assert cell(found, "sync_def", "io").valid_slices == cell(whole, "sync_def", "io").valid_slices - 6


def test_raw_files_that_are_missing_or_cut_off_leave_the_rest(run: Run, whole: Analysis) -> None:
    boot = first_boot(run, "sync_def")
    log = boot.latency_path
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    boot.samples_path.unlink()
    shutil.rmtree(boot.probe_dir)
    found = analyse(run)
    last, before = slice(found, "006-io-sync_def"), slice(whole, "006-io-sync_def")
    assert found.broken == ()
    assert {f.code for f in last.findings} == {"log_cut_off", "samples_missing", "probe_silent"}
    assert last.valid
    assert last.phases["rate-70"].goodput_rps == before.phases["rate-70"].goodput_rps
    assert last.phases["rate-70"].target_cpu_s is None
    early = slice(found, "001-io-sync_def")
    assert {f.code for f in early.findings} == {"samples_missing", "probe_silent"}, "its part of the log is whole"
    assert cell(found, "sync_def", "io").capacity == cell(whole, "sync_def", "io").capacity


def test_an_open_loop_whose_cost_was_not_sampled_says_so(run: Run) -> None:
    """The sampler died before the last request of its last slice had ended."""
    boot = first_boot(run, "sync_def")
    last = boot.read().slices[-1].phases[-1]
    kept = [one for one in boot.samples() if one.t_s < last.end_s + 0.001]
    boot.samples_path.write_bytes(msgspec.json.Encoder().encode_lines(kept))
    judged = slice(analyse(run), "006-io-sync_def")
    (found,) = judged.findings
    assert (found.code, found.level) == ("cost_unknown", "info")
    assert judged.phases["rate-70"].target_cpu_s_per_1000 is None
    assert judged.phases["rate-70"].target_cpu_s is not None


def test_a_raw_file_that_cannot_be_read_is_named(run: Run) -> None:
    path = first_boot(run, "sync_def").latency_path
    path.unlink()
    path.mkdir()
    found = analyse(run)
    assert [line for line in found.broken if str(path) in line]
    assert slice(found, "001-io-sync_def").phases["capacity"].target_cpu_s is not None


def test_a_folder_without_boots_has_cells_and_no_decision(run: Run) -> None:
    shutil.rmtree(run.path / "boots")
    found = analyse(run)
    assert (found.boots, found.slices, found.comparisons, found.decisions) == ((), (), (), ())
    assert {c.status for c in found.cells} == {"missing", "not_applicable", "failed"}


def test_a_run_of_another_schema_version_is_refused(run: Run) -> None:
    record = msgspec.structs.replace(run.read(), schema_version=99)
    run.record_path.write_bytes(to_json(record))
    with pytest.raises(StoreError, match="schema_version 99"):
        analyse(run)


def test_everything_failed(run: Run) -> None:
    for folder, boot in run.recorded_boots(lambda error: None):
        dead = (msgspec.structs.replace(one, status="failed", error="no port", phases=()) for one in boot.slices)
        folder.write(msgspec.structs.replace(boot, slices=tuple(dead)))
    found = analyse(run)
    assert found.decisions == ()
    assert cell(found, "sync_def", "io").status == "failed"
    assert cell(found, "sync_def", "io").error == "no port"


def test_two_rounds_of_the_closed_loop_have_figures_and_no_verdict(tmp_path: Path) -> None:
    """Two do not show how loud a baseline is."""
    found = analyse(write_synthetic_run(tmp_path / "run", workloads=("io",), rounds=1, phase_s=2.0, peculiar=False))
    capacity = [c for c in found.comparisons if c.metric == "capacity_rps"]
    assert len(capacity) == len(STRATEGIES) - 1
    assert {(c.verdict, c.ratio.low, c.ratio.slices) for c in capacity} == {("open", None, 2)}
