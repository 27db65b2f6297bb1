"""Claims about how large something should be: pools of threads, processes and connections, and workers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.analysis.causes import POOL_SHARE
from harness.analysis.claims.claim_part import Draft, Missing, Part, beats, does_not_beat, more_than
from harness.analysis.claims.contrasts import Contrasts
from harness.analysis.claims.counted import free_loop

_POOLS = ("threads", "processes", "tokens")  # parameters that are the size of one
_CONNECTIONS = "connections"
_DATABASE = "postgres"  # the service


def workers_match_cores(run: Contrasts) -> Draft:
    """On every workload, other numbers of workers against one for each core, with nothing else changed."""
    cases: list[Sequence[Part]] = [
        _numbers_of_workers(run, workload.name, sizes)
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
    """In each sweep the largest pool against the best of the smaller ones."""
    cases: list[Sequence[Part]] = []
    for workload in run.run.workloads:
        for param in _POOLS:
            for *smaller, largest in run.sweeps(param, workload.name):
                best = run.largest_capacity(workload.name, smaller)
                cases.append([run.capacity(workload.name, largest, best, does_not_beat, choices=len(smaller))])
    return Draft(
        id="bigger_pools",
        claim="A bigger pool of threads or processes is not always faster",
        cases=cases or [[Missing("no pool has valid slices in several sizes")]],
        command="bench sweep async_thread_pool threads=1,4,16,64,256 -w io -w cpu",
        one_is_enough=True,
    )


def connection_pool(run: Contrasts) -> Draft:
    """Of each strategy with such a pool: how much of an answer's time is the wait for a connection, and whether the
    loop could run meanwhile. Of one that was measured with pools of several sizes: whether more connections, with
    nothing else changed, answer more."""
    cases: list[Sequence[Part]] = []
    for workload in [each for each in run.run.workloads if _DATABASE in each.services]:
        sweeps = run.sweeps(_CONNECTIONS, workload.name)
        swept = {name for names in sweeps for name in names}
        for smallest, *_, largest in sweeps:
            more = run.capacity(workload.name, largest, smallest, beats)
            cases.append([more, free_loop(run, workload.name, smallest)])
        for name in run.pooled(workload.name):
            if name not in swept:
                share = run.share_of_pool(workload.name, name, more_than(POOL_SHARE))
                cases.append([share, free_loop(run, workload.name, name)])
    return Draft(
        id="connection_pool",
        claim="With a database, requests wait for the connection pool and not for the event loop",
        cases=cases or [[Missing("no strategy has a valid slice with a database")]],
        command="bench run -w db -w db_io",
    )


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
