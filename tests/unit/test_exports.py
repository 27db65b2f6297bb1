"""`summary.csv` is tidy, complete and harmless; the Markdown is a table whatever a server wrote into its errors."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pandas as pd
import pytest

from harness.analysis.analyse import analyse
from harness.analysis.evidence import Analysis
from harness.report.exports import COLUMNS, markdown_summary, terminal_summary, write_summary_csv
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.store import Run, StoreError
from tests.made_slices import phase, slice
from tests.synthetic_run import write_synthetic_run
from tests.synthetic_strategies import HOSTILE


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return write_synthetic_run(tmp_path_factory.mktemp("results") / "run", rounds=2, phase_s=2.0)


@pytest.fixture(scope="module")
def analysis(run: Run) -> Analysis:
    return analyse(run)


@pytest.fixture(scope="module")
def table(run: Run, analysis: Analysis) -> pd.DataFrame:
    return pd.read_csv(write_summary_csv(run, analysis))


def test_a_row_is_one_metric_of_one_phase_of_one_slice(table: pd.DataFrame) -> None:
    assert tuple(table.columns) == COLUMNS
    assert not table.duplicated(["slice", "boot", "phase", "metric"]).any()
    assert table["value"].notna().all() and table["unit"].notna().all()


def test_every_figure_of_the_analysis_is_found_again(table: pd.DataFrame, analysis: Analysis) -> None:
    goodput = table[table.metric == "goodput_rps"].set_index(["slice", "boot", "phase"]).value
    for each in analysis.slices:
        for name, figures in each.phases.items():
            if figures.status is PhaseStatus.SKIPPED or figures.kind is PhaseKind.IDLE:
                continue
            assert goodput[each.record.spec.id, each.record.boot, name] == figures.goodput_rps
    medians = table[table.metric == "response_p50_ms"]
    assert len(medians) == sum(p.response_p50 is not None for t in analysis.slices for p in t.phases.values())


def test_a_skipped_phase_has_one_row_that_says_overloaded_and_no_goodput_to_average(table: pd.DataFrame) -> None:
    skipped = table[table.phase_status == "skipped"]
    assert len(skipped) > 0
    assert (set(skipped.metric), set(skipped.value)) == ({"overloaded"}, {1.0})
    overloaded = table[table.metric == "overloaded"]
    assert set(overloaded.value) == {0.0, 1.0}
    assert set(overloaded.phase_kind) == {"rate"}


def test_not_sent_is_too_late_and_no_error(analysis: Analysis, tmp_path: Path) -> None:
    outcomes = {Outcome.OK: 5, Outcome.NOT_SENT: 3, Outcome.TIMEOUT: 2, Outcome.HTTP_ERROR: 1, Outcome.WRONG_ANSWER: 1}
    outcomes[Outcome.REFUSED] = 4
    odd = slice("sync_def", 1, phase(outcomes=outcomes))
    path = write_summary_csv(Run.create(tmp_path / "run"), msgspec.structs.replace(analysis, slices=(odd,)))
    values = pd.read_csv(path).set_index("metric").value
    assert (values["errors"], values["too_late"], values["outcome_refused"]) == (2, 5, 4)


def test_what_nobody_answered_has_no_goodput(analysis: Analysis, tmp_path: Path) -> None:
    silent = slice("sync_def", 1, phase(0.0, outcomes={Outcome.TIMEOUT: 64}))
    path = write_summary_csv(Run.create(tmp_path / "run"), msgspec.structs.replace(analysis, slices=(silent,)))
    metrics = set(pd.read_csv(path).metric)
    assert "goodput_rps" not in metrics and "outcome_timeout" in metrics


def test_what_may_not_be_averaged_in_is_marked(table: pd.DataFrame) -> None:
    wrong = table[(table.variant == "pure_async") & (table.workload == "io")]
    assert set(wrong["round"]) >= {0, 1, 2, 3}
    assert not wrong.valid.any()
    choked = table[(table.phase == "rate-10") & (table.variant == "fake_async") & (table.workload == "io")]
    assert set(choked.phase_status) == {"choked", "skipped"}
    assert choked[choked.metric == "response_p99_ms"].at_least.tolist() == [True]
    assert table[table.metric == "goodput_rps"].at_least.isna().all()
    assert choked.offered_rps.notna().all()
    assert table[table.phase == "capacity"].offered_rps.isna().all()


def test_no_cell_is_a_formula(run: Run, analysis: Analysis, tmp_path: Path) -> None:
    record = msgspec.structs.replace(analysis.run, id='=HYPERLINK("http://x")')
    odd = slice("sync_def", 1, phase(name="@rate"))
    there = Run.create(tmp_path / "run")
    path = write_summary_csv(there, msgspec.structs.replace(analysis, run=record, slices=(odd,)))
    read = pd.read_csv(path)
    assert set(read.run) == {'\'=HYPERLINK("http://x")'}
    assert set(read.phase) == {"'@rate"}


def test_a_folder_that_cannot_be_written_is_named(analysis: Analysis, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"summary\.csv"):
        write_summary_csv(Run(tmp_path / "gone"), analysis)


def test_markdown_has_a_row_for_each_decision_and_a_line_for_each_slice_that_does_not_count(analysis: Analysis) -> None:
    lines = markdown_summary(analysis).splitlines()
    rows = [line for line in lines if line.startswith("| io |") or line.startswith("| cpu |")]
    assert len(rows) == len(analysis.decisions) == 2
    assert all(row.count(" | ") == 6 for row in rows)
    assert "`multi_worker`" in rows[0] and "[" in rows[0]
    spoilt = sum(not t.valid for t in analysis.slices)
    assert spoilt > 10, "ten are listed, the others are counted"
    assert sum(line.startswith("- `") for line in lines) == 10
    assert f"- and {spoilt - 10} more; see Slices in the report" in lines


def test_markdown_keeps_foreign_text_foreign(analysis: Analysis) -> None:
    text = markdown_summary(msgspec.structs.replace(analysis, broken=(f"a | b `c` {HOSTILE}\nd",)))
    assert "<script>" not in text
    assert "- a \\| b 'c' &lt;script&gt;" in text


def test_a_terminal_gets_lines_that_fit_it(analysis: Analysis) -> None:
    text = terminal_summary(analysis, 60)
    assert max(map(len, text.splitlines())) <= 60
    for decision in analysis.decisions:
        assert f"{decision.workload}: {decision.best}" in text
