"""How far each variant is from the best: intervals that hold for all at once, in runs as a run measures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from harness.analysis.gaps import Gap, gaps
from harness.judging.simultaneous import RoundsFit

RUNS = 200


def fitted(levels: Sequence[float], seed: int, scatter: float = 0.1, rounds: int = 9) -> RoundsFit:
    """Three boots of each, that differ by 3 %."""
    chance = np.random.default_rng(seed)
    machine = chance.normal(0, 0.2, rounds)
    logs, boots = {}, {}
    for at, level in enumerate(levels):
        of_boot = chance.normal(0, 0.03, 3)
        values = level + machine + of_boot[np.arange(rounds) // 3] + chance.normal(0, scatter, rounds)
        logs[f"v{at}"] = dict(enumerate(values.tolist()))
        boots[f"v{at}"] = {round: round // 3 for round in range(rounds)}
    return RoundsFit.of(logs, dict.fromkeys(logs, 0.0), boots)


@pytest.mark.parametrize(
    "levels",
    [
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.05, 0.1, 0.15, 0.2],
        [0.0, 1.0, 2.0, 2.3, 2.3],
        [0.0, 0.0, 0.0, 0.0, math.log(1.05) + 1e-9],  # just not within 5 %
    ],
)
def test_all_of_them_contain_the_truth_in_95_of_100_runs(levels: list[float]) -> None:
    best = max(levels)
    right = 0
    for seed in range(RUNS):
        found = gaps(fitted(levels, seed))
        right += all(gap.low <= best - level <= gap.high for gap, level in zip(found.values(), levels, strict=True))
    assert right >= 0.91 * RUNS  # of 200 runs, 182 with 95 %: less than one time in a hundred by chance


def test_what_may_be_the_best_begins_at_nothing_and_the_best_for_certain_is_nothing() -> None:
    found = gaps(fitted([0.0, 1.0, 2.0], seed=1, scatter=0.02))
    assert found["v2"] == Gap(0.0, 0.0)
    assert 0.8 < found["v1"].low < 1.0 < found["v1"].high < 1.2
    assert not found["v0"].may_be_near
    assert found["v2"].is_near


def test_without_common_rounds_nothing_keeps_anybody_out() -> None:
    apart = RoundsFit.of({"a": {1: 0.0, 2: 0.0, 3: 0.0}, "b": {4: 9.0, 5: 9.0, 6: 9.0}}, {"a": 0.01, "b": 0.01})
    assert gaps(apart) == {"a": Gap(0.0, math.inf), "b": Gap(0.0, math.inf)}


def test_one_round_says_nothing() -> None:
    once = RoundsFit.of({"a": {1: 0.0}, "b": {1: 3.0}}, {"a": 0.01, "b": 0.01})
    assert gaps(once) == {"a": Gap(0.0, math.inf), "b": Gap(0.0, math.inf)}
