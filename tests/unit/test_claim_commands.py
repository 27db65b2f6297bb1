"""The command that a claim prints tests it: of what that command measures, the claim can be confirmed and refuted."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from harness.analysis.cells import cells
from harness.analysis.claims import judged_claims
from harness.catalog.dimensions import Dimensions
from harness.cli.command_line import commands
from harness.cli.order import order_of, sweeps_asked_for, swept_order
from harness.judging.ceilings import waiting_ceiling
from harness.machine import partition
from harness.measuring.measure import Order
from harness.plan import users_of_workload
from harness.results.records.machine_record import Partition
from harness.results.records.run_record import RunRecord
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload
from tests.bench_kit import CHECKOUT
from tests.claimed_runs import CORES, Doing, claims_of, made_slices_of
from tests.made_slices import PHASE_S
from tests.synthetic_run import run_record
from tests.unit.test_claims import IDS, STALLED

World = Callable[[str, Variant], Doing | float]


def by_strategy(**doing: Doing | float) -> World:
    return lambda workload, variant: doing[variant.strategy]


def by_size(param: str, doing: dict[int, Doing | float], **elsewhere: dict[int, Doing | float]) -> World:
    """`elsewhere`: on other workloads."""

    def found(workload: str, variant: Variant) -> Doing | float:
        size = variant.workers if param == "workers" else variant.params.get(param)
        is_baseline = not isinstance(size, int)  # which is measured beside them
        return 100.0 if is_baseline else elsewhere.get(workload, doing)[size]

    return found


def by_loop(**cpu_s_per_1000: float) -> World:
    return lambda workload, variant: Doing(620, cpu_s_per_1000=cpu_s_per_1000[variant.server.loop])


RISING: dict[int, Doing | float] = {1: 10, 4: 40, 16: 160, 64: 600}

# A world in which the claim is so, and one in which it is not; both as far as waits allow.
WORLDS: dict[str, tuple[World, World]] = {
    "blocked_loop": (by_strategy(sync_def=380, fake_async=STALLED), by_strategy(sync_def=9, fake_async=9)),
    "gathered_calls": (
        lambda workload, variant: Doing(300, response_ms=55),
        lambda workload, variant: Doing(300, response_ms=155),
    ),
    "processes_for_python": (
        by_strategy(async_thread_pool=110, async_process_pool=215, fake_async=120),
        by_strategy(async_thread_pool=110, async_process_pool=95, fake_async=112),
    ),
    "blocking_result": (
        by_strategy(async_thread_pool=395, pool_result_blocking=9.7),
        by_strategy(async_thread_pool=9, pool_result_blocking=9.9),
    ),
    "mixed_models": (
        by_strategy(two_stage=300, pure_async=100, async_thread_pool=105, async_process_pool=20),
        by_strategy(two_stage=80, pure_async=100, async_thread_pool=105, async_process_pool=20),
    ),
    "workers_match_cores": (
        by_size("workers", {1: 100, 2: 190, 4: 185}),
        by_size("workers", {1: 100, 2: 101, 4: 185}),
    ),
    "bigger_pools": (
        by_size("threads", RISING, cpu={1: 100, 4: 98, 16: 80, 64: 80}),
        by_size("threads", RISING, cpu={1: 100, 4: 150, 16: 200, 64: 200}),
    ),
    "faster_loop": (by_loop(uvloop=1.5, asyncio=2.0), by_loop(uvloop=2.0, asyncio=1.5)),
    "connection_pool": (
        by_size(
            "connections",
            {
                15: Doing(290, response_ms=200, pool_wait_ms=140),
                30: Doing(580, response_ms=60, pool_wait_ms=0.05),
            },
        ),
        by_size(
            "connections",
            {
                15: Doing(290, response_ms=60, pool_wait_ms=0.05),
                30: Doing(250, response_ms=60, pool_wait_ms=0.05),
            },
        ),
    ),
    "silent_blocking": (
        by_strategy(sync_def=380, fake_async=STALLED),
        by_strategy(sync_def=380, fake_async=replace(STALLED, timeouts=3)),
    ),
    "costly_client": (
        by_strategy(sync_def=390, pure_async=Doing(200, cpu_s_per_1000=9), pure_async_aiohttp=600),
        by_strategy(sync_def=390, pure_async=600, pure_async_aiohttp=600),
    ),
    "threads_without_gil": (
        by_strategy(async_thread_pool=190, fake_async=100),
        by_strategy(async_thread_pool=95, fake_async=100),
    ),
}


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as a made-up run has."""
    found = Partition(available=(0, 1), target=(0, 1), generator=(), quota_cores=None, pinned=False)
    assert len(found.target) == CORES
    monkeypatch.setattr(partition, "detect", lambda: found)
    monkeypatch.chdir(CHECKOUT)


@pytest.mark.usefixtures("two_cores")
@pytest.mark.parametrize("claim", IDS)
def test_what_its_command_measures_confirms_a_claim_or_refutes_it(claim: str) -> None:
    order = ordered_by(command_of(claim))
    verdicts = tuple(verdict_in(world, order, claim) for world in WORLDS[claim])
    assert verdicts == ("confirmed", "refuted")


def command_of(claim: str) -> str:
    return next(each.command for each in claims_of({("io", "sync_def"): Doing(100.0)}) if each.id == claim)


def ordered_by(command: str) -> Order:
    """As `bench` makes it of such a line."""
    bench: Any = typer.main.get_command(commands)
    _, name, *words = shlex.split(command)
    given = bench.commands[name].make_context(name, words).params
    asked = Dimensions.read(*(given.get(each) for each in ("server", "loop", "http", "client", "python")))
    params = sweeps_asked_for(given["swept"]) if name == "sweep" else {}
    strategies = list(params) or given["strategy"]
    results = Path("results")
    order, _ = order_of(given["profile"], strategies, given["workload"], None, None, results, None, asked=asked)
    if params:
        return swept_order(order, params, given["baseline"])
    return replace(order, baseline=given["baseline"])


def verdict_in(world: World, order: Order, claim: str) -> str:
    files = {file.name: file for file in order.strategies}
    doing = {
        (workload.name, variant.name): as_waits_allow(world(workload.name, variant), order, workload, variant)
        for workload in order.workloads
        for variant in order.variants
        if f"/{workload.name}" in files[variant.strategy].routes
    }
    run, slices = run_of(order), made_slices_of(doing)
    return next(each.verdict for each in judged_claims(run, slices, cells(run, slices)) if each.id == claim)


def run_of(order: Order) -> RunRecord:
    made = run_record(["sync_def"], ["io"], rounds=1, seed=1, phase_s=PHASE_S, rates_percent=(10,), peculiar=False)
    return msgspec.structs.replace(
        made,
        profile=order.profile,
        strategies=order.strategies,
        variants=order.variants,
        workloads=order.workloads,
        baseline=order.baseline,
    )


def as_waits_allow(doing: Doing | float, order: Order, workload: Workload, variant: Variant) -> Doing:
    doing = doing if isinstance(doing, Doing) else Doing(doing)
    users = users_of_workload(order.profile, workload.name)
    ceiling = waiting_ceiling(workload, variant, users=users)
    return doing if ceiling is None else replace(doing, rps=min(doing.rps, ceiling.rps))
