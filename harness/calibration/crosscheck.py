"""The capacity of a real FastAPI route, measured by ours and by wrk: they must find the same.

The route is `/health` of `pure_async`, its smallest. Slices alternate; the verdict is over the ratios of pairs.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from harness.calibration import wrk
from harness.calibration.ours import Ours
from harness.calibration.record import CrossCheck
from harness.catalog import Catalog
from harness.serving.server import Server

STRATEGY = "pure_async"
ROUTE = "/health"
ANSWER = {"status": "ok"}
PAIRS = 5
SLICE_S = 2
CONNECTIONS = 32
ALLOWED_SHARE = 0.05
# What wrk found is the server's capacity only if the server was busy and wrk was not.
BUSY_CORES = 0.9
FREE_CORES = 0.8
_READY_S = 20.0
_NO_UPSTREAM = "http://127.0.0.1:1"  # the route asks for none


class Slice(NamedTuple):
    """A stretch of load: what was counted, and the cores that server and generator used meanwhile."""

    rps: float
    server_cores: float = 0.0
    generator_cores: float = 0.0


def against_wrk(
    root: Path,
    folder: Path,
    on_line: Callable[[str], None],
    *,
    server_cpus: Sequence[int] | None,
    generator_cpus: Sequence[int] | None,
    pairs: int = PAIRS,
) -> CrossCheck:
    wrk.require()
    (strategy,) = Catalog.read(root).select_strategies([STRATEGY])
    with (
        Server.launch(
            strategy,
            root=root,
            workers=1,
            upstream_url=_NO_UPSTREAM,
            probe_dir=folder / "probe",
            log_path=folder / "server.log",
            cpus=server_cpus,
        ) as server,
        Ours(folder, "crosscheck", ROUTE, ANSWER, users=CONNECTIONS, cpus=generator_cpus) as ours,
    ):
        server.wait_ready(_READY_S)
        ours.wait_ready()
        address, url = (server.host, server.port), f"http://{server.host}:{server.port}{ROUTE}"

        def by_ours() -> Slice:
            before_s, generator_before_s = _cpu_s(server.supervisor_pid), _cpu_s(ours.supervisor_pid)
            record = ours.closed_loop("crosscheck", address, CONNECTIONS, SLICE_S)
            generator_cores = (_cpu_s(ours.supervisor_pid) - generator_before_s) / SLICE_S
            server_cores = (_cpu_s(server.supervisor_pid) - before_s) / SLICE_S
            return Slice(record.ok_in_window / SLICE_S, server_cores, generator_cores)

        def by_wrk() -> Slice:
            before_s = _cpu_s(server.supervisor_pid)
            said = wrk.run_wrk(folder, url, connections=CONNECTIONS, duration_s=SLICE_S, cpus=generator_cpus)
            return Slice(said.rps, (_cpu_s(server.supervisor_pid) - before_s) / SLICE_S, said.cores)

        by_wrk()  # the server warms up: the first slice would be the slower one, whoever's it is
        found: list[tuple[Slice, Slice]] = []
        for number in range(1, pairs + 1):
            # Each goes first as often as the other.
            if number % 2:
                first = by_ours()
                found.append((first, by_wrk()))
            else:
                first = by_wrk()
                found.append((by_ours(), first))
            mine, theirs = found[-1]
            on_line(f"against wrk, pair {number} of {pairs}: {mine.rps:,.0f} and {theirs.rps:,.0f} requests/s")
    return verdict(found)


def verdict(found: Sequence[tuple[Slice, Slice]]) -> CrossCheck:
    """From the pairs of slices, ours first."""
    ratios = tuple(mine.rps / theirs.rps for mine, theirs in found)
    ratio = statistics.median(ratios)
    other_generator_cores = statistics.median(theirs.generator_cores for _, theirs in found)
    other_server_cores = statistics.median(theirs.server_cores for _, theirs in found)
    why_not = _why_not(other_server_cores, other_generator_cores)
    return CrossCheck(
        other="wrk",
        route=f"{STRATEGY} {ROUTE}",
        ours_rps=statistics.median(mine.rps for mine, _ in found),
        other_rps=statistics.median(theirs.rps for _, theirs in found),
        ratio=ratio,
        ratios=ratios,
        generator_cores=statistics.median(mine.generator_cores for mine, _ in found),
        server_cores=statistics.median(mine.server_cores for mine, _ in found),
        other_generator_cores=other_generator_cores,
        other_server_cores=other_server_cores,
        passed=None if why_not else abs(ratio - 1) <= ALLOWED_SHARE,
        why_not=why_not,
    )


def _why_not(server_cores: float, wrk_cores: float) -> str:
    """Why wrk's figure is not the server's capacity; empty when it is."""
    if wrk_cores >= FREE_CORES:
        return f"wrk itself used {wrk_cores:.2f} of a core, so it may have been the limit ({FREE_CORES:g} is too much)"
    if server_cores < BUSY_CORES:
        return (
            f"the server used {server_cores:.2f} cores under wrk, so it was not the limit ({BUSY_CORES:g} are needed)"
        )
    return ""


def _cpu_s(supervisor_pid: int) -> float:
    """CPU time that the living processes of a tree have used until now."""
    times = [process.cpu_times() for process in psutil.Process(supervisor_pid).children(recursive=True)]
    return sum(spent.user + spent.system for spent in times)
