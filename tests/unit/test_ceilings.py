"""What waits leave possible, with the sum spelled out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from unittest.mock import patch

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judging import ceilings
from harness.judging.ceilings import CountedWindow, counted_window, cpu_ceiling, most_answers, waiting_ceiling
from harness.judging.figures import Ceiling
from harness.plan import SETTLED_ANSWERS
from harness.results.records.phase_record import PhaseKind, PhaseRecord
from harness.results.records.variant import Variant
from harness.results.records.workload import SHORTEST_DRAWN_WAIT, Request, Workload
from tests.waves import answer_times, closed_loop, counted_phase


def workload(wait_ms: float, calls: int) -> Workload:
    return Workload("io", "t", "d", "p", (Request("/io", 1),), wait_ms=wait_ms, calls=calls)


def variant(in_flight: int | None, workers: int = 1) -> Variant:
    return Variant(name="s", strategy="s", title="t", path="p", workers=workers, in_flight=in_flight)


@pytest.mark.parametrize(
    ("calls", "in_flight", "workers", "expected"),
    [
        (1, 40, 1, Ceiling(400.0, "40 in flight / 0.1 s")),
        (1, None, 1, Ceiling(1000.0, "100 users / 0.1 s")),
        (1, 1, 1, Ceiling(10.0, "1 in flight / 0.1 s")),
        (1, 200, 1, Ceiling(1000.0, "100 users / 0.1 s")),
        (1, 40, 2, Ceiling(800.0, "40 in flight x 2 workers / 0.1 s")),
        (3, None, 1, Ceiling(1000.0, "100 users / 0.1 s")),
    ],
)
def test_the_smaller_of_users_and_what_is_in_flight(
    calls: int, in_flight: int | None, workers: int, expected: Ceiling
) -> None:
    found = waiting_ceiling(workload(100.0, calls), variant(in_flight, workers), users=100)
    assert found == expected


def test_every_call_takes_its_wait() -> None:
    found = waiting_ceiling(workload(100.0, 3), variant(40), users=100)
    assert found == Ceiling(pytest.approx(133.33, rel=1e-3), "40 in flight / (3 x 0.1 s)")


@pytest.mark.parametrize(
    ("in_flight", "connections", "workers", "expected"),
    [
        (40, 15, 1, Ceiling(300.0, "15 connections / 0.05 s")),
        (1, 15, 1, Ceiling(20.0, "1 in flight / 0.05 s")),
        (None, 15, 2, Ceiling(600.0, "15 connections x 2 workers / 0.05 s")),
        (None, None, 1, Ceiling(2000.0, "100 users / 0.05 s")),
    ],
)
def test_a_query_waits_with_one_of_the_connections(
    in_flight: int | None, connections: int | None, workers: int, expected: Ceiling
) -> None:
    asking = Workload("db", "t", "d", "p", (Request("/db", 1),), wait_ms=50.0, queries=1)
    pooled = msgspec.structs.replace(variant(in_flight, workers), connections=connections)
    assert waiting_ceiling(asking, pooled, users=100) == expected
    calling = msgspec.structs.replace(asking, queries=0, calls=1)
    without = waiting_ceiling(calling, variant(in_flight, workers), users=100)
    assert waiting_ceiling(calling, pooled, users=100) == without, "an upstream call needs no connection"


def test_where_nothing_waits_physics_has_no_ceiling() -> None:
    assert waiting_ceiling(workload(0.0, 0), variant(40), users=100) is None


@given(st.floats(1, 1000), st.integers(1, 5), st.integers(1, 200), st.integers(1, 200))
def test_a_ceiling_falls_with_the_wait_and_never_passes_the_users(
    wait_ms: float, calls: int, in_flight: int, users: int
) -> None:
    short = waiting_ceiling(workload(wait_ms, calls), variant(in_flight), users=users)
    long = waiting_ceiling(workload(2 * wait_ms, calls), variant(in_flight), users=users)
    assert short is not None and long is not None
    assert short.rps == pytest.approx(2 * long.rps)
    assert short.rps <= users / (wait_ms / 1000) * (1 + 1e-9)


def test_cpu_runs_out_by_what_a_request_was_measured_to_cost() -> None:
    assert cpu_ceiling(2, 9.0) == Ceiling(pytest.approx(222.2, rel=1e-3), "2 cores / 9 ms of CPU a request")
    assert cpu_ceiling(1, 9.0).because == "1 core / 9 ms of CPU a request"


def window_of(phases: Sequence[PhaseRecord]) -> CountedWindow:
    return counted_window(phases, phases[-1].spec.name)


def most(phases: Sequence[PhaseRecord], asked: Workload, strategy: Variant, users: int) -> float:
    ceiling = waiting_ceiling(asked, strategy, users=users)
    assert ceiling is not None
    return most_answers(ceiling, asked, window_of(phases))


@given(
    users=st.integers(1, 80),
    at_once=st.integers(1, 30),
    wait_ms=st.floats(20, 300),
    warmup_s=st.floats(0.01, 1.0),
    length_s=st.floats(0.05, 1.0),
    checks=st.booleans(),
    check_s=st.sampled_from([0.0, 0.002]),
)
def test_no_process_of_waits_answers_more_however_its_waves_fall(
    users: int, at_once: int, wait_ms: float, warmup_s: float, length_s: float, checks: bool, check_s: float
) -> None:
    """Without any tolerance, whatever the window and the warm-up are."""
    times_s = answer_times(users, at_once, lambda: wait_ms / 1000, warmup_s + length_s, checks=checks, check_s=check_s)
    phases = closed_loop(times_s, users, warmup_s, length_s)
    with patch.object(ceilings, "_TOLERANCE", 1.0):
        allowed = most(phases, workload(wait_ms, 1), variant(at_once), users)
    assert phases[-1].ok_in_window <= allowed + 1e-6  # of rounding


@pytest.mark.parametrize("users", [10, 64])
def test_it_is_reached(users: int) -> None:
    """Ten places: waves of ten after 0.1, 0.2 and 0.3 s."""
    times_s = answer_times(users, 10, lambda: 0.1, 0.35, checks=False)
    with patch.object(ceilings, "_TOLERANCE", 1.0):
        for warmup_s, right in ((0.05, 30), (0.15, 20), (0.25, 10)):
            phases = closed_loop(times_s, users, warmup_s, 0.35 - warmup_s)
            assert phases[-1].ok_in_window == right
            assert most(phases, workload(100.0, 1), variant(10), users) == pytest.approx(right)


@pytest.mark.parametrize(
    ("warmup_s", "before", "length_s", "right"),
    [(0.4, 0, 0.4, 56), (1.2424, 60, 1.5, 177), (1.7748, 120, 1.5, 170), (1.0057, 60, 1.3714, 120)],
)
def test_ten_threads_that_answered_64_users_in_waves_of_60_are_believed(
    warmup_s: float, before: int, length_s: float, right: int
) -> None:
    """As real slices were counted. 10 / 0.1 s are 100 a second, and the windows have up to 140."""
    phases = (
        counted_phase("warmup", PhaseKind.WARMUP, 64, 42.0, 42.0 + warmup_s, before),
        counted_phase("capacity", PhaseKind.CAPACITY, 64, 42.0 + warmup_s, 42.0 + warmup_s + length_s, right),
    )
    assert right <= most(phases, workload(100.0, 1), variant(10), 64)


@pytest.mark.parametrize(("at_once", "users"), [(1, 2), (2, 4), (10, 64), (40, 64), (64, 64)])
@pytest.mark.parametrize("checks", [False, True])
@pytest.mark.parametrize("answer_times_long", [3.0, None])
def test_half_as_many_again_are_too_many(
    at_once: int, users: int, checks: bool, answer_times_long: float | None
) -> None:
    """In 2 s, and in the shortest slice that a plan has; the warm-up is as long as a plan makes it. The strategy skips
    a third of each wait."""
    answer_s = users * 0.1 / at_once
    warmup_s = SETTLED_ANSWERS * answer_s
    length_s = 2.0 if answer_times_long is None else answer_times_long * answer_s
    times_s = answer_times(users, at_once, lambda: 0.1 / 1.5, warmup_s + length_s, checks=checks)
    phases = closed_loop(times_s, users, warmup_s, length_s)
    assert phases[-1].ok_in_window > most(phases, workload(100.0, 1), variant(at_once), users)


def test_what_a_load_began_with_is_nothing_and_a_drained_warm_up_is_another_load() -> None:
    drained = counted_phase("warmup", PhaseKind.WARMUP, 64, 1.0, 2.0, 30)
    later = counted_phase("capacity", PhaseKind.CAPACITY, 64, 2.5, 3.5, 90)
    assert window_of((drained, later)) == CountedWindow(90, 1.0, 64, 1.0, 0)
    assert window_of((drained, msgspec.structs.replace(later, start_s=2.0))) == CountedWindow(90, 1.5, 64, 2.5, 30)


def test_an_open_loop_counts_answers_for_longer_than_it_lasts() -> None:
    rate = counted_phase("rate-70", PhaseKind.RATE, 256, 1.0, 2.0, 98, min_service_ms=250.0)
    assert window_of((rate,)) == CountedWindow(98, 1.25, 256, 1.25, 0)


def test_of_drawn_waits_the_mean_counts_and_chance_is_allowed_for() -> None:
    drawn = msgspec.structs.replace(workload(71.0, 1), wait_sigma=0.8)
    ceiling = waiting_ceiling(drawn, variant(40), users=100)
    assert ceiling == Ceiling(pytest.approx(400.2, rel=1e-3), "40 in flight / 0.1 s on average")
    fixed = workload(drawn.mean_wait_ms, 1)
    for length_s, most_more in ((1.0, 1.4), (100.0, 1.03)):
        window = CountedWindow(0, length_s, 100, length_s, 0)
        few, many = most_answers(ceiling, fixed, window), most_answers(ceiling, drawn, window)
        assert few < many < most_more * few


def test_drawn_waits_answer_no_more_than_that() -> None:
    drawn = msgspec.structs.replace(workload(71.0, 1), wait_sigma=0.8)
    for seed in range(60):
        chance = np.random.default_rng(seed)
        draw = partial(_drawn_s, chance)
        phases = closed_loop(answer_times(64, 10, draw, 0.9, checks=bool(seed % 2)), 64, 0.4, 0.5)
        assert phases[-1].ok_in_window <= most(phases, drawn, variant(10), 64)


def _drawn_s(chance: np.random.Generator) -> float:
    return max(SHORTEST_DRAWN_WAIT, float(chance.lognormal(0.0, 0.8))) * 0.071
