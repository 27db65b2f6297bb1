"""Claims about requests that wait for another service. Pure."""

from __future__ import annotations

import math

from harness.analysis.claims.claim_part import (
    Draft,
    about,
    beats,
    between,
    does_not_beat,
    falls_behind,
    more_than,
    run_command,
)
from harness.analysis.claims.contrasts import Contrasts
from harness.analysis.claims.counted import counted_errors
from harness.analysis.claims.timed import health_ratio, median_in_waits

# Twice as much would be two requests at a time, and half as much something else than a wait.
_ONE_AT_A_TIME = between(0.5, 2.0)
# So many waits are about one, with what a request takes beside them.
_ABOUT_ONE = 1.25
# /health in a server whose loop is free waits for the CPU, up to a few times as long as when nobody asks.
_STARVES = more_than(5.0)
# All but the client is the same code. Where it uses this many times the CPU, more than half of all is the client's.
_MOST_IS_THE_CLIENT = more_than(2.0)


def blocked_loop(run: Contrasts) -> Draft:
    return Draft(
        id="blocked_loop",
        claim=(
            f"A blocking call{_of_wait(run, 'io')} inside async def stops the event loop: one request at a time, and "
            "/health starves"
        ),
        cases=[
            [
                run.capacity("io", fake, threads, falls_behind),
                run.capacity_in_waits("io", fake, _ONE_AT_A_TIME),
                health_ratio(run, "io", fake, threads, _STARVES),
            ]
            for fake, threads in run.alike("fake_async", "sync_def")
        ],
        command=run_command(["io"], "sync_def", "fake_async"),
    )


def gathered_calls(run: Contrasts) -> Draft:
    """With each client, at a rate at which it keeps up. Blocking code makes the same calls one after the other."""
    workload = run.workload("fanout")
    calls = workload.calls if workload is not None and workload.calls > 1 else 0
    about_one = about(_ABOUT_ONE, math.sqrt(calls or 2))  # from there on it is nearer to all of them, by the factor
    return Draft(
        id="gathered_calls",
        claim=(
            f"{calls or 'Several'} calls{_of_wait(run, 'fanout')} that are awaited with gather take about as long as "
            "one of them, not as all"
        ),
        cases=[
            [median_in_waits(run, "fanout", name, about_one)]
            for strategy in ("pure_async_aiohttp", "pure_async")
            for (name,) in run.alike(strategy)
        ],
        command=run_command(["fanout"], "pure_async_aiohttp", "pure_async"),
    )


def blocking_result(run: Contrasts) -> Draft:
    """Where requests wait: the same pool, awaited, is what it could be."""
    return Draft(
        id="blocking_result",
        claim=(
            "future.result() inside async def is fake async again: a pool does the work, and still one request is "
            "served at a time"
        ),
        cases=[
            [run.capacity("io", result, awaited, falls_behind), run.capacity_in_waits("io", result, _ONE_AT_A_TIME)]
            for result, awaited in run.alike("pool_result_blocking", "async_thread_pool")
        ],
        command=run_command(["io"], "async_thread_pool", "pool_result_blocking"),
    )


def silent_blocking(run: Contrasts) -> Draft:
    return Draft(
        id="silent_blocking",
        claim="Blocking the event loop is silent: fewer requests are answered, and none ends in an error",
        cases=[
            [run.capacity("io", fake, threads, falls_behind), counted_errors(run, "io", fake)]
            for fake, threads in run.alike("fake_async", "sync_def")
        ],
        command=run_command(["io"], "sync_def", "fake_async"),
    )


def costly_client(run: Contrasts) -> Draft:
    """httpx against aiohttp under the same code, and against threads with httpx's blocking client."""
    return Draft(
        id="costly_client",
        claim=(
            "Async alone is not enough: with httpx it is no faster than plain def, since most of the CPU time of a "
            "request is the HTTP client's"
        ),
        cases=[
            [
                run.cpu_time("io", httpx, aiohttp, _MOST_IS_THE_CLIENT),
                run.capacity("io", aiohttp, httpx, beats),
                run.capacity("io", httpx, threads, does_not_beat),
            ]
            for httpx, aiohttp, threads in run.alike("pure_async", "pure_async_aiohttp", "sync_def")
        ],
        command=run_command(["io"], "pure_async", "pure_async_aiohttp", "sync_def"),
    )


def _of_wait(run: Contrasts, workload: str) -> str:
    known = run.workload(workload)
    return f" of {known.wait_ms:g} ms" if known is not None and known.wait_ms else ""
