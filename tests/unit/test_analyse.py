"""A run's folder is judged from its raw data alone, and whatever of it is broken harms nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from harness.analysis.analyse import analyse
from harness.analysis.evidence import Analysis, Cell
from harness.analysis.trials import counting
from harness.judging.figures import TrialFigures
from harness.measuring.retries import invalid_trials
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus
from harness.results.records.sample import Sample
from harness.results.records.text import to_json
from harness.results.store import Run, StoreError
from tests.synthetic_run import HOSTILE, write_synthetic_run


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


def attempt(run: Run, trial_id: str, number: int = 1) -> Path:
    return run.path / "trials" / trial_id / str(number)


def trial(analysis: Analysis, trial_id: str, number: int = 1) -> TrialFigures:
    return next(t for t in analysis.trials if (t.record.spec.id, t.record.attempt) == (trial_id, number))


def test_every_selected_pair_is_a_cell_and_each_complete_attempt_a_trial(original: Run, whole: Analysis) -> None:
    record = original.read()
    assert len(whole.cells) == len(record.strategies) * len(record.workloads)
    assert len(whole.trials) == sum(a.is_complete for spec in record.plan for a in original.attempts(spec))
    assert whole.broken == ()
    assert {t.folder for t in whole.trials} == {f"trials/{t.record.spec.id}/{t.record.attempt}" for t in whole.trials}


def test_the_idle_cost_that_a_pilot_found_is_taken_off_in_all_trials_of_its_cell_and_no_other(
    run: Run, whole: Analysis
) -> None:
    """0.3 s of CPU time in a second without load, after all that the pilot did."""
    folder = attempt(run, "00-io-sync_def")
    pilot = trial(whole, "00-io-sync_def").record
    start_s = pilot.phases[-1].drained_s + 1.0
    idle = PhaseRecord(
        spec=PhaseSpec("idle", PhaseKind.IDLE, 1.0, 1),
        status=PhaseStatus.COMPLETE,
        start_s=start_s,
        end_s=start_s + 1.0,
        drained_s=start_s + 1.0,
    )
    (folder / "trial.json").write_bytes(
        to_json(msgspec.structs.replace(pilot, phases=(*pilot.phases, idle), elapsed_s=start_s + 2.0))
    )
    edges = [
        Sample(t_s=t_s, tree="target", cpu_s=cpu_s, rss_bytes=7, processes=1, mark=f"idle:{mark}")
        for t_s, cpu_s, mark in ((start_s, 90.0, "start"), (start_s + 1.0, 90.3, "end"))
    ]
    with (folder / "samples.jsonl").open("ab") as file:
        file.write(msgspec.json.Encoder().encode_lines(edges))
    analysis = analyse(run)
    assert analysis.broken == ()
    assert cell(analysis, "sync_def", "io").idle_cores == pytest.approx(0.3)
    assert cell(analysis, "sync_def", "cpu").idle_cores is None, "each workload has its own"
    before, after = (trial(one, "02-io-sync_def").phases["capacity"] for one in (whole, analysis))
    assert before.target_cpu_s_per_1000 is not None
    assert after.target_cpu_s_per_1000 == pytest.approx(
        before.target_cpu_s_per_1000 - 1000 * 0.3 * after.duration_s / after.outcomes[Outcome.OK], rel=1e-3
    )
    assert "busy_while_idle" in {finding.code for finding in trial(analysis, "02-io-sync_def").findings}
    assert "idle" not in cell(analysis, "sync_def", "io").phases
    # The others on this workload have no such figure: theirs would contain their idle cost.
    other = trial(analysis, "02-io-multi_worker")
    assert other.valid and other.phases["capacity"].target_cpu_s is not None
    assert {phase.target_cpu_s_per_1000 for phase in other.phases.values()} == {None}
    assert [(found.code, found.level) for found in other.findings] == [("idle_unknown", "info")]
    assert cell(analysis, "multi_worker", "io").phases["capacity"].target_cpu_s_per_1000 is None
    metrics = {(made.workload, made.metric) for made in analysis.comparisons}
    assert ("io", "capacity_rps") in metrics and ("io", "target_cpu_s_per_1000") not in metrics
    # Where nobody's is known, all keep theirs.
    assert ("cpu", "target_cpu_s_per_1000") in metrics
    assert trial(analysis, "02-cpu-multi_worker") == trial(whole, "02-cpu-multi_worker")


def test_the_judge_of_a_run_under_way_says_what_the_report_will_say(original: Run, whole: Analysis) -> None:
    said = invalid_trials(original, [spec for spec in original.read().plan if not spec.is_pilot])
    assert said == {
        t.record.spec.id: tuple(sorted({f.code for f in t.findings if f.level == "invalid"}))
        for t in counting(whole.trials)
        if not t.valid
    }
    assert said
    one = next(iter(said))
    assert list(invalid_trials(original, [s for s in original.read().plan if s.id == one])) == [one]


def test_what_went_wrong_is_in_its_place(whole: Analysis) -> None:
    assert cell(whole, "two_stage", "cpu").status == "not_applicable"
    broken = cell(whole, "pool_result_blocking", "io")
    assert (broken.status, broken.trials) == ("failed", 0)
    assert HOSTILE in broken.error
    choked = cell(whole, "fake_async", "io")
    assert choked.phases["rate-10"].statuses == {PhaseStatus.CHOKED: 3}
    assert choked.phases["rate-30"].statuses == {PhaseStatus.SKIPPED: 3}
    assert choked.phases["rate-10"].response_p99 is not None and choked.phases["rate-10"].response_p99.at_least
    assert choked.phases["rate-30"].goodput_rps is None
    wrong = trial(whole, "02-io-pure_async")
    assert not wrong.valid and [f.code for f in wrong.findings] == ["wrong_answers"]
    retried = cell(whole, "async_thread_pool", "io")
    assert (retried.trials, retried.valid_trials) == (4, 2)  # block 1 twice; the last block failed
    workers = trial(whole, "01-cpu-multi_worker").phases["capacity"].requests_by_pid
    assert len(workers) == 2


def test_the_pilot_is_shown_and_is_no_evidence(whole: Analysis) -> None:
    assert any(t.record.spec.is_pilot for t in whole.trials)
    assert cell(whole, "sync_def", "io").trials == 3


def test_comparisons_and_decisions_are_of_the_strategies_that_were_measured(whole: Analysis) -> None:
    compared = {c.variant for c in whole.comparisons if (c.workload, c.metric) == ("cpu", "capacity_rps")}
    assert compared == {"fake_async", "pure_async", "async_thread_pool", "pool_result_blocking", "multi_worker"}
    assert {d.workload: d.best for d in whole.decisions} == {"io": "multi_worker", "cpu": "multi_worker"}


def test_the_same_data_gives_the_same_analysis(original: Run, whole: Analysis) -> None:
    assert msgspec.json.encode(analyse(original)) == msgspec.json.encode(whole)


# ------------------------------------------------------------------------------------------------ broken data


def test_a_record_that_was_cut_off_is_named_and_the_others_are_judged(run: Run, whole: Analysis) -> None:
    path = attempt(run, "01-io-sync_def") / "trial.json"
    path.write_bytes(path.read_bytes()[:500])
    found = analyse(run)
    assert len(found.broken) == 1 and str(path) in found.broken[0]
    assert len(found.trials) == len(whole.trials) - 1
    assert cell(found, "sync_def", "io").valid_trials == 2
    assert cell(found, "multi_worker", "io") == cell(whole, "multi_worker", "io")


def test_a_record_of_another_trial_does_not_count_twice(run: Run, whole: Analysis) -> None:
    shutil.copy(attempt(run, "01-io-sync_def") / "trial.json", attempt(run, "02-io-sync_def") / "trial.json")
    found = analyse(run)
    assert len(found.broken) == 1 and "does not belong there" in found.broken[0]
    assert cell(found, "sync_def", "io").valid_trials == cell(whole, "sync_def", "io").valid_trials - 1


def test_raw_files_that_are_missing_or_cut_off_leave_the_rest(run: Run, whole: Analysis) -> None:
    folder = attempt(run, "01-io-sync_def")
    log = folder / "latency.hlog"
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    (folder / "samples.jsonl").unlink()
    shutil.rmtree(folder / "probe")
    found = analyse(run)
    judged, before = trial(found, "01-io-sync_def"), trial(whole, "01-io-sync_def")
    assert found.broken == ()
    assert {f.code for f in judged.findings} == {"log_cut_off", "samples_missing", "probe_silent"}
    assert judged.valid
    assert judged.phases["capacity"].goodput_rps == before.phases["capacity"].goodput_rps
    assert judged.phases["capacity"].target_cpu_s is None
    assert cell(found, "sync_def", "io").capacity == cell(whole, "sync_def", "io").capacity


def test_an_open_loop_whose_cost_was_not_recorded_says_so(run: Run) -> None:
    """As in runs of the release that took no sample when an open loop's last request had ended."""
    folder = attempt(run, "01-io-sync_def")
    last = max(phase.end_s for phase in trial(analyse(run), "01-io-sync_def").record.phases)
    samples = (folder / "samples.jsonl").read_text().splitlines()
    kept = [line for line in samples if msgspec.json.decode(line)["t_s"] <= last and ":drained" not in line]
    (folder / "samples.jsonl").write_text("\n".join(kept) + "\n")
    judged = trial(analyse(run), "01-io-sync_def")
    (found,) = judged.findings
    assert (found.code, found.level) == ("cost_unknown", "info")
    assert judged.phases["rate-70"].target_cpu_s_per_1000 is None
    assert judged.phases["rate-70"].target_cpu_s is not None


