"""What no correct instrument could contradict, on the real thing: one run of the real strategies, then its evidence.

Bounds are generous, or ratios within a round: the machine is shared and noisy.
"""

from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import pytest

from harness.analysis.analyse import analyse
from harness.analysis.evidence import Analysis
from harness.catalog.catalog import Catalog
from harness.judging.figures import PhaseFigures
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseStatus
from harness.results.records.slice_record import SliceRecord
from harness.results.store import Run
from tests.bench_kit import Project
from tests.free_cores import least_gain, once_two_cores_are_free, speedup, two_processes

WAIT_S = 0.1
PROFILE = """
title = "physics"
workloads = ["io", "cpu"]
users = 64
users_by_workload = { cpu = 16, cpu_native = 16, tail = 40 }
sessions = 1
rounds = 1
warmup_s = 0.4
capacity_s = 1.0
rates = [{ percent = 20, duration_s = 1.0 }]
pilot_warmup_s = 0.4
pilot_capacity_s = 1.0
pilot_idle_s = 0.0
max_in_flight = 256
drain_s = 0.4
request_timeout_s = 10.0
health_rate_rps = 160.0
# What is judged here holds beside others, too: bounds are ratios in one run.
others_most_cores = 100.0
ready_s = 20.0
shutdown_s = 3.0
quiet_s = 0.0
"""
RATES = "rates = [{ percent = 20, duration_s = 1.0 }]"
CPU_PROFILE = PROFILE.replace(RATES, "rates = []").replace("capacity_s = 1.0", "capacity_s = 0.9")
# 40 users: then the waits alone limit whoever has 40 threads or more, and 125 % of that is more than 40 threads serve.
TAIL_PROFILE = PROFILE.replace(RATES, "rates = [{ percent = 125, duration_s = 1.5 }]").replace(
    "max_in_flight = 256", "max_in_flight = 512"
)
TAIL_PROFILE = TAIL_PROFILE.replace("capacity_s = 1.0", "capacity_s = 0.5")  # the pilot's, too: only the rate is judged
assert RATES in PROFILE
IO = ("fake_async", "sync_def", "pure_async_aiohttp")
DATABASE = ("sync_def", "asyncpg_pool", "fake_async")
CONNECTIONS, DB_WAIT_S, DB_CAPACITY_S = 15, 0.05, 0.6
CPU = ("async_process_pool", "async_thread_pool", "pool_result_blocking", "fake_async")
NATIVE = ("async_thread_pool", "fake_async")
TAIL = ("sync_def", "pure_async_aiohttp", "deadline")
DEADLINE_MS = 250.0


class Measured(NamedTuple):
    """`speedup`: how many times the work of one process two did, in the same time; the lower of before and after."""

    analysis: Analysis
    speedup: float


def analysed(project: Project, profile: str, workload: str, strategies: tuple[str, ...]) -> Analysis:
    """Of one run."""
    chosen = [part for name in strategies for part in ("-s", name)]
    ended = project.bench("run", "--profile", profile, "-w", workload, *chosen, "--results", workload)
    assert ended.measured_everything, ended.err
    (folder,) = (path for path in (project.root / workload).iterdir() if path.is_dir())
    project.assert_nothing_is_left()
    return analyse(Run.open(folder))


