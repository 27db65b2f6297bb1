"""The universal scalability law: found where it holds, with intervals that contain the truth, and said nowhere else."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from harness.analysis.scalability import scalability_law
from harness.analysis.scalability_law import NoLaw, ScalabilityLaw
from harness.judging.estimate import Estimate
from harness.judging.simultaneous import RoundsFit

SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
RUNS = 40


def fitted(
    capacities: Sequence[float], scatter: float, seed: int, *, sessions: int = 3, rounds: int = 3, boots: float = 0.02
) -> RoundsFit:
    """As a run measures: each session boots all anew, and its rounds meet a machine of another speed each time."""
    chance = np.random.default_rng(seed)
    machine = chance.normal(0, 0.1, sessions * rounds)
    logs, boot_of = {}, {}
    for size, rps in zip(SIZES, capacities, strict=False):
        of_boot = chance.normal(0, boots, sessions)
        logs[f"{size:g}"] = {
            at: math.log(rps) + machine[at] + of_boot[at // rounds] + chance.normal(0, scatter)
            for at in range(sessions * rounds)
        }
        boot_of[f"{size:g}"] = {at: 1 + at // rounds for at in range(sessions * rounds)}
    return RoundsFit.of(logs, dict.fromkeys(logs, 0.0), boot_of)


def law_of(capacities: Sequence[float], scatter: float = 0.03, seed: int = 1, **how: float) -> ScalabilityLaw | NoLaw:
    sizes = SIZES[: len(capacities)]
    return scalability_law({size: f"{size:g}" for size in sizes}, fitted(capacities, scatter, seed, **how))


def usl(sigma: float, kappa: float, rate: float = 50.0) -> list[float]:
    return [rate * size / (1 + sigma * (size - 1) + kappa * size * (size - 1)) for size in SIZES]


def contains(estimate: Estimate | None, truth: float) -> bool:
    assert estimate is not None and estimate.low is not None and estimate.high is not None
    return estimate.low <= truth <= estimate.high


def test_where_nothing_scatters_its_parameters_are_found() -> None:
    law = law_of(usl(0.05, 0.004), scatter=0.0, boots=0.0)
    assert isinstance(law, ScalabilityLaw)
    assert law.sigma.value == pytest.approx(0.05, rel=1e-3)
    assert law.kappa.value == pytest.approx(0.004, rel=1e-3)
    assert law.peak is not None and law.peak.value == pytest.approx(math.sqrt(0.95 / 0.004), rel=1e-3)
    for size, rps in zip(SIZES, usl(0.05, 0.004), strict=True):
        assert law.capacity_rps(size) == pytest.approx(rps, rel=0.15)  # the machine's speed is common to all


@pytest.mark.parametrize(("sigma", "kappa"), [(0.05, 0.004), (0.3, 0.0), (0.0, 0.002), (0.0, 0.0)])
def test_its_intervals_contain_the_truth_in_nearly_all_runs(sigma: float, kappa: float) -> None:
    found = [law_of(usl(sigma, kappa), seed=seed) for seed in range(RUNS)]
    laws = [law for law in found if isinstance(law, ScalabilityLaw)]
    assert len(laws) >= 0.88 * RUNS  # it holds, and is denied in one of twenty by chance
    assert sum(contains(law.sigma, sigma) for law in laws) >= 0.88 * len(laws)
    assert sum(contains(law.kappa, kappa) for law in laws) >= 0.88 * len(laws)
    peaks = [law.peak for law in laws if law.peak is not None]
    if kappa == 0:
        assert len(peaks) <= 0.08 * len(laws)
    else:
        peak = max(1.0, math.sqrt((1 - sigma) / kappa))
        assert sum(contains(each, peak) for each in peaks) >= 0.86 * len(peaks)


@pytest.mark.parametrize(
    "capacities",
    [
        [10.0 * min(size, 8) for size in SIZES],  # larger than what the load can fill
        [10.0 * size**1.3 for size in SIZES],  # more than twice as much from twice as many
        [10.0, 20.0, 40.0, 20.0, 40.0, 20.0],
    ],
)
def test_a_curve_of_another_shape_does_not_follow_it(capacities: list[float]) -> None:
    denied = [law_of(capacities, scatter=0.02, seed=seed) for seed in range(5)]
    assert denied == [NoLaw("the capacities deviate from it by more than they scatter")] * 5


def test_few_sizes_or_slices_have_no_law() -> None:
    assert law_of(usl(0.05, 0.004)[:3]) == NoLaw("it has three parameters, so 4 sizes are the fewest, and 3 known")
    once = fitted(usl(0.05, 0.004), 0.03, 1, sessions=1, rounds=1)
    alone = scalability_law({size: f"{size:g}" for size in SIZES}, once)
    assert alone == NoLaw("there are too few slices to say how much the capacities scatter")


def test_a_size_without_a_slice_is_left_out_of_it() -> None:
    found = fitted(usl(0.05, 0.004), 0.03, 1)
    known = {size: f"{size:g}" for size in SIZES}
    assert scalability_law({**known, 64.0: "never"}, found) == scalability_law(known, found)


def test_what_is_smaller_than_one_is_no_size_of_it() -> None:
    found = fitted(usl(0.05, 0.004), 0.03, 1)
    names = dict(zip((0.0, 1.0, 2.0, 4.0), found.names, strict=False))
    assert scalability_law(names, found) == NoLaw("it is about sizes from 1 on")
