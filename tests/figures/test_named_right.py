"""How many faults of the corpus are named right, and whether three runs say the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.apps_kit import corpus
from tests.apps_watched import found_in_all, wrong_with

RUNS = 3


@pytest.mark.measures
def test_three_runs_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    apps = corpus()
    runs = [found_in_all(apps, tmp_path / str(number)) for number in range(RUNS)]
    said = [
        {app.name: [(f.file, f.line, f.cause, f.where, f.route) for f in run[app.name]] for app in apps} for run in runs
    ]
    wrong = [{app.name: words for app in apps if (words := wrong_with(app, run[app.name]))} for run in runs]
    faulty = [app.name for app in apps if app.fault is not None]
    with capsys.disabled():
        print(f"\n{len(faulty)} apps with a fault and {len(apps) - len(faulty)} healthy ones, one request at a time")
        for number, each in enumerate(wrong, start=1):
            right = len(faulty) - len(set(each) & set(faulty))
            healthy = len(set(each) - set(faulty))
            print(f"  run {number}: {right} of {len(faulty)} named right, {healthy} healthy ones named")
            for name, words in each.items():
                print(f"    {name}: {words}")
        print(f"  the same in each run: {said.count(said[0]) == RUNS}")
    differing = {name for name in said[0] for run in said[1:] if run[name] != said[0][name]}
    assert differing == set()
    assert all(len(each) <= 0.05 * len(faulty) for each in wrong)
