"""The capacity of a real FastAPI route, measured by our generator and by wrk: both must find the same.

The route is `/health` of `pure_async`, its smallest. The two take turns, and the verdict is about ratios of pairs: a
shared machine slows down for seconds at a time, by more than the difference that we look for. So pairs are added until
the interval of their median decides (`docs/cross-check.md`).
"""

from __future__ import annotations

import contextlib
import math
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import NamedTuple, cast

import psutil
from scipy.stats import quantile_test

from harness.calibration import wrk
from harness.calibration.cases import error_of
from harness.calibration.comparison_record import CrossCheck
from harness.calibration.our_generator import OurGenerator
from harness.calibration.truth_server import CalibrationError
from harness.catalog.catalog import Catalog
from harness.catalog.variants import variant_of
from harness.results.records.outcome import Outcome
from harness.serving.server import Server
from harness.serving.target import target_of

STRATEGY = "pure_async"
ROUTE = "/health"
HEALTH_ANSWER = {"status": "ok"}
CROSS_CHECK_TURN_S = 1  # wrk's shortest
# The pairs are judged after these numbers of them. The looks share an error rate of 5 % equally (Bonferroni). The test
# at each bound is one-sided (two one-sided tests: Schuirmann 1987), so each end of the interval leaves out that share.
LOOKS = (20, 40, 80, 160)
RATIO_CONFIDENCE = 1 - 2 * 0.05 / len(LOOKS)
# Enough to keep the server busy, and so few that every answer wakes the generator, ours or wrk. The server pays for the
# waking. With more connections ours is woken less often than wrk, so the server is faster under it
# (docs/cross-check.md).
CROSS_CHECK_CONNECTIONS = 4
CROSS_CHECK_SHARE = 0.05
# What wrk found is the server's capacity only if the server was busy and wrk was not.
BUSY_CORES = 0.9
FREE_CORES = 0.8
_READY_S = 20.0


class Turn(NamedTuple):
    """A stretch of load: what was counted, and the cores that server and generator used meanwhile."""

    rps: float
    server_cores: float = 0.0
    generator_cores: float = 0.0


class Pair(NamedTuple):
    """Both generators have counted something."""

    ours: Turn
    wrk: Turn

    @property
    def ratio(self) -> float:
        return self.ours.rps / self.wrk.rps


def against_wrk(
    root: Path,
    folder: Path,
    on_line: Callable[[str], None],
    *,
    server_cpus: Sequence[int] | None,
    generator_cpus: Sequence[int] | None,
    looks: Sequence[int] = LOOKS,
) -> tuple[CrossCheck | None, str]:
    """What the pairs say (None: there are none), and in one line what ended it early: a failed request, a server that
    died. The pairs until then are kept."""
    wrk.require()
    found: list[Pair] = []
    (strategy,) = Catalog.read(root).select_strategies([STRATEGY])
    with (
        Server.launch(
            target_of(variant_of(strategy, cores=1), root, {}),
            probe_dir=folder / "probe",
            log_path=folder / "server.log",
            cpus=server_cpus,
        ) as server,
        OurGenerator(
            folder, "crosscheck", ROUTE, HEALTH_ANSWER, users=CROSS_CHECK_CONNECTIONS, cpus=generator_cpus
        ) as ours,
    ):
        server.wait_ready(_READY_S)
        ours.wait_ready()
        address, url = (server.host, server.port), f"http://{server.host}:{server.port}{ROUTE}"

        def by_ours() -> Turn:
            began_s = monotonic()
            before_s, generator_before_s = _cpu_s(server.supervisor_pid), _cpu_s(ours.local_pid)
            record = ours.closed_loop("crosscheck", address, CROSS_CHECK_CONNECTIONS, CROSS_CHECK_TURN_S)
            if failed := record.scheduled - record.outcomes.get(Outcome.OK, 0):
                raise CalibrationError(f"{failed} of our {record.scheduled} requests failed")
            elapsed_s = monotonic() - began_s
            generator_cores = (_cpu_s(ours.local_pid) - generator_before_s) / elapsed_s
            server_cores = (_cpu_s(server.supervisor_pid) - before_s) / elapsed_s
            return Turn(record.ok_in_window / CROSS_CHECK_TURN_S, server_cores, generator_cores)

        def by_wrk() -> Turn:
            before_s = _cpu_s(server.supervisor_pid)
            said = wrk.run_wrk(
                folder, url, connections=CROSS_CHECK_CONNECTIONS, duration_s=CROSS_CHECK_TURN_S, cpus=generator_cpus
            )
            return Turn(said.rps, (_cpu_s(server.supervisor_pid) - before_s) / said.elapsed_s, said.cores)

        def take_turns() -> None:
            by_wrk()  # the server warms up: the first turn is slower, so it does not count
            for pairs in looks:
                for number in range(len(found), pairs):
                    # Each generator goes first in half of the pairs.
                    if number % 2:
                        mine = by_ours()
                        theirs = by_wrk()
                    else:
                        theirs = by_wrk()
                        mine = by_ours()
                    if mine.rps > 0 and theirs.rps > 0:  # else the machine stood still for all of a second
                        found.append(Pair(mine, theirs))
                if not found:
                    raise CalibrationError("in no second did both generators get answers")
                check = judge_ratio(found)
                on_line(f"against wrk, {len(found)} of at most {looks[-1]} pairs: {check.difference}")
                if check.passed is not None or _why_not(check.other_server_cores, check.other_generator_cores):
                    break

        error = error_of(take_turns)
    return judge_ratio(found) if found else None, error


