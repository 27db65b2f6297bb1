"""What `--json` says of the decisions: other people's scripts read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.ending import write_report
from tests.synthetic_run import write_synthetic_run


def test_the_decisions_have_the_names_that_scripts_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_synthetic_run(tmp_path / "run", strategies=("sync_def", "pure_async", "fake_async"), peculiar=False)
    analysis = write_report(run, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert [decision["workload"] for decision in said["decisions"]] == [each.name for each in run.read().workloads]
    for decision, ours in zip(said["decisions"], analysis.decisions, strict=True):
        assert set(decision) == {"workload", "baseline", "winners", "comparisons", "no_gain_because"}
        assert decision["baseline"] == "sync_def"
        assert decision["winners"] == [ours.best, *ours.tied]
        named = {(made["variant"], made["metric"]) for made in decision["comparisons"]}
        assert named == {(v, m) for v in ("pure_async", "fake_async") for m in ("capacity_rps", "cpu_s_per_1000")}
        for made in decision["comparisons"]:
            assert set(made) == {"workload", "variant", "metric", "ratio", "verdict", "why"}
            assert made["workload"] == decision["workload"]
            assert made["verdict"] in {"faster", "slower", "same", "open"}
            assert made["ratio"]["low"] <= made["ratio"]["value"] <= made["ratio"]["high"]
    assert said["spent_s"] == pytest.approx(sum(trial.record.elapsed_s for trial in analysis.trials))
    assert said["left_out_share"] == 0.0
