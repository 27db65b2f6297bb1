from __future__ import annotations

from itertools import islice
from math import ceil

import numpy as np
import pytest
from scipy import stats

from harness.calibration.laws import (
    CYCLE_S,
    FREEZE_S,
    MEDIAN_MS,
    SIGMA,
    Law,
    dealt_ms,
    freeze_ms,
    lognormal_ms,
    truth_ms,
)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.99, 0.999])
def test_the_log_normal_quantiles_are_scipys(share: float) -> None:
    assert lognormal_ms(share) == pytest.approx(stats.lognorm.ppf(share, SIGMA, scale=MEDIAN_MS))


@pytest.mark.parametrize("cards", [600, 734, 921])
def test_the_delays_dealt_have_the_quantiles_of_the_law(cards: int) -> None:
    dealt = sorted(islice(dealt_ms(seed=3, cards=cards), cards))
    for share in (0.5, 0.9, 0.99):
        rank = ceil(cards * share)
        assert dealt[rank - 1] == pytest.approx(lognormal_ms(rank / cards))
        assert dealt[rank - 1] == pytest.approx(lognormal_ms(share), rel=0.02)


def test_a_deck_is_shuffled_by_its_seed() -> None:
    first, again, other = (list(islice(dealt_ms(seed, 50), 50)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert sorted(first) == sorted(other)
    assert first != sorted(first)


def test_the_freeze_quantiles_are_those_of_uniform_arrivals() -> None:
    moments_s = np.linspace(0, CYCLE_S, 1_000_001)
    waits_ms = np.maximum(0, FREEZE_S - moments_s) * 1e3
    for share in (0.5, 0.72, 0.9, 0.99, 0.999):
        assert freeze_ms(share) == pytest.approx(np.quantile(waits_ms, share), abs=0.01)
    assert freeze_ms(0.99) == pytest.approx(1350)


def test_the_laws_about_counts_answer_at_once() -> None:
    assert truth_ms(Law.DROP, 0.99) == truth_ms(Law.WRONG, 0.99) == 0
