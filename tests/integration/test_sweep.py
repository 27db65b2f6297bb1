"""`bench sweep` on a real server: the sizes do what they should, and what follows from them is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench_kit import TINY, Project


@pytest.mark.measures
def test_a_sweep_of_anyios_tokens_finds_the_size(tmp_path: Path) -> None:
    closed_loop_alone = TINY.replace("[{ percent = 30, duration_s = 0.4 }]", "[]")
    profile = closed_loop_alone.replace("users = 8", "users = 16")
    project = Project(tmp_path, ["sync_def"], profile=profile)
    ended = project.bench("sweep", "sync_def", "tokens=2,4", "--profile", "tiny.toml", "--rounds", "4", "--json")
    assert ended.measured_everything, ended.err
    found = json.loads(ended.out)
    (swept,) = found["sweeps"]
    assert (swept["strategy"], swept["workload"], swept["what"]) == ("sync_def", "io", "tokens")
    capacities = {point["size"]: point["capacity"]["value"] for point in swept["points"]}
    # A request waits for 100 ms, and 16 users ask; some answers more, since a slice is short.
    assert capacities[2.0] <= 25
    assert capacities[4.0] <= 50
    assert capacities[2.0] < capacities[4.0] < capacities[40.0] <= 170
    assert 40.0 in swept["knee"]
    ceilings = {cell["variant"]: cell["ceiling"]["because"] for cell in found["cells"]}
    assert ceilings["sync_def[tokens=4]"] == "4 in flight / 0.1 s"
    page = (project.run_folder / "report.html").read_text()
    assert "sync_def on io, by tokens" in page
    shown = project.bench("report", str(project.run_folder))
    assert "The best may lie beyond tokens = 40, the largest that was measured" in shown.out
    project.assert_nothing_is_left()
