"""What all others are compared with: what was asked for, else the first of one documented order."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from harness.analysis.analyse import analyse
from harness.analysis.evidence import Analysis
from harness.cli.ending import write_report
from harness.report import exports, page
from harness.results.records.baseline import default_baseline
from harness.results.store import Run
from tests.synthetic_run import write_synthetic_run


@pytest.mark.parametrize(
    ("variants", "expected"),
    [
        (["fake_async", "sync_def", "two_stage"], "sync_def"),
        (["fake_async", "two_stage"], "fake_async"),
        (["pool[threads=8]", "pool[threads=4]"], "pool[threads=8]"),
        ([], None),
    ],
)
def test_sync_def_else_the_first_of_the_run(variants: list[str], expected: str | None) -> None:
    assert default_baseline(variants) == expected


def compared_with(folder: Path, baseline: str | None) -> tuple[Run, Analysis]:
    run = write_synthetic_run(folder, strategies=("sync_def", "pure_async", "multi_worker"), peculiar=False)
    run.write(msgspec.structs.replace(run.read(), baseline=baseline))
    return run, analyse(run)


def test_all_are_compared_with_the_runs_own_baseline_and_the_report_says_so(tmp_path: Path) -> None:
    run, analysis = compared_with(tmp_path / "run", "pure_async")
    assert {made.baseline for made in analysis.comparisons} == {"pure_async"}
    assert {made.variant for made in analysis.comparisons} == {"sync_def", "multi_worker"}
    assert all(decision.gain and decision.gain.baseline == "pure_async" for decision in analysis.decisions)
    assert "gain over pure_async" in exports.markdown_summary(analysis)
    assert " pure_async " in exports.terminal_summary(analysis, 100)
    text = page.write_page(run, analysis).read_text()
    assert "Gain over pure_async" in text
    assert "Gain over sync_def" not in text


def test_without_sync_def_there_are_comparisons_too(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run", strategies=("multi_worker", "pure_async"), peculiar=False)
    assert {(made.variant, made.baseline) for made in analyse(run).comparisons} == {("pure_async", "multi_worker")}


def test_before_a_baseline_is_chosen_nothing_is_compared(tmp_path: Path) -> None:
    _, analysis = compared_with(tmp_path / "run", None)
    assert analysis.comparisons == ()
    assert all(decision.gain is None for decision in analysis.decisions)


def test_where_the_baseline_has_no_valid_slice_every_reader_is_told_that_nothing_is_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_synthetic_run(tmp_path / "run", strategies=("sync_def", "pure_async", "multi_worker"), peculiar=False)
    for boot in run.boots("cpu", "sync_def"):
        record = boot.read()
        dead = (msgspec.structs.replace(slice, status="failed", error="killed by SIGSEGV") for slice in record.slices)
        boot.write(msgspec.structs.replace(record, slices=tuple(dead)))
    because = "the baseline sync_def has no valid slice there; --baseline NAME chooses another"
    analysis = write_report(run, as_json=True)
    decided = {one["workload"]: one["no_gain_because"] for one in json.loads(capsys.readouterr().out)["decisions"]}
    assert decided == {"io": "", "cpu": f"no comparison on cpu: {because}"}
    assert f"  no comparison on cpu: {because}" in exports.terminal_summary(analysis, 400).splitlines()
    assert f"- no comparison on cpu: {because}" in exports.markdown_summary(analysis).splitlines()
    html = run.report_path.read_text()
    for section in ("decisions", "comparisons"):
        (part,) = re.findall(rf'<section id="{section}">.*?</section>', html, re.DOTALL)
        assert part.count(f"No comparison on cpu: {because}.") == 1
        assert "No comparison on io" not in part
    nowhere = msgspec.structs.replace(analysis, comparisons=())
    assert "Nothing to compare" not in page.render(run, nowhere)
