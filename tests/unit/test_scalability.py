"""The universal scalability law: found where it holds, with intervals that contain the truth, and not said elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.analysis.scalability import scalability_law
from harness.analysis.scalability_law import NoLaw, ScalabilityLaw
from harness.judging.simultaneous import RoundsFit

SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


def fitted(capacities: list[float], scatter: float, seed: int, rounds: int = 8) -> RoundsFit:
    chance = np.random.default_rng(seed)
    machine = chance.normal(0, 0.1, rounds)
    logs = {
        f"{size:g}": {at: math.log(rps) + machine[at] + chance.normal(0, scatter) for at in range(rounds)}
        for size, rps in zip(SIZES, capacities, strict=True)
    }
    return RoundsFit.of(logs, dict.fromkeys(logs, 0.0))


def law_of(capacities: list[float], scatter: float = 0.03, seed: int = 1) -> ScalabilityLaw | NoLaw:
    return scalability_law({size: f"{size:g}" for size in SIZES}, fitted(capacities, scatter, seed))


def usl(size: float, rate: float, sigma: float, kappa: float) -> float:
    return rate * size / (1 + sigma * (size - 1) + kappa * size * (size - 1))


def test_its_parameters_are_found_with_intervals_that_contain_them() -> None:
    contains = []
    for seed in range(20):
        law = law_of([usl(size, 50, 0.05, 0.004) for size in SIZES], seed=seed)
        if isinstance(law, NoLaw):  # one of twenty deviates by chance
            contains.append(False)
            continue
        assert law.rate_rps == pytest.approx(50, rel=0.15)
        assert law.peak == pytest.approx(math.sqrt(0.95 / 0.004), rel=0.35)
        assert law.capacity_rps(4) == pytest.approx(usl(4, 50, 0.05, 0.004), rel=0.1)
        contains.append(
            all(
                each.low is not None and each.high is not None and each.low <= truth <= each.high
                for each, truth in ((law.sigma, 0.05), (law.kappa, 0.004))
            )
        )
    assert sum(contains) >= 15


def test_without_a_cost_of_coherence_it_has_no_peak() -> None:
    law = law_of([usl(size, 50, 0.1, 0.0) for size in SIZES])
    assert isinstance(law, ScalabilityLaw)
    assert law.peak is None


def test_a_pool_that_the_load_cannot_fill_does_not_follow_it() -> None:
    law = law_of([10.0 * min(size, 8) for size in SIZES], scatter=0.02)
    assert isinstance(law, NoLaw)
    assert "deviate" in law.reason


def test_too_few_sizes_or_slices_have_no_law() -> None:
    found = fitted([usl(size, 50, 0.05, 0.004) for size in SIZES], 0.03, 1)
    few = scalability_law({1.0: "1", 2.0: "2", 4.0: "4", 3.0: "never"}, found)
    assert few == NoLaw("3 sizes have a capacity, and a fit needs 4")
    once = fitted([usl(size, 50, 0.05, 0.004) for size in SIZES], 0.03, 1, rounds=1)
    alone = scalability_law({size: f"{size:g}" for size in SIZES}, once)
    assert isinstance(alone, NoLaw) and "too few slices" in alone.reason
