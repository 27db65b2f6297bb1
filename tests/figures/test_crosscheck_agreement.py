"""wrk and ours in turns on a real target: they find the same capacity."""

from pathlib import Path

import pytest

from harness.calibration import crosscheck, wrk
from harness.machine.environment import describe
from tests.bench_kit import CHECKOUT


@pytest.mark.measures
@pytest.mark.skipif(not wrk.is_installed(), reason="wrk is not installed")
def test_wrk_finds_the_same_capacity(tmp_path: Path) -> None:
    """On CPUs of their own, as `bench calibrate` has them: without, the scheduler is compared. One look cannot
    decide 5 % on a noisy machine (docs/cross-check.md); it does see a generator that is in the way."""
    found: list[str] = []
    cpus = describe(CHECKOUT).partition.available
    check, error = crosscheck.against_wrk(
        CHECKOUT,
        tmp_path,
        found.append,
        server_cpus=cpus[:1] if len(cpus) > 1 else None,
        generator_cpus=cpus[-1:] if len(cpus) > 1 else None,
        looks=crosscheck.LOOKS[:1],
    )
    assert not error
    assert check is not None
    assert len(found) == 1
    assert 0 < len(check.ratios) <= crosscheck.LOOKS[0]
    assert check.interval is not None
    if check.other_server_cores < crosscheck.BUSY_CORES or check.other_generator_cores >= crosscheck.FREE_CORES:
        assert check.passed is None  # one CPU, or somebody else uses it
        assert "the limit" in check.why_not
        return
    low, high = check.interval
    assert low < 1 + crosscheck.CROSS_CHECK_SHARE and high > 1 - crosscheck.CROSS_CHECK_SHARE, check
    assert 0.85 < check.ratio < 1.2, check
