"""Claims about requests that compute, and about the event loop's own cost. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.claims.claim_part import Draft, Missing, Part, beats, does_not_beat, falls_behind, run_command
from harness.analysis.claims.contrasts import Contrasts
from harness.results.records.text import count


def processes_for_python(run: Contrasts) -> Draft:
    return Draft(
        id="processes_for_python",
        claim=(
            f"On {count(run.cores, 'core')} a process pool computes more pure Python than a thread pool, and threads "
            "no more than inline code"
        ),
        cases=[
            [run.capacity("cpu", processes, threads, beats), run.capacity("cpu", threads, inline, does_not_beat)]
            for processes, threads, inline in run.alike("async_process_pool", "async_thread_pool", "fake_async")
        ],
        command=run_command(["cpu"], "async_thread_pool", "async_process_pool", "fake_async"),
    )


def mixed_models(run: Contrasts) -> Draft:
    """The single models: everything in coroutines, in threads, in processes. The first has the same HTTP client."""
    singles = ("pure_async", "async_thread_pool", "async_process_pool")
    return Draft(
        id="mixed_models",
        claim=(
            "Where a request waits and then computes, fetching with async httpx and computing in a process pool beats "
            "each model alone"
        ),
        cases=[
            [run.capacity("mixed", both, single, beats) for single in alone]
            for both, *alone in run.alike("two_stage", *singles)
        ],
        command=run_command(["mixed"], "two_stage", *singles),
    )


def threads_without_gil(run: Contrasts) -> Draft:
    cases: list[Sequence[Part]] = [[Missing("the target has one core, where nothing can run at once")]]
    if run.cores > 1:
        cases = [
            [run.capacity("cpu_native", threads, inline, beats)]
            for threads, inline in run.alike("async_thread_pool", "fake_async")
        ]
    return Draft(
        id="threads_without_gil",
        claim=(
            "CPU work that releases the GIL (compression, hashing, images) is faster on threads than inline, on "
            f"{count(run.cores, 'core')}"
        ),
        cases=cases,
        command=run_command(["cpu_native"], "fake_async", "async_thread_pool"),
    )


def faster_loop(run: Contrasts) -> Draft:
    """Every pair of variants that differ in the loop only, on every workload. CPU time is what a loop costs. How much
    is answered often is not the loop's to say: users, threads and waits limit it."""
    cases: list[Sequence[Part]] = [
        [run.cpu_time(workload.name, uvloop, asyncio, falls_behind)]
        for workload in run.run.workloads
        for uvloop, asyncio in run.loops(workload.name)
    ]
    return Draft(
        id="faster_loop",
        claim="uvloop is faster than asyncio's own loop: a request takes less CPU time",
        cases=cases or [[Missing("no strategy has valid slices with both loops")]],
        command="bench run -w io -s pure_async_aiohttp --loop asyncio,uvloop",
    )