def with_speedup(project: Project, workload: str, strategies: tuple[str, ...]) -> Measured:
    """Around the run, a look at what the machine has to give: others may use a part of its two cores. It begins when
    they do not."""
    with two_processes() as pool:
        before = once_two_cores_are_free(pool)
        analysis = analysed(project, "cpu.toml", workload, strategies)
        return Measured(analysis, min(before, speedup(pool)))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Each workload is a run of its own, so that only the cells that are judged are measured."""
    made = Project(tmp_path_factory.mktemp("physics"), [*{*IO, *CPU, *NATIVE, *TAIL}])
    for name, text in (("io", PROFILE), ("cpu", CPU_PROFILE), ("tail", TAIL_PROFILE)):
        (made.root / f"{name}.toml").write_text(text)
    return made


@pytest.fixture(scope="module")
def measured_with_speedup(project: Project) -> Measured:
    """`io` and `cpu`."""
    io = analysed(project, "io.toml", "io", IO)
    cpu, available = with_speedup(project, "cpu", CPU)
    return Measured(
        analysis=Analysis(
            run=io.run,
            boots=(*io.boots, *cpu.boots),
            slices=(*io.slices, *cpu.slices),
            cells=(),
            comparisons=(),
            decisions=(),
        ),
        speedup=available,
    )


@pytest.fixture(scope="module")
def native(project: Project) -> Measured:
    return with_speedup(project, "cpu_native", NATIVE)


@pytest.fixture(scope="module")
def tail(project: Project) -> Analysis:
    return analysed(project, "tail.toml", "tail", TAIL)


@pytest.fixture(scope="module")
def measured(measured_with_speedup: Measured) -> Analysis:
    return measured_with_speedup.analysis


def capacities(measured: Analysis, workload: str, variant: str) -> list[float]:
    """In the order they were measured, a round each. The pilots are a round like the others: its variants are
    measured one right after the other, for as long."""
    found = [
        slice.phases["capacity"].goodput_rps
        for slice in sorted(measured.slices, key=lambda slice: slice.record.spec.round)
        if (slice.record.spec.workload, slice.record.spec.variant) == (workload, variant) and "capacity" in slice.phases
    ]
    assert len(found) == 2
    return found


def paired(numerators: list[float], denominators: list[float]) -> float:
    """The mean over rounds of the ratio within each."""
    return fmean(a / b for a, b in zip(numerators, denominators, strict=True))


def records(measured: Analysis) -> list[SliceRecord]:
    return [slice.record for slice in measured.slices]


def test_fake_async_serves_one_wait_at_a_time(measured: Analysis) -> None:
    assert all(rps <= 1.1 / WAIT_S for rps in capacities(measured, "io", "fake_async"))


def test_sync_def_is_bound_by_forty_threads(measured: Analysis) -> None:
    reached = capacities(measured, "io", "sync_def")
    assert all(rps <= 40 / WAIT_S for rps in reached)
    assert max(reached) >= 0.5 * 40 / WAIT_S  # the best: others on the machine take from it and never add


def test_the_event_loop_overlaps_more_waits_than_forty_threads(measured: Analysis) -> None:
    assert paired(capacities(measured, "io", "pure_async_aiohttp"), capacities(measured, "io", "sync_def")) > 1


def test_pure_python_scales_on_processes_and_not_on_threads(measured_with_speedup: Measured) -> None:
    measured, available = measured_with_speedup
    ratios = [
        pool / threads
        for pool, threads in zip(
            capacities(measured, "cpu", "async_process_pool"),
            capacities(measured, "cpu", "async_thread_pool"),
            strict=True,
        )
    ]
    print(f"\nprocess pool / thread pool: {ratios}; two processes / one: {available}")
    assert fmean(ratios) >= least_gain(available)


def test_work_that_releases_the_gil_scales_on_threads(native: Measured) -> None:
    measured, available = native
    threads, inline = (capacities(measured, "cpu_native", name) for name in NATIVE)
    print(f"\nthreads {threads} / inline {inline}; two processes / one: {available}")
    assert paired(threads, inline) >= least_gain(available)


def at_the_rate(tail: Analysis, variant: str) -> PhaseFigures:
    (found,) = (
        slice.phases["rate-125"]
        for slice in tail.slices
        if slice.record.spec.variant == variant and "rate-125" in slice.phases
    )
    return found


def p99_ms(tail: Analysis, variant: str) -> float:
    p99 = at_the_rate(tail, variant).response_p99
    assert p99 is not None
    return p99.value_ms


def test_forty_threads_make_the_tail_of_an_upstream_longer(tail: Analysis) -> None:
    """A quarter more arrives than 40 threads serve on average. All met the same arrivals and the same waits; what is
    beyond the waits is the queue for a thread."""
    sync, loop = p99_ms(tail, "sync_def"), p99_ms(tail, "pure_async_aiohttp")
    print(f"\np99 of sync_def {sync:.0f} ms, of pure_async_aiohttp {loop:.0f} ms")
    assert sync > 1.1 * loop


def test_no_right_answer_comes_after_the_deadline(tail: Analysis) -> None:
    with_deadline, without = p99_ms(tail, "deadline"), p99_ms(tail, "pure_async_aiohttp")
    print(f"\np99 with the deadline {with_deadline:.0f} ms, without {without:.0f} ms")
    assert with_deadline <= 1.1 * DEADLINE_MS < without
    outcomes = at_the_rate(tail, "deadline").outcomes
    assert set(outcomes) <= {"ok", "refused"}
    # One wait in 17 is longer than the deadline: log-normal, ln(250 / 71) / 0.8 = 1.57 standard deviations.
    assert outcomes[Outcome.REFUSED] / sum(outcomes.values()) == pytest.approx(0.058, abs=0.04)


def test_waiting_for_a_pool_inside_the_loop_is_no_better_than_computing_inline(measured: Analysis) -> None:
    ratio = paired(capacities(measured, "cpu", "pool_result_blocking"), capacities(measured, "cpu", "fake_async"))
    assert ratio <= 1.2


def test_a_blocked_loop_starves_the_health_check(measured: Analysis) -> None:
    """By its best slice, the pilot's or the one after: others on the machine only make an answer later."""
    best = {}
    for variant in ("fake_async", "pure_async_aiohttp"):
        found = [
            slice.phases["capacity"].health_p99
            for slice in measured.slices
            if (slice.record.spec.workload, slice.record.spec.variant) == ("io", variant) and "capacity" in slice.phases
        ]
        assert len(found) == 2
        best[variant] = min(p99.value_ms for p99 in found if p99 is not None)
    assert best["fake_async"] >= 10 * best["pure_async_aiohttp"]