def judge_ratio(found: Sequence[Pair]) -> CrossCheck:
    """Judges the pairs of turns. It passes when the whole interval is within what is allowed, and fails when the whole
    interval is outside."""
    ratios = tuple(pair.ratio for pair in found)
    interval = _interval(ratios)
    other_generator_cores = statistics.median(pair.wrk.generator_cores for pair in found)
    other_server_cores = statistics.median(pair.wrk.server_cores for pair in found)
    passed = _within(interval)
    why_not = _why_not(other_server_cores, other_generator_cores)
    if not why_not and passed is None:
        why_not = "the interval does not decide whether it is within 5 %; ask again on a quieter machine"
    return CrossCheck(
        other="wrk",
        route=f"{STRATEGY} {ROUTE}",
        connections=CROSS_CHECK_CONNECTIONS,
        ours_rps=statistics.median(pair.ours.rps for pair in found),
        other_rps=statistics.median(pair.wrk.rps for pair in found),
        ratio=statistics.median(ratios),
        ratios=ratios,
        interval=interval,
        generator_cores=statistics.median(pair.ours.generator_cores for pair in found),
        server_cores=statistics.median(pair.ours.server_cores for pair in found),
        other_generator_cores=other_generator_cores,
        other_server_cores=other_server_cores,
        passed=None if why_not else passed,
        why_not=why_not,
    )


def _interval(ratios: Sequence[float]) -> tuple[float, float] | None:
    """The interval of the median, by the binomial law of how many ratios are below it: on a noisy machine the scatter
    has long tails, and this law does not depend on them."""
    # scipy's stubs say float, but it is a named pair.
    low, high = cast("tuple[float, float]", quantile_test(ratios, p=0.5).confidence_interval(RATIO_CONFIDENCE))
    return None if math.isnan(low) or math.isnan(high) else (float(low), float(high))


def _within(interval: tuple[float, float] | None) -> bool | None:
    """None where the interval contains a bound, or where there is no interval."""
    if interval is None:
        return None
    low, high = interval
    if low >= 1 - CROSS_CHECK_SHARE and high <= 1 + CROSS_CHECK_SHARE:
        return True
    return False if high < 1 - CROSS_CHECK_SHARE or low > 1 + CROSS_CHECK_SHARE else None


def _why_not(server_cores: float, wrk_cores: float) -> str:
    """Why wrk's figure is not the server's capacity; empty when it is."""
    if wrk_cores >= FREE_CORES:
        return f"wrk itself used {wrk_cores:.2f} of a core, so it may have been the limit ({FREE_CORES:g} is too much)"
    if server_cores < BUSY_CORES:
        return (
            f"the server used {server_cores:.2f} cores under wrk, so it was not the limit ({BUSY_CORES:g} are needed)"
        )
    return ""


def _cpu_s(root_pid: int) -> float:
    """CPU time that the living processes of a tree have used until now."""
    spent_s = 0.0
    try:
        tree = psutil.Process(root_pid).children(recursive=True)
    except psutil.NoSuchProcess as error:
        raise CalibrationError("the server or our generator has ended") from error
    for process in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            spent = process.cpu_times()
            spent_s += spent.user + spent.system
    return spent_s
