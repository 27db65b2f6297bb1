from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.inside.bench_inside.lag import TICK_US, lags_us


def test_a_stall_counts_as_the_ticks_it_kept_from_coming() -> None:
    assert lags_us(100_000) == [100_000, 80_000, 60_000, 40_000, 20_000]
    assert lags_us(300) == [300]


def test_the_last_tick_that_a_stall_kept_from_coming_counts_however_little_it_was_late() -> None:
    assert lags_us(25_000) == [25_000, 5_000]
    assert lags_us(119_999) == [119_999, 99_999, 79_999, 59_999, 39_999, 19_999]


@given(st.integers(0, 10_000_000))
def test_lags_are_those_of_every_tick_that_fell_due_before_the_late_one_came(late_us: int) -> None:
    due_us = range(0, late_us, TICK_US)
    assert lags_us(late_us) == ([late_us - due for due in due_us] or [0])
