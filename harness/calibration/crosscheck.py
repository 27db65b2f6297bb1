"""The capacity of a real FastAPI route, measured by ours and by wrk: they must find the same.

The route is `/health` of `pure_async`, its smallest. Slices alternate; the verdict is over the ratios of pairs.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

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
_READY_S = 20.0
_NO_UPSTREAM = "http://127.0.0.1:1"  # the route asks for none


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

        def by_ours() -> float:
            before_s = ours.cpu_s()
            record = ours.closed_loop("crosscheck", address, CONNECTIONS, SLICE_S)
            cores.append((ours.cpu_s() - before_s) / SLICE_S)
            return record.ok_in_window / SLICE_S

        def by_wrk() -> float:
            return wrk.run_wrk(folder, url, connections=CONNECTIONS, duration_s=SLICE_S, cpus=generator_cpus)

        cores: list[float] = []
        by_wrk()  # the server warms up: the first slice would be the slower one, whoever's it is
        found: list[tuple[float, float]] = []
        for number in range(1, pairs + 1):
            # Each goes first as often as the other.
            if number % 2:
                ours_rps = by_ours()
                found.append((ours_rps, by_wrk()))
            else:
                wrk_rps = by_wrk()
                found.append((by_ours(), wrk_rps))
            on_line(f"against wrk, pair {number} of {pairs}: {found[-1][0]:,.0f} and {found[-1][1]:,.0f} requests/s")
    return verdict(found, statistics.median(cores))


def verdict(found: Sequence[tuple[float, float]], generator_cores: float) -> CrossCheck:
    """From the pairs (ours, wrk's) and how much of its core ours had in use."""
    ratios = tuple(ours_rps / other_rps for ours_rps, other_rps in found)
    ratio = statistics.median(ratios)
    return CrossCheck(
        other="wrk",
        route=f"{STRATEGY} {ROUTE}",
        ours_rps=statistics.median(ours_rps for ours_rps, _ in found),
        other_rps=statistics.median(other_rps for _, other_rps in found),
        ratio=ratio,
        ratios=ratios,
        generator_cores=generator_cores,
        passed=abs(ratio - 1) <= ALLOWED_SHARE,
    )
