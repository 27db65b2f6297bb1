"""A run of layout 1 reads as today's, with the same meaning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.analysis.analyse import analyse
from harness.results.store import Run, StoreError
from tests.synthetic_run import write_synthetic_run


def as_layout_1(path: Path) -> None:
    """Rewrites the records of a run as layout 1 had them."""

    def older(item: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in item.items() if key != "variant"}
        return kept | {"strategy": item["variant"]}

    for record in path.glob("trials/*/*/trial.json"):
        content = json.loads(record.read_bytes())
        content |= {"schema_version": 1, "spec": older(content["spec"]) | {"seed": 7}}
        record.write_text(json.dumps(content))
    content = json.loads((path / "run.json").read_bytes())
    for name in ("variants", "baseline", "instrument"):
        del content[name]
    del content["profile"]["pilot_idle_s"]
    content |= {
        "schema_version": 1,
        "plan": [older(spec) | {"seed": 7} for spec in content["plan"]],
        "preflight": [older(check) for check in content["preflight"]],
    }
    (path / "run.json").write_text(json.dumps(content))


def test_an_old_run_gives_the_same_analysis(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run", blocks=2)
    before = msgspec.to_builtins(analyse(run))
    as_layout_1(run.path)
    after = msgspec.to_builtins(analyse(Run.open(run.path)))
    for part in ("cells", "comparisons", "decisions"):
        assert after[part] == before[part]
    assert after["run"]["variants"] == before["run"]["variants"]
    assert after["run"]["profile"] == before["run"]["profile"] | {"pilot_idle_s": 0.0}, "it had no idle phase"


@pytest.mark.parametrize(
    ("strategies", "baseline"),
    [(("pure_async", "sync_def"), "sync_def"), (("multi_worker", "pure_async"), "multi_worker")],
)
def test_an_old_run_is_compared_with_sync_def_or_the_first_that_was_planned(
    tmp_path: Path, strategies: tuple[str, ...], baseline: str
) -> None:
    run = write_synthetic_run(tmp_path / "run", strategies=strategies, peculiar=False)
    as_layout_1(run.path)
    assert Run.open(run.path).read().baseline == baseline
    assert {made.baseline for made in analyse(run).comparisons} == {baseline}


def test_what_is_no_record_of_any_layout_is_one_line(tmp_path: Path) -> None:
    run = write_synthetic_run(tmp_path / "run", blocks=1)
    for content, complaint in (
        ('{"schema_version": 1}', "is not a record of ours"),
        ('{"schema_version": 1, "environment": 3}', "is not a record of ours"),
        ('{"schema_version": 1, "environment": {"partition": null}}', "is not a record of ours"),
        ('{"schema_version": 99}', "schema_version 99 is not"),
    ):
        (run.path / "run.json").write_text(content)
        with pytest.raises(StoreError, match=complaint):
            run.read()
