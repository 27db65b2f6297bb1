"""What waits leave possible, with the sum spelled out."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judging.ceilings import cpu_ceiling, most_rps, waiting_ceiling
from harness.judging.figures import Ceiling
from harness.results.records.variant import Variant
from harness.results.records.workload import Request, Workload


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


def test_of_drawn_waits_the_mean_counts_and_chance_is_allowed_for() -> None:
    drawn = msgspec.structs.replace(workload(71.0, 1), wait_sigma=0.8)
    ceiling = waiting_ceiling(drawn, variant(40), users=100)
    assert ceiling == Ceiling(pytest.approx(400.2, rel=1e-3), "40 in flight / 0.1 s on average")
    fixed = workload(drawn.mean_wait_ms, 1)
    assert most_rps(ceiling, fixed, 1.0) < most_rps(ceiling, drawn, 1.0) < 1.2 * most_rps(ceiling, fixed, 1.0)
    assert most_rps(ceiling, drawn, 100.0) == pytest.approx(most_rps(ceiling, fixed, 100.0), rel=0.02)