def test_a_raw_file_that_cannot_be_read_is_named(run: Run) -> None:
    path = attempt(run, "01-io-sync_def") / "latency.hlog"
    path.unlink()
    path.mkdir()
    found = analyse(run)
    assert [line for line in found.broken if str(path) in line]
    assert trial(found, "01-io-sync_def").phases["capacity"].target_cpu_s is not None


def test_a_folder_without_trials_has_cells_and_no_decision(run: Run) -> None:
    shutil.rmtree(run.path / "trials")
    found = analyse(run)
    assert (found.trials, found.comparisons, found.decisions) == ((), (), ())
    assert {c.status for c in found.cells} == {"missing", "not_applicable", "failed"}


def test_a_run_of_another_schema_version_is_refused(run: Run) -> None:
    record = msgspec.structs.replace(run.read(), schema_version=99)
    run.record_path.write_bytes(to_json(record))
    with pytest.raises(StoreError, match="schema_version 99"):
        analyse(run)


def test_everything_failed(run: Run) -> None:
    for spec in run.read().plan:
        for each in run.attempts(spec):
            if each.is_complete:
                each.write(msgspec.structs.replace(each.read(), status="failed", error="no port", phases=()))
    found = analyse(run)
    assert found.decisions == ()
    assert cell(found, "sync_def", "io").status == "failed"
    assert cell(found, "sync_def", "io").error == "no port"


def test_one_block_has_figures_and_no_intervals(tmp_path: Path) -> None:
    found = analyse(write_synthetic_run(tmp_path / "run", workloads=("io",), blocks=1, phase_s=2.0, peculiar=False))
    assert {c.verdict for c in found.comparisons} == {"open"}
    assert all(c.ratio.low is None for c in found.comparisons)
    assert found.decisions[0].capacity.low is None
