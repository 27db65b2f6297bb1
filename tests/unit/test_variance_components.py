"""Known components, many draws: the estimates are right on average, also with a third of the data missing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean

import numpy as np
import pytest

from tests.figures.variance_components import Components, Observation, components, repetitions

STRATEGIES, BOOTS, ROUNDS = 5, 3, 4
BOOT, ROUND, RESIDUAL = 0.05**2, 0.10**2, 0.08**2
DRAWS = 400


def drawn(chance: np.random.Generator, *, boot: float, kept: float) -> list[Observation]:
    """Rounds belong to one boot of all servers, as they do when all are booted anew at once."""
    rounds = chance.normal(0, math.sqrt(ROUND), (BOOTS, ROUNDS))
    boots = chance.normal(0, math.sqrt(boot), (STRATEGIES, BOOTS))
    return [
        Observation(s, (s, b), (b, r), 3.0 * s + rounds[b, r] + boots[s, b] + chance.normal(0, math.sqrt(RESIDUAL)))
        for s in range(STRATEGIES)
        for b in range(BOOTS)
        for r in range(ROUNDS)
        if chance.random() < kept
    ]


def estimates(*, boot: float = BOOT, kept: float = 1.0) -> Iterator[Components]:
    chance = np.random.default_rng(11)
    for _ in range(DRAWS):
        found = components(drawn(chance, boot=boot, kept=kept))
        assert found is not None
        yield found


@pytest.mark.parametrize("kept", [1.0, 0.67])
def test_known_components_are_found_on_average(kept: float) -> None:
    found = list(estimates(kept=kept))
    # A tenth is three to four standard errors of a mean of 400 draws.
    assert fmean(one.residual.variance for one in found) == pytest.approx(RESIDUAL, rel=0.04)
    assert fmean(one.boot.variance for one in found if one.boot) == pytest.approx(BOOT, rel=0.12)
    assert fmean(one.round.variance for one in found if one.round) == pytest.approx(ROUND, rel=0.10)


def test_the_upper_ends_hold_what_is_true_as_often_as_they_say() -> None:
    found = list(estimates())
    for share in (
        fmean(one.boot is not None and one.boot.high >= BOOT for one in found),
        fmean(one.residual.high >= RESIDUAL for one in found),
    ):
        assert 0.91 <= share <= 0.98


def test_without_a_boot_effect_half_of_the_estimates_are_cut_off_at_zero() -> None:
    found = [one.boot.variance for one in estimates(boot=0.0) if one.boot]
    assert min(found) == 0
    assert 0.35 <= fmean(value == 0 for value in found) <= 0.70


def test_one_slice_a_boot_says_nothing_about_either() -> None:
    one_each = [Observation(s, (s, b), (s, b), 1.0) for s in range(3) for b in range(2)]
    assert components(one_each) is None


def test_repetitions_are_those_of_the_paper() -> None:
    # A boot costs 4 slices and varies half as much as a slice: sqrt(4 x 2).
    assert repetitions(1.0, 4.0, 0.02, 0.01) == pytest.approx(math.sqrt(8))
    assert repetitions(1.0, 4.0, 0.02, 0.0) == math.inf


def test_they_give_the_least_variance_in_a_given_time() -> None:
    slice_s, boot_s, residual, boot = 1.3, 2.5, 0.10**2, 0.03**2

    def variance(slices: float) -> float:
        boots = 600.0 / (boot_s + slices * slice_s)
        return boot / boots + residual / (boots * slices)

    best = repetitions(slice_s, boot_s, residual, boot)
    assert all(variance(best) < variance(best * factor) for factor in (0.7, 0.9, 1.1, 1.4))
