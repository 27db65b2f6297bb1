"""How long a run took is when its servers lived, side by side or one after the other."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judging.time_spent import time_spent_s
from harness.results.records.boot_record import BootRecord
from tests.made_slices import boot, phase_record, slice
from tests.made_slices import phase as figures_of

LIVES = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 40)), min_size=1, max_size=8)


def life(start_s: float, lived_s: float, *, session: int = 1, workload: str = "io", variant: str = "a") -> BootRecord:
    return boot(workload=workload, variant=variant, session=session, origin_monotonic_s=start_s, lived_s=lived_s)


def test_nothing_was_spent_on_nothing() -> None:
    assert time_spent_s([]) == 0.0


def test_servers_that_live_side_by_side_share_their_time_and_sessions_add_up() -> None:
    assert time_spent_s([life(0.0, 30.0), life(0.1, 29.0, variant="b"), life(20.0, 12.0)]) == pytest.approx(32.0)
    assert time_spent_s([life(0.0, 30.0), life(32.0, 30.0, session=2), life(64.0, 9.0, workload="cpu")]) == 69.0


def test_the_pause_before_a_resume_is_not_counted() -> None:
    """Not even a night; and after a restart of the machine its clock begins anew."""
    assert time_spent_s([life(100.0, 30.0), life(100.0 + 8 * 3600, 10.0)]) == pytest.approx(40.0)
    assert time_spent_s([life(90_000.0, 30.0), life(50.0, 10.0)]) == pytest.approx(40.0)


def test_a_server_that_died_with_the_harness_lived_until_its_last_slice_was_over() -> None:
    drained = msgspec.structs.replace(phase_record(figures_of()), drained_s=17.5)
    record = msgspec.structs.replace(slice().record, phases=(drained,))
    assert time_spent_s([boot(record, ended="", lived_s=0.0)]) == pytest.approx(17.5)
    assert time_spent_s([boot(number=1, ended="", lived_s=0.0, boot_s=1.5)]) == pytest.approx(1.5), "no slice yet"


@given(LIVES)
def test_it_is_every_second_in_which_a_server_lived_once(lives: list[tuple[int, int]]) -> None:
    seconds = {second for start, lived in lives for second in range(start, start + lived)}
    assert time_spent_s([life(float(start), float(lived)) for start, lived in lives]) == pytest.approx(len(seconds))
