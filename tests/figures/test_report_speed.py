"""A long run is analysed and shown in seconds. CPU time: others may be using the machine."""

from pathlib import Path
from time import process_time

import pytest

from harness.analysis.analyse import analyse
from harness.report import page
from tests.synthetic_run import write_synthetic_run

STRATEGIES = (
    "sync_def",
    "fake_async",
    "pure_async",
    "pure_async_aiohttp",
    "async_thread_pool",
    "async_process_pool",
    "pool_result_blocking",
    "multi_worker",
    "two_stage",
)
WORKLOADS = ("io", "fanout", "cpu", "mixed")


@pytest.mark.measures
def test_a_200_slice_run_is_judged_in_seconds(tmp_path: Path) -> None:
    """The report has 15 s for everything; half of it is ours."""
    run = write_synthetic_run(tmp_path / "run", rounds=1, phase_s=8.0)
    analyse(run)  # imports and tables are made once
    began_s = process_time()
    slices = len(analyse(run).slices)
    took_s = 200 * (process_time() - began_s) / slices
    print(f"\n200 slices are judged in {took_s:.1f} s of CPU")
    assert took_s < 8.0


@pytest.mark.measures
def test_a_run_of_200_slices_is_analysed_and_shown_in_15_s(tmp_path: Path) -> None:
    run = write_synthetic_run(
        tmp_path / "run", strategies=STRATEGIES, workloads=WORKLOADS, rounds=5, phase_s=2.0, rates_percent=(10, 30, 70)
    )
    began_s = process_time()
    analysis = analyse(run)
    path = page.write_page(run, analysis)
    took_s = process_time() - began_s
    print(f"\n{len(analysis.slices)} slices are analysed and shown in {took_s:.1f} s of CPU")
    assert len(analysis.slices) >= 200
    assert took_s < 15
    assert path.stat().st_size < 5_000_000
