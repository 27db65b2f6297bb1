from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from harness.calibration.crosscheck import LOOKS, Pair, Turn, judge_ratio
from harness.calibration.laws import Law, Seen
from harness.calibration.stock_locust import percentile_ms
from harness.calibration.throughput import rate_rps
from harness.calibration.truth_server import CalibrationError


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


def pairs(*ratios: float, server_cores: float = 0.9, wrk_cores: float = 0.79) -> list[Pair]:
    """On a machine that is another one for each pair."""
    return [
        Pair(Turn(speed * ratio, 0.5, 0.9), Turn(speed, server_cores, wrk_cores))
        for speed, ratio in zip(itertools.cycle([1_000, 3_000, 2_000]), ratios, strict=False)
    ]


def test_the_cross_check_is_over_pairs() -> None:
    """The machine's speed changes from pair to pair; within one it is the same."""
    check = judge_ratio(
        [
            Pair(Turn(1_000, 0.9, 0.3), Turn(1_010, 1.0, 0.1)),
            Pair(Turn(2_000, 0.8, 0.4), Turn(1_990, 1.0, 0.3)),
            Pair(Turn(3_000, 1.0, 0.5), Turn(3_050, 1.0, 0.2)),
        ]
    )
    assert check.ratio == pytest.approx(1_000 / 1_010)
    assert check.ratios == pytest.approx((1_000 / 1_010, 2_000 / 1_990, 3_000 / 3_050))
    assert (check.ours_rps, check.other_rps) == (2_000, 1_990)
    assert (check.server_cores, check.other_server_cores) == (0.9, 1.0)
    assert (check.generator_cores, check.other_generator_cores) == (0.4, 0.2)


@pytest.mark.parametrize(
    ("centre", "passed"),
    [(0.8, False), (0.93, False), (0.95, None), (0.97, True), (1.0, True), (1.03, True), (1.05, None), (1.07, False)],
)
def test_five_percent_either_way_where_the_whole_interval_says_so(centre: float, passed: bool | None) -> None:
    check = judge_ratio(pairs(*(centre + 0.001 * number for number in range(-15, 16))))
    assert check.interval is not None
    assert check.ratio == pytest.approx(centre)
    assert check.interval[0] < check.ratio < check.interval[1]
    assert check.passed is passed
    assert bool(check.why_not) is (passed is None)


def test_a_few_wild_pairs_decide_nothing_and_hide_nothing() -> None:
    wild = [0.3, 0.5, 1.9, 3.0]
    assert judge_ratio(pairs(*[1.0] * 26, *wild)).passed is True
    assert judge_ratio(pairs(*[0.9] * 26, *wild)).passed is False


@pytest.mark.parametrize("ratios", [(1.0, 1.0, 1.0), (0.5, 0.5), tuple([0.8] * 15 + [1.2] * 15)])
def test_too_few_pairs_or_too_wide_a_scatter_decide_nothing(ratios: tuple[float, ...]) -> None:
    check = judge_ratio(pairs(*ratios))
    assert check.passed is None
    assert "does not decide" in check.why_not


@given(st.sampled_from(LOOKS), st.integers(0, 2**32 - 1))
def test_at_each_look_the_interval_misses_the_median_on_either_side_in_its_share_of_five_per_cent(
    count: int, seed: int
) -> None:
    """Its ends are those pairs that with a fair coin so few lie beyond as rarely; the next ones would be too near."""
    scattered = [math.exp(0.1 * gauss) for gauss in numpy.random.default_rng(seed).standard_normal(count)]
    check = judge_ratio(pairs(*scattered))
    assert check.interval is not None
    low, high = check.interval
    below = sum(ratio < low * (1 - 1e-9) for ratio in scattered)
    above = sum(ratio > high * (1 + 1e-9) for ratio in scattered)
    assert below == above
    assert binom.cdf(below, count, 0.5) <= 0.05 / len(LOOKS) < binom.cdf(below + 1, count, 0.5)


@pytest.mark.parametrize("ratio", [1.0, 0.5])
@pytest.mark.parametrize(
    ("server_cores", "wrk_cores", "reason"),
    [
        (0.89, 0.2, "the server used 0.89 cores under wrk"),
        (1.0, 0.8, "wrk itself used 0.80 of a core"),
        (0.5, 1.0, "wrk itself used 1.00 of a core"),
    ],
)
def test_where_the_server_was_not_the_limit_there_is_no_verdict(
    ratio: float, server_cores: float, wrk_cores: float, reason: str
) -> None:
    check = judge_ratio(pairs(*[ratio] * 20, server_cores=server_cores, wrk_cores=wrk_cores))
    assert check.passed is None
    assert check.why_not.startswith(reason)


def test_a_generator_that_cannot_keep_the_server_busy_is_found_out() -> None:
    """The server's idling under ours is no excuse: it is the fault that is looked for."""
    assert judge_ratio(pairs(*[0.6] * 20)).passed is False


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
