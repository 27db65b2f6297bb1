"""A run folder that looks measured, written through `harness.results.store`: what analysis and report tests read.

Nothing here is a measurement. The plan and the phases are the harness's own; latencies are log-normal around what each
strategy would cost, and one machine-speed factor a round makes rounds differ the way a shared machine does. As in a
real run the servers of a session live side by side, so a boot has several slices, of the closed loop and of each rate.
With `peculiar` the folder also holds what goes wrong in real ones:

    two_stage x cpu                  not applicable
    pool_result_blocking x <first>   failed its preflight, with markup in the error
    fake_async x <first>             chokes at the lowest rate: its boot is killed; from then on all rates are skipped
    async_thread_pool x <first>      round 1: the server dies in the middle (markup in the error), a new boot goes on;
                                     last round of the closed loop: a slice that failed before its load
    pure_async x <first>             round 2: wrong answers
    multi_worker                     two workers, two probe files
    sync_def x <last>                boot 1 was interrupted: it has no boot.json
    all x <last>                     the harness was killed in the last round, after two slices: the boots of that time
                                     never ended, and the whole round was measured again on others an hour later
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from harness import plan
from harness.catalog.variants import variant_of
from harness.measuring.known import Known
from harness.results.records.baseline import default_baseline
from harness.results.records.machine_record import Environment, Partition
from harness.results.records.profile import Profile, RatePhase
from harness.results.records.run_record import Preflight, RunRecord
from harness.results.records.schema import SCHEMA_VERSION
from harness.results.records.strategy import ServerOptions, Strategy
from harness.results.records.workload import Request, Workload
from harness.results.store import Run
from harness.serving.asgi_server import resolved
from tests.synthetic_session import BEGAN_EPOCH_S, BEGAN_MONOTONIC_S, Session
from tests.synthetic_strategies import HOSTILE, MIB, STRATEGIES, USERS, WORKLOADS, behaviour, in_flight

SESSIONS = 2


def write_synthetic_run(
    path: Path,
    *,
    strategies: Sequence[str] = STRATEGIES,
    workloads: Sequence[str] = WORKLOADS,
    rounds: int = 3,
    seed: int = 1,
    phase_s: float = 4.0,
    rates_percent: Sequence[int] = (10, 30, 70),
    peculiar: bool = True,
) -> Run:
    """Write a complete run of two sessions to `path` (which must not exist) and open it; each has so many `rounds` of
    the closed loop. The same arguments write the same bytes."""
    rng = np.random.default_rng(seed)
    run = Run.create(path)
    record = run_record(
        strategies,
        workloads,
        rounds=rounds,
        seed=seed,
        phase_s=phase_s,
        rates_percent=rates_percent,
        peculiar=peculiar,
    )
    run.write(record)
    last_round = max(spec.round for spec in record.plan)
    round_speed = rng.lognormal(0.0, 0.15, last_round + 1)  # the machine's speed that round, common to its slices
    clock_s = BEGAN_MONOTONIC_S
    choked_rps: dict[tuple[str, str], float] = {}
    for _, specs in groupby(record.plan, key=lambda spec: (spec.workload, spec.session)):
        session = Session(run, record, tuple(specs), clock_s, rng, round_speed, choked_rps, peculiar=peculiar)
        clock_s = session.write() + 1.0
    return Run.open(path)


def run_record(
    strategies: Sequence[str],
    workloads: Sequence[str],
    *,
    rounds: int,
    seed: int,
    phase_s: float,
    rates_percent: Sequence[int],
    peculiar: bool,
) -> RunRecord:
    preflight = tuple(
        _preflight(variant, workload, workloads, peculiar) for workload in workloads for variant in strategies
    )
    runnable = [(check.workload, check.variant) for check in preflight if check.status == "ok"]
    groups = {
        workload: [names]
        for workload in workloads
        if (names := [variant for where, variant in runnable if where == workload])
    }
    best = {
        workload: max((behaviour(s, workload).capacity_rps for w, s in runnable if w == workload), default=1.0)
        for workload in workloads
    }
    profile = Profile(
        title="A synthetic run",
        workloads=tuple(workloads),
        sessions=SESSIONS,
        rounds=rounds,
        users=USERS,
        warmup_s=1.0,
        capacity_s=phase_s,
        rates=tuple(RatePhase(float(percent), phase_s) for percent in rates_percent),
        pilot_warmup_s=1.0,
        pilot_capacity_s=2.0,
        max_in_flight=256,
        drain_s=2.0,
        request_timeout_s=10.0,
        health_rate_rps=5.0,
        ready_s=20.0,
        shutdown_s=5.0,
        quiet_s=5.0,
        seed=seed,
        name="synthetic",
    )
    return RunRecord(
        schema_version=SCHEMA_VERSION,
        id=f"20250101-000000-synthetic-{seed}",
        created_epoch_s=BEGAN_EPOCH_S,
        command="bench run --profile synthetic",
        profile=profile,
        strategies=tuple(_strategy(name, peculiar) for name in strategies),
        variants=tuple(variant_of(_strategy(name, peculiar), cores=2) for name in strategies),
        workloads=tuple(_workload(name) for name in workloads),
        baseline=default_baseline(strategies),
        instrument="abc",
        preflight=preflight,
        plan=plan.sessions(groups, profile, Known(preflight, ())),
        environment=Environment(
            system="Linux",
            kernel="6.1.0",
            machine="x86_64",
            cpu_model="Synthetic CPU @ 3.00GHz",
            logical_cpus=2,
            memory_bytes=8 * 1024 * MIB,
            python="3.11.9",
            packages={"fastapi": "0.115.0", "uvicorn": "0.30.0", "locust": "2.47.0"},
            partition=Partition(available=(0, 1), target=(0, 1), generator=(), quota_cores=None, pinned=False),
            hypervisor="KVM",
            git_commit="0123456789abcdef",
            notes=("2 cores: target, generator and services share them",),
        ),
        estimate_s=100.0,
        rates_rps={workload: plan.rates_rps(best[workload], profile) for workload in workloads},
        finished_epoch_s=1_735_690_200.0,
    )


def _preflight(variant: str, workload: str, workloads: Sequence[str], peculiar: bool) -> Preflight:
    if peculiar and (variant, workload) == ("two_stage", "cpu"):
        return Preflight(variant, workload, "not_applicable", f"{variant} defines no route /cpu")
    if peculiar and (variant, workload) == ("pool_result_blocking", workloads[0]):
        return Preflight(variant, workload, "failed", f"GET /{workload}: expected 42, got {HOSTILE!r}", boot_s=0.9)
    return Preflight(variant, workload, "ok", boot_s=0.9)


def _strategy(name: str, peculiar: bool) -> Strategy:
    title = {"sync_def": "Plain def on AnyIO's 40 threads", "pure_async": "async def, awaiting everything"}.get(
        name, name.replace("_", " ")
    )
    hostile = peculiar and name == "two_stage"
    return Strategy(
        name=name,
        title=f"Two stages {HOSTILE} & 'more'" if hostile else title,
        description=f"When to use {name}, and its trap.",
        path=f"targets/{name}.py",
        server=resolved(ServerOptions(workers="cores" if name == "multi_worker" else 1)),
        in_flight=in_flight(name),
        routes=("/io", "/cpu", "/health"),
    )


def _workload(name: str) -> Workload:
    waits = name != "cpu"
    return Workload(
        name=name,
        title={"io": "One upstream call", "cpu": "Pure Python", "fanout": "Three calls"}.get(name, name),
        description=f"What a request of {name} does.",
        path=f"scenarios/{name}.py",
        requests=(Request(f"/{name}", {"answer": 42}),),
        wait_ms=100.0 if waits else 0.0,
        calls=(3 if name == "fanout" else 1) if waits else 0,
    )
