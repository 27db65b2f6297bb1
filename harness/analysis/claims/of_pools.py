"""Claims about how large something should be: pools of threads, processes and connections, and workers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from harness.analysis.causes import CORES_USED_UP, POOL_SHARE
from harness.analysis.claims.claim_part import Draft, Missing, Part, beats, does_not_beat, more_than
from harness.analysis.claims.contrasts import CONNECTIONS, Contrasts
from harness.analysis.claims.counted import free_loop
from harness.analysis.claims.timed import pool_share, rates_measured
from harness.analysis.filled_sizes import POOL_SIZES
from harness.results.records.workload import Workload

_DATABASE = "postgres"  # the service


def workers_match_cores(run: Contrasts) -> Draft:
    """Other numbers of workers against one for each core, with nothing else changed, wherever the cores are what
    counts: requests do not wait, or as many workers as cores use them up. Else a worker is more threads to wait in."""
    cases: list[Sequence[Part]] = [
        _numbers_of_workers(run, workload.name, sizes)
        if not workload.waits_s or _uses_up_cores(run, workload.name, sizes[run.cores])
        else [Missing(f"{sizes[run.cores]} did not use up the CPU on {workload.name}")]
        for workload in run.run.workloads
        for sizes in run.workers(workload.name)
        if run.cores in sizes
    ]
    numbers = ",".join(str(workers) for workers in sorted({1, run.cores, 2 * run.cores}))
    return Draft(
        id="workers_match_cores",
        claim=f"As many workers as cores ({run.cores}) is right: fewer waste cores, more do not help",
        cases=cases or [[Missing("no strategy has valid slices with as many workers as cores and with others")]],
        command=f"bench sweep multi_worker workers={numbers} -w cpu --baseline 'multi_worker[workers={run.cores}]'",
    )


def bigger_pools(run: Contrasts) -> Draft:
    """In each sweep the largest pool that the users can fill against the best of the smaller ones."""
    cases: list[Sequence[Part]] = []
    for workload in run.run.workloads:
        for param in POOL_SIZES:
            for *smaller, largest in run.sweeps(param, workload):
                best = run.largest_capacity(workload.name, smaller)
                cases.append([run.capacity(workload.name, largest, best, does_not_beat, choices=len(smaller))])
    return Draft(
        id="bigger_pools",
        claim="A bigger pool of threads or processes is not always faster",
        cases=cases or [[Missing("no pool has valid slices in several sizes that the users can fill")]],
        command="bench sweep async_thread_pool threads=1,4,16,64 -w io -w cpu",
        one_is_enough=True,
    )


def connection_pool(run: Contrasts) -> Draft:
    """Of each strategy with such a pool, as large as its file says, two things, each together with whether the event
    loop could run. Under full load, which is more requests than connections by the number of users: whether the next
    larger pool answers more. And at each rate: how much of an answer's time is the wait for a connection."""
    cases: list[Sequence[Part]] = []
    pooled = [(each, run.pooled(each.name)) for each in run.run.workloads if _DATABASE in each.services]
    for workload, names in pooled:
        cases += _larger_pools(run, workload)
        cases += [_at_rate(run, workload.name, name, rate) for name in names for rate in rates_measured(run, workload)]
    needed = "no strategy has a valid slice with a database"
    if any(names for _, names in pooled):
        needed = "neither a rate nor a larger pool than the files say was measured with a database"
    return Draft(
        id="connection_pool",
        claim="With a database, requests wait for the connection pool and not for the event loop",
        cases=cases or [[Missing(needed)]],
        command=(
            "bench sweep asyncpg_pool connections=15,30 -w db --profile standard "
            "--baseline 'asyncpg_pool[connections=15]'"
        ),
    )


def _at_rate(run: Contrasts, workload: str, variant: str, rate: str) -> Sequence[Part]:
    share = pool_share(run, workload, rate, variant, more_than(POOL_SHARE))
    # Alone, a loop that is free says nothing of the pool.
    return [share] if isinstance(share, Missing) else [share, free_loop(run, workload, variant, rate)]


def _larger_pools(run: Contrasts, workload: Workload) -> list[Sequence[Part]]:
    return [
        [run.capacity(workload.name, larger, usual, beats), free_loop(run, workload.name, usual)]
        for names in run.sweeps(CONNECTIONS, workload)
        for usual, larger in pairwise(names)
        if run.has_usual(CONNECTIONS, usual)
    ]


def _uses_up_cores(run: Contrasts, workload: str, variant: str) -> bool:
    phase = run.phase(workload, variant)
    used = phase.target_cores if phase is not None else None
    return used is not None and used.value >= CORES_USED_UP * run.cores


def _numbers_of_workers(run: Contrasts, workload: str, sizes: Mapping[int, str]) -> list[Part]:
    matching = sizes[run.cores]
    fewer = [sizes[number] for number in sorted(sizes) if number < run.cores]
    more = [sizes[number] for number in sorted(sizes) if number > run.cores]
    parts: list[Part] = [
        *(run.capacity(workload, matching, name, beats) for name in fewer),
        *(run.capacity(workload, name, matching, does_not_beat) for name in more),
    ]
    if not fewer and run.cores > 1:
        parts.append(Missing("fewer workers than cores were not measured"))
    if not more:
        parts.append(Missing("more workers than cores were not measured"))
    return parts