def test_no_answer_comes_before_the_injected_wait(measured: Analysis) -> None:
    fastest_ms = [
        phase.min_service_ms
        for record in records(measured)
        for phase in record.phases
        if record.spec.workload == "io" and phase.min_service_ms is not None
    ]
    assert len(fastest_ms) > 12
    assert min(fastest_ms) >= WAIT_S * 1e3


def test_outcomes_add_up_to_the_arrivals(measured: Analysis) -> None:
    ran = [p for record in records(measured) for p in record.phases if p.status is not PhaseStatus.SKIPPED]
    assert all(phase.scheduled == sum(phase.outcomes.values()) > 0 for phase in ran)
    assert all(sum(p.health_outcomes.values()) == p.health_scheduled for p in ran)


def test_nothing_was_answered_wrongly(measured: Analysis) -> None:
    for record in records(measured):
        for phase in record.phases:
            assert set(phase.outcomes) <= {"ok", "timeout", "not_sent"}, (record.spec.id, phase.spec.name)


@pytest.fixture(scope="module")
def with_database(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    project = Project(tmp_path_factory.mktemp("database"), DATABASE)
    (project.root / "db.toml").write_text(CPU_PROFILE.replace("capacity_s = 0.9", f"capacity_s = {DB_CAPACITY_S}"))
    ended = project.bench("run", "--profile", "db.toml", "-w", "db")
    assert ended.measured_everything, ended.err
    assert not list(project.run_folder.glob("bench-*")), "the data of the database"
    project.assert_nothing_is_left()
    return analyse(Run.open(project.run_folder))


def test_a_database_pool_answers_no_more_than_its_connections_over_the_wait(with_database: Analysis) -> None:
    """What is in flight when the phase begins may be answered in it."""
    for variant in ("sync_def", "asyncpg_pool"):
        allowed_rps = CONNECTIONS / DB_WAIT_S * (1 + DB_WAIT_S / DB_CAPACITY_S)
        reached = capacities(with_database, "db", variant)
        assert all(rps <= allowed_rps for rps in reached), (variant, reached)
        assert max(reached) >= 0.4 * CONNECTIONS / DB_WAIT_S
    assert all(rps <= 1.1 / DB_WAIT_S for rps in capacities(with_database, "db", "fake_async"))


def test_where_the_pool_is_the_limit_requests_wait_for_a_connection_and_no_loop_is_blocked(
    with_database: Analysis,
) -> None:
    """40 threads and 64 coroutines for 15 connections: the others wait, for longer than the query takes."""
    for variant, at_once in (("sync_def", 40), ("asyncpg_pool", 64)):
        found = [slice.phases["capacity"] for slice in with_database.slices if slice.record.spec.variant == variant]
        assert max(phase.pool_waiting_max or 0 for phase in found) > 0.8 * (at_once - CONNECTIONS), variant
        assert max(phase.pool_waiting_max or 0 for phase in found) <= at_once - CONNECTIONS + 5, variant
        waits_ms = [phase.pool_wait_p50_ms for phase in found if phase.pool_wait_p50_ms is not None]
        assert waits_ms and min(waits_ms) > 0.5 * DB_WAIT_S * 1e3, variant
        lags_ms = [phase.loop_lag_p50_ms for phase in found if phase.loop_lag_p50_ms is not None]
        assert lags_ms and min(lags_ms) < DB_WAIT_S * 1e3, variant


def test_the_strategies_measured_are_those_of_the_project() -> None:
    names = {variant.name for variant in Catalog.read(Path(__file__).parents[2]).strategies}
    assert names >= {*IO, *CPU, *DATABASE, *NATIVE, *TAIL}
