from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.inside.bench_inside.lag import TICK_US, lags_us


def test_a_stall_counts_as_the_ticks_it_kept_from_coming() -> None:
    assert lags_us(100_000) == [100_000, 80_000, 60_000, 40_000, 20_000]
    assert lags_us(300) == [300]


@given(st.integers(0, 10_000_000))
def test_lags_are_those_of_recording_with_an_expected_interval(late_us: int) -> None:
    expected = [late_us]  # HdrHistogram's recordValueWithExpectedInterval, word for word
    missing_us = late_us - TICK_US
    while missing_us >= TICK_US:
        expected.append(missing_us)
        missing_us -= TICK_US
    assert lags_us(late_us) == expected
