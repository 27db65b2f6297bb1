from __future__ import annotations

import json
import subprocess
import sys

import pytest

from harness.calibration.crosscheck import Slice, verdict
from harness.calibration.stock import percentile_ms
from harness.calibration.throughput import rate_rps
from harness.calibration.truth import CalibrationError
from harness.services.laws import Law, Seen


def seen(*answered: int) -> Seen:
    ticks = [(100 + number * 0.1, many) for number, many in enumerate(answered)]
    return Seen(law=Law.FAST, answered=answered[-1], dropped=0, wrong=0, ticks=ticks)


def test_the_rate_leaves_out_the_boot_the_ramps_and_the_end() -> None:
    steady = [2_000 * number for number in range(21)]
    slow_start = [0] * 10 + [1, 50, 300]
    answered = slow_start + [300 + many for many in steady] + [40_400] + [40_400] * 15
    assert rate_rps(seen(*answered)) == pytest.approx(20_000)


def test_a_server_that_was_not_asked_gives_no_rate() -> None:
    with pytest.raises(CalibrationError):
        rate_rps(seen(0, 0, 0))
    with pytest.raises(CalibrationError):
        rate_rps(seen(0, 10, 20))


def test_the_cross_check_is_over_pairs() -> None:
    """The machine's speed changes from pair to pair; within one it is the same."""
    check = verdict(
        [
            (Slice(1_000, 0.9, 0.3), Slice(1_010, 1.0, 0.1)),
            (Slice(2_000, 0.8, 0.4), Slice(1_990, 1.0, 0.3)),
            (Slice(3_000, 1.0, 0.5), Slice(3_050, 1.0, 0.2)),
        ]
    )
    assert check.ratio == pytest.approx(1_000 / 1_010)
    assert (check.ours_rps, check.other_rps) == (2_000, 1_990)
    assert (check.server_cores, check.other_server_cores) == (0.9, 1.0)
    assert (check.generator_cores, check.other_generator_cores) == (0.4, 0.2)
    assert check.passed


@pytest.mark.parametrize(("ours_rps", "passed"), [(951, True), (949, False), (1_049, True), (1_051, False)])
def test_five_percent_either_way_where_the_server_was_the_limit(ours_rps: float, passed: bool) -> None:
    check = verdict([(Slice(ours_rps), Slice(1_000, 0.9, 0.79))])
    assert check.passed is passed
    assert check.why_not == ""


@pytest.mark.parametrize("ours_rps", [1_000, 500])
@pytest.mark.parametrize(
    ("server_cores", "wrk_cores", "reason"),
    [
        (0.89, 0.2, "the server used 0.89 cores under wrk"),
        (1.0, 0.8, "wrk itself used 0.80 of a core"),
        (0.5, 1.0, "wrk itself used 1.00 of a core"),
    ],
)
def test_where_the_server_was_not_the_limit_there_is_no_verdict(
    ours_rps: float, server_cores: float, wrk_cores: float, reason: str
) -> None:
    check = verdict([(Slice(ours_rps), Slice(1_000, server_cores, wrk_cores))])
    assert check.passed is None
    assert check.why_not.startswith(reason)


def test_stock_percentiles_are_locusts_own() -> None:
    """Asked in a process of its own: importing Locust would patch this one."""
    cases = [({1: 50, 2: 40, 100: 9, 1000: 1}, percent) for percent in (0, 50, 89, 90, 91, 99, 99.9)]
    cases += [({3: 1}, 99), ({}, 50), ({0: 7, 10: 3}, 69)]
    source = (
        "from locust.stats import calculate_response_time_percentile as of\n"
        f"print([of(buckets, sum(buckets.values()), percent / 100) for buckets, percent in {cases}])"
    )
    said = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60)
    assert [percentile_ms(buckets, percent) for buckets, percent in cases] == json.loads(said.stdout)
