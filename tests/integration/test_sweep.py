"""`bench sweep` on a real server: the sizes do what they should, and what follows from them is said."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bench_kit import Project


def test_a_sweep_of_anyios_tokens_finds_the_size(tmp_path: Path) -> None:
    project = Project(tmp_path, ["sync_def"])
    ended = project.bench("sweep", "sync_def", "tokens=1,3", "--profile", "tiny.toml", "--rounds", "4", "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    (swept,) = found["sweeps"]
    assert (swept["strategy"], swept["workload"], swept["what"]) == ("sync_def", "io", "tokens")
    capacities = {point["size"]: point["capacity"]["value"] for point in swept["points"]}
    assert list(capacities) == [1.0, 3.0, 40.0]
    # A request waits for 100 ms, and eight users ask.
    assert 6 < capacities[1.0] <= 10.5
    assert 18 < capacities[3.0] <= 31.5
    assert 45 < capacities[40.0] <= 84
    assert swept["knee"] == [40.0]
    assert swept["law"] == {
        "type": "NoLaw",
        "reason": "it has three parameters, so 4 sizes are the fewest, and 3 known",
    }
    ceilings = {cell["variant"]: cell["ceiling"]["because"] for cell in found["cells"]}
    assert ceilings["sync_def[tokens=3]"] == "3 in flight / 0.1 s"
    page = (project.run_folder / "report.html").read_text()
    assert "tokens = 40 is the smallest size within 5 % of the best." in page
    assert "sync_def on io, by tokens" in page
    shown = project.bench("report", str(project.run_folder))
    assert "sync_def on io: tokens = 40 is the smallest size within 5 % of the best. The best may lie" in shown.out
    project.assert_nothing_is_left()
