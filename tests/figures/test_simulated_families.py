"""Verdicts hold in 95 of 100 simulated runs, and find what is there: those that `make test` has no time for."""

from __future__ import annotations

import pytest

from tests.simulated_runs import Conditions
from tests.unit.test_simulated_runs import FAMILIES, IN_CI, MORE_DIFFERENCES, check_difference, check_family


@pytest.mark.measures
@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in IN_CI])
def test_in_95_of_100_runs_all_verdicts_are_right(name: str) -> None:
    check_family(name)


@pytest.mark.measures
@pytest.mark.parametrize(("conditions", "speed", "share"), MORE_DIFFERENCES)
def test_a_true_difference_is_found(conditions: Conditions, speed: float, share: float) -> None:
    check_difference(conditions, speed, share)
