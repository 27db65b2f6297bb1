"""What `--json` says of the decisions: other people's scripts read it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness.cli.ending import write_report
from harness.judging.time_spent import time_spent_s
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
        closed_loop = {(v, m) for v in ("pure_async", "fake_async") for m in ("capacity_rps", "cpu_s_per_1000")}
        assert {(v, m) for v, m in named if "@" not in m} == closed_loop
        at_rates = {m for _, m in named if "@" in m}
        assert {"p50_ms@rate-10", "p50_ms@rate-30"} <= at_rates
        assert all(re.fullmatch(r"(health_)?p(50|99)_ms@rate-(10|30|70)", metric) for metric in at_rates)
        for made in decision["comparisons"]:
            assert set(made) == {"workload", "variant", "metric", "ratio", "verdict", "why"}
            assert made["workload"] == decision["workload"]
            assert made["verdict"] in {"faster", "slower", "same", "open"}
            low, value, high = (made["ratio"][name] for name in ("low", "value", "high"))
            assert low <= value <= high if low is not None else "@" in made["metric"]
    assert said["spent_s"] == pytest.approx(time_spent_s(analysis.boots))
    assert said["spent_s"] >= sum(slice.record.elapsed_s for slice in analysis.slices), "with what was not measured"
    assert said["left_out_share"] == 0.0
