"""`bench sweep` on a real server: the sizes do what they should, and what follows from them is said."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bench_kit import TINY, Project


def test_a_sweep_of_threads_finds_the_size(tmp_path: Path) -> None:
    closed_loop_alone = TINY.replace("[{ percent = 30, duration_s = 0.4 }]", "[]")
    project = Project(tmp_path, ["async_thread_pool"], profile=closed_loop_alone)
    asked = ("sweep", "async_thread_pool", "threads=2,4,8", "--loop", "asyncio", "--profile", "tiny.toml")
    asked = (*asked, "--rounds", "4", "--json")
    refused = project.bench(*asked, "--add-to", "results/gone")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "bench: results/gone: no run.json there; name a folder that `bench run` wrote\n"
    ended = project.bench(*asked, "--add-to", "newest")
    assert ended.measured_everything, ended.err
    assert "not added to another report: results holds no run that `bench run` has measured" in ended.err
    found = json.loads(ended.out)
    (swept,) = found["sweeps"]
    assert (swept["strategy"], swept["workload"], swept["what"]) == ("async_thread_pool", "io", "threads")
    capacities = {point["size"]: point["capacity"]["value"] for point in swept["points"]}
    # A request waits for 100 ms, and 8 users ask; some answers more, since a slice is short.
    assert capacities[2.0] <= 25
    assert capacities[4.0] <= 50
    assert capacities[2.0] < capacities[4.0] < capacities[8.0] <= 90
    assert 8.0 in swept["knee"]
    page = (project.run_folder / "report.html").read_text()
    assert "async_thread_pool @ asyncio on io, by threads" in page
    assert {slice.spec.variant for slice in project.slices().values()} == {
        f"async_thread_pool[threads={size}] @ asyncio" for size in (2, 4, 8)
    }
    shown = project.bench("report", str(project.run_folder))
    assert "async_thread_pool @ asyncio on io: " in shown.out  # the rest: test_sweeps.py
    project.assert_nothing_is_left()
