from pathlib import Path
from typing import Any

import pytest

from harness.partition import TARGET_NICE, partition
from harness.profiles.loader import load_profile
from harness.trial import Bench


@pytest.mark.parametrize(("cores", "nice"), [(2, TARGET_NICE), (8, 0)])
def test_the_target_is_the_nicer_one_where_it_shares_its_cores(cores: int, nice: int) -> None:
    upstream: Any = None
    shared = partition(tuple(range(cores)), None, can_pin=True)
    assert Bench(Path(), load_profile("smoke"), shared, upstream).target_nice == nice
