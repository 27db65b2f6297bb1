"""Verdicts hold in 95 of 100 simulated runs: the families that `make test` has no time for."""

from __future__ import annotations

import pytest

from tests.unit.test_simulated_runs import FAMILIES, IN_CI, check_family


@pytest.mark.measures
@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in IN_CI])
def test_in_95_of_100_runs_all_verdicts_are_right(name: str) -> None:
    check_family(name)
