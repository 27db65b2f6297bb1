"""The generator is not starved by a target that keeps every core busy."""

import pytest

from harness.machine.partition import TARGET_NICE
from tests.priority import measure


@pytest.mark.measures
@pytest.mark.parametrize("strategy", ["async_process_pool", "sync_def"])
def test_a_saturating_target_delays_sending_by_less_than_a_twentieth_of_what_it_makes_people_wait(
    strategy: str,
) -> None:
    lag = measure(strategy, nice=TARGET_NICE)
    print(f"\n{strategy}: {lag}")
    assert lag.response_p50_ms > 100, "it was to be saturated"
    assert lag.p99_ms <= lag.response_p50_ms / 20
    assert lag.p50_ms < 2
