"""The strategies and workloads of a made-up run, and how each strategy would do."""

from __future__ import annotations

from dataclasses import dataclass

STRATEGIES = (
    "sync_def",
    "fake_async",
    "pure_async",
    "async_thread_pool",
    "pool_result_blocking",
    "multi_worker",
    "two_stage",
)
WORKLOADS = ("io", "cpu")
HOSTILE = "<script>alert('x')</script>"
USERS = 64
MIB = 1024 * 1024


@dataclass(frozen=True)
class Behaviour:
    """How a strategy would do on a workload: the numbers are drawn around these."""

    capacity_rps: float
    latency_ms: float
    cpu_ms: float
    loop_lag_ms: float = 1.0
    health_ms: float = 3.0
    limiter_waiting: int = 0


WAITING = {
    "sync_def": Behaviour(380.0, 105.0, 2.4, limiter_waiting=24),
    "fake_async": Behaviour(9.8, 101.0, 2.0, loop_lag_ms=102.0, health_ms=900.0),
    "pure_async": Behaviour(290.0, 180.0, 3.3, loop_lag_ms=9.0, health_ms=20.0),
    "async_thread_pool": Behaviour(395.0, 104.0, 2.3),
    "pool_result_blocking": Behaviour(9.7, 102.0, 2.2, loop_lag_ms=101.0, health_ms=950.0),
    "multi_worker": Behaviour(520.0, 103.0, 2.6, limiter_waiting=4),
    "two_stage": Behaviour(300.0, 150.0, 3.2),
}
COMPUTING = {
    "sync_def": Behaviour(110.0, 12.0, 9.0, loop_lag_ms=12.0, limiter_waiting=24),
    "fake_async": Behaviour(112.0, 9.5, 8.9, loop_lag_ms=15.0, health_ms=500.0),
    "pure_async": Behaviour(111.0, 9.4, 8.9, loop_lag_ms=15.0, health_ms=480.0),
    "async_thread_pool": Behaviour(109.0, 12.0, 9.1, loop_lag_ms=11.0),
    "pool_result_blocking": Behaviour(105.0, 10.0, 9.4, loop_lag_ms=14.0, health_ms=500.0),
    "multi_worker": Behaviour(205.0, 10.0, 9.1, loop_lag_ms=7.0),
    "two_stage": Behaviour(195.0, 10.0, 9.8),
}


def behaviour(variant: str, workload: str) -> Behaviour:
    table = COMPUTING if workload == "cpu" else WAITING
    return table.get(variant, Behaviour(200.0, 120.0, 3.0))


def in_flight(variant: str) -> int | None:
    return {"sync_def": 40, "multi_worker": 40, "fake_async": 1, "pool_result_blocking": 1}.get(variant)
