"""Claims about requests that wait: for another service, or for a database. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.claims.claim_part import (
    Draft,
    Missing,
    Part,
    beats,
    between,
    does_not_beat,
    falls_behind,
    more_than,
    run_command,
)
from harness.analysis.claims.contrasts import Contrasts

# A loop that makes one call after the other makes 1 / wait a second, less what else it does. Short slices catch a
# request too many or too few.
_ONE_AT_A_TIME = between(1 / 1.25, 1.25)
_ALIKE = between(1 / 1.25, 1.25)
# /health in a server whose loop is free waits for the CPU, up to a few times as long as when nobody asks.
_STARVES = more_than(5.0)
# One wait, and the time that a server on a busy machine takes for the rest.
_WAITS_AT_MOST = 1.5
# All but the client is the same code. Where it uses this many times the CPU, more than half of all is the client's.
_MOST_IS_THE_CLIENT = more_than(2.0)


def blocked_loop(run: Contrasts) -> Draft:
    fake, threads = run.usual("fake_async"), run.usual("sync_def")
    case = (
        run.capacity("io", fake, threads, falls_behind),
        run.capacity_in_waits("io", fake, _ONE_AT_A_TIME),
        run.health("io", fake, threads, _STARVES),
    )
    return Draft(
        id="blocked_loop",
        claim="A blocking call inside async def stops the event loop: one request at a time, and /health starves",
        cases=[case],
        command=run_command(["io"], "sync_def", "fake_async"),
    )


def gathered_calls(run: Contrasts) -> Draft:
    """With each client, against blocking code, which makes the same calls one after the other."""
    workload = run.workload("fanout")
    calls = workload.calls if workload is not None and workload.calls > 1 else 3
    gathers = [name for name in map(run.usual, ("pure_async_aiohttp", "pure_async")) if run.has(name)]
    expected = between(0.0, _WAITS_AT_MOST / calls)
    return Draft(
        id="gathered_calls",
        claim=f"{calls} calls that are awaited with gather take about as long as one of them, and not as all {calls}",
        cases=[
            [run.latency("fanout", name, run.usual("sync_def"), expected)]
            for name in gathers or ["pure_async_aiohttp"]
        ],
        command=run_command(["fanout"], "sync_def", "pure_async", "pure_async_aiohttp"),
    )


def blocking_result(run: Contrasts) -> Draft:
    """Where requests wait: the same pool, awaited, is what it could be."""
    result, awaited, fake = map(run.usual, ("pool_result_blocking", "async_thread_pool", "fake_async"))
    there = [name for name in ("io", "mixed") if run.workload(name) is not None] or ["io"]
    return Draft(
        id="blocking_result",
        claim="future.result() inside async def is fake async again, though a pool does the work",
        cases=[
            [
                run.capacity(workload, result, awaited, falls_behind),
                run.capacity(workload, result, fake, _ALIKE),
            ]
            for workload in there
        ],
        command=run_command(["io", "mixed"], "async_thread_pool", "pool_result_blocking", "fake_async"),
    )


def silent_blocking(run: Contrasts) -> Draft:
    fake = run.usual("fake_async")
    return Draft(
        id="silent_blocking",
        claim="Blocking is silent: fewer requests are answered, and none of them fails",
        cases=[[run.capacity("io", fake, run.usual("sync_def"), falls_behind), run.errors("io", fake)]],
        command=run_command(["io"], "sync_def", "fake_async"),
    )


def costly_client(run: Contrasts) -> Draft:
    """httpx against aiohttp under the same code, and against threads with httpx's blocking client."""
    httpx = run.usual("pure_async")
    aiohttp = next(
        (each.name for each in run.run.variants if each.strategy == "pure_async" and "aiohttp" in each.params.values()),
        run.usual("pure_async_aiohttp"),
    )
    case = (
        run.cpu_time("io", httpx, aiohttp, _MOST_IS_THE_CLIENT),
        run.capacity("io", aiohttp, httpx, beats),
        run.capacity("io", httpx, run.usual("sync_def"), does_not_beat),
    )
    return Draft(
        id="costly_client",
        claim="Async alone is not enough: most of the CPU time of a request can be the HTTP client's",
        cases=[case],
        command=run_command(["io"], "pure_async", "pure_async_aiohttp", "sync_def"),
    )


def connection_pool(run: Contrasts) -> Draft:
    """More connections and nothing else changed: where that helps, requests had waited for connections. And a loop that
    could run meanwhile was not what they waited for."""
    cases: list[Sequence[Part]] = [
        (run.capacity(workload.name, largest, smallest, beats), run.free_loop(workload.name, smallest))
        for workload in run.workloads
        if "postgres" in workload.services or workload.name.startswith("db")
        for smallest, *_, largest in run.sweeps("connections", workload.name)
    ]
    return Draft(
        id="connection_pool",
        claim="With a database the connection pool is the bottleneck, and not the event loop",
        cases=cases or [[Missing("no strategy was measured on db with pools of several sizes")]],
        command="bench sweep sqlalchemy_sync connections=5,15,40 -w db --baseline 'sqlalchemy_sync[connections=5]'",
    )
