from pathlib import Path
from typing import Any

import pytest

from harness.machine.partition import TARGET_NICE, partition
from harness.measuring.boot import RunSetup
from harness.measuring.subject import StrategyFiles
from harness.profiles.loader import load_profile


@pytest.mark.parametrize(("cores", "nice"), [(2, TARGET_NICE), (8, 0)])
def test_the_target_is_the_nicer_one_where_it_shares_its_cores(cores: int, nice: int) -> None:
    services: Any = None
    shared = partition(tuple(range(cores)), None, can_pin=True)
    assert RunSetup(Path(), load_profile("smoke"), shared, services, StrategyFiles(Path())).target_nice == nice


def test_server_and_generator_get_cpus_of_their_own_where_there_are_enough() -> None:
    services: Any = None
    apart = RunSetup(
        Path(), load_profile("smoke"), partition(tuple(range(8)), None, can_pin=True), services, StrategyFiles(Path())
    )
    assert apart.target_cpus and apart.generator_cpus
    assert not set(apart.target_cpus) & set(apart.generator_cpus)
    assert sorted([*apart.target_cpus, *apart.generator_cpus]) == list(range(8))
    shared = RunSetup(
        Path(), load_profile("smoke"), partition((0, 1), None, can_pin=True), services, StrategyFiles(Path())
    )
    assert (shared.target_cpus, shared.generator_cpus) == (None, None)
