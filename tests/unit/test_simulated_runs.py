"""Verdicts hold in 95 of 100 runs, and find what is there, in thousands of runs as docs/noise.md says they are."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.simulated_runs import Conditions, judged

RUNS = 200
# Three standard errors of a share of RUNS runs that is 5 %.
CHANCE = 3 * math.sqrt(0.05 * 0.95 / RUNS)
DIFFERENT = (1.0, 1.1, 1.2, 1.5, 2.0, 0.5, 0.9, 1.0, 1.0)
LOOKS = (4, 8, 16, 24)
TWENTY_PERCENT = (1.0, *[1.2] * 8)
TEN_PERCENT = (1.0, *[1.1] * 8)
UNTIL_DECIDED = (24, 64, 96, 128)  # as `--precision 5%` goes on, on one workload, in the time of `standard`

FAMILIES = {
    **{
        f"{boots} boots of {rounds} rounds that differ by {differ:.0%}": Conditions(boots, rounds, differ)
        for boots, rounds in ((2, 3), (2, 8), (3, 6), (4, 8))
        for differ in (0.0, 0.03, 0.06)
    },
    "slow spells, bursts, one that chokes": Conditions(3, 6, 0.03, (0.05, 0.1), spells=0.1, bursts=0.03, chokes=True),
    "half of the slices missing": Conditions(3, 8, 0.06, missing=0.5, chokes=True),
    "looks": Conditions(6, 4, 0.03, looks=LOOKS, chokes=True),
    "looks at long boots that differ": Conditions(3, 8, 0.06, looks=LOOKS, chokes=True),
    "looks at what differs": Conditions(6, 4, 0.03, speeds=DIFFERENT, looks=LOOKS, chokes=True),
    "looks at half of the slices": Conditions(6, 4, 0.06, missing=0.5, looks=LOOKS, chokes=True),
}


# The others take more time than `make test` has: tests/figures/test_simulated_families.py.
IN_CI = ("2 boots of 8 rounds that differ by 3%", "4 boots of 8 rounds that differ by 6%", "looks")
IN_CI += ("slow spells, bursts, one that chokes", "half of the slices missing")


@pytest.mark.parametrize("name", IN_CI)
def test_in_95_of_100_runs_all_verdicts_are_right(name: str) -> None:
    check_family(name)


def check_family(name: str) -> None:
    found = judged(FAMILIES[name], RUNS)
    print(f"\n{name}: {found}")
    assert found.false <= found.missed  # a verdict and its interval never disagree
    assert max(found.false, found.missed, found.lost) / RUNS <= 0.05 + CHANCE
    assert np.mean(found.covered) >= 0.93


# What is to be found, by how much it is faster, and in what part of the runs.
DIFFERENCES = [
    (Conditions(3, 8, 0.03, (0.08, 0.12), speeds=TWENTY_PERCENT, bursts=0.0), 1.2, 0.9),
    (Conditions(2, 4, 0.06, speeds=DIFFERENT), 2.0, 0.99),
    (Conditions(3, 8, 0.03, speeds=DIFFERENT, missing=0.5), 2.0, 0.99),
    (Conditions(6, 4, 0.03, (0.08, 0.12), speeds=DIFFERENT, looks=LOOKS, bursts=0.0), 1.2, 0.9),
]
# As above: tests/figures/test_simulated_families.py.
MORE_DIFFERENCES = [
    (Conditions(8, 8, 0.03, (0.08, 0.12), speeds=TEN_PERCENT, bursts=0.0), 1.1, 0.8),
    (Conditions(16, 8, 0.04, (0.1, 0.15), speeds=TEN_PERCENT, looks=UNTIL_DECIDED, bursts=0.0), 1.1, 0.9),
    (Conditions(6, 4, 0.03, speeds=DIFFERENT, looks=LOOKS, chokes=True), 2.0, 0.99),
]


@pytest.mark.parametrize(("conditions", "speed", "share"), DIFFERENCES)
def test_a_true_difference_is_found(conditions: Conditions, speed: float, share: float) -> None:
    check_difference(conditions, speed, share)


def check_difference(conditions: Conditions, speed: float, share: float) -> None:
    # The long runs take a third of a second.
    found = judged(conditions, 40 if conditions.looks == UNTIL_DECIDED else 120)
    print(f"\n{conditions}: {found}")
    assert found.found_share(speed) >= share


def test_measuring_stops_on_what_is_decided() -> None:
    twice = judged(Conditions(6, 4, 0.03, speeds=(1.0, *[2.0] * 8), looks=LOOKS), 60)
    print(f"\nall twice as fast: {twice}")
    assert np.mean(twice.slices) < 0.4 * 9 * 24
    assert twice.found_share(2.0) >= 0.99
