"""Runs that never were, in which what a claim is about is so, or is not, or cannot be told. Nothing is on disk.

Four sessions of three rounds: two of the closed loop, one of the slowest rate. The machine's speed changes from round
to round, for all variants alike; each slice scatters on its own.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.analysis.cells import JudgedSlice, cells
from harness.analysis.claims import judged_claims
from harness.analysis.evidence import Claim
from harness.judging.figures import Percentile
from harness.results.records.outcome import Outcome
from harness.results.records.run_record import RunRecord
from harness.results.records.strategy import ServerOptions, Strategy
from harness.results.records.variant import Variant
from tests.made_slices import INVALID, PHASE_S, judged, phase, slice
from tests.synthetic_run import run_record

SESSIONS, CORES = 4, 2
RATE = "rate-10"
RATE_RPS = 10.0


@dataclass(frozen=True)
class Doing:
    """How a variant does on a workload. `scatter` is of the logarithms of all figures of a slice. `invalid`: none of
    its slices counts."""

    rps: float
    scatter: float = 0.02
    cpu_s_per_1000: float = 2.0
    response_ms: float = 110.0
    health_ms: float = 2.0
    lag_ms: float = 1.0
    pool_wait_ms: float | None = None  # at the rate
    cores: float = 0.25  # that it uses in the closed loop
    errors: int = 0  # in each closed loop, as are timeouts
    timeouts: int = 0
    given_up: int = 0  # when a closed loop was over
    invalid: bool = False
    overloaded: bool = False  # at the rate


Cells = Mapping[tuple[str, str], Doing]  # by workload and variant


def variant(
    name: str,
    params: Mapping[str, int | str] | None = None,
    *,
    loop: str = "uvloop",
    workers: int | None = None,
    interpreter: str = "",
    connections: int | None = None,
) -> Variant:
    """`name` begins with that of its strategy."""
    strategy = name.partition("[")[0].partition(" @ ")[0]
    usual = 15 if strategy == "asyncpg_pool" else connections
    size = (params or {}).get("connections", usual)
    many = workers or (CORES if strategy == "multi_worker" else 1)
    return Variant(
        name=name,
        strategy=strategy,
        title=strategy,
        path=f"targets/{strategy}.py",
        params=dict(params or {}),
        server=ServerOptions(loop=loop, http="httptools", workers=many),
        workers=many,
        interpreter=interpreter,
        connections=size if isinstance(size, int) else None,
    )


def made_run(
    doing: Cells, variants: Sequence[Variant] = (), *, seed: int = 1, sessions: int = SESSIONS
) -> tuple[RunRecord, list[JudgedSlice]]:
    """`variants`: those that are not a strategy as its file says."""
    workloads = list(dict.fromkeys(workload for workload, _ in doing))
    own = {each.name: each for each in variants}
    names = list(dict.fromkeys(name for _, name in doing))
    used = [own.get(name) or variant(name) for name in names]
    usual = run_record(names, workloads, rounds=1, seed=seed, phase_s=PHASE_S, rates_percent=(10,), peculiar=False)
    record = msgspec.structs.replace(
        usual,
        strategies=tuple(
            Strategy(
                name,
                name,
                name,
                f"targets/{name}.py",
                params={"connections": 15} if name == "asyncpg_pool" else {},
                server=ServerOptions(workers="cores" if name == "multi_worker" else 1),
            )
            for name in dict.fromkeys(each.strategy for each in used)
        ),
        variants=tuple(used),
        workloads=tuple(
            msgspec.structs.replace(each, services=("postgres",)) if each.name.startswith("db") else each
            for each in usual.workloads
        ),
    )
    return record, made_slices_of(doing, seed=seed, sessions=sessions)


def made_slices_of(doing: Cells, *, seed: int = 1, sessions: int = SESSIONS) -> list[JudgedSlice]:
    speeds = np.random.default_rng(seed)
    # A stream of its own for each cell, so that other cells do not change its figures.
    noises = {cell: np.random.default_rng([seed, zlib.crc32(" ".join(cell).encode())]) for cell in doing}
    found = []
    for number in range(1, 3 * sessions + 1):
        speed = float(speeds.lognormal(0.0, 0.2))
        for (workload, name), each in doing.items():
            noise = float(noises[workload, name].lognormal(0.0, each.scatter))
            found.append(_slice(workload, name, each, number, speed if workload.startswith("cpu") else 1.0, noise))
    return found


def claims_of(
    doing: Cells, variants: Sequence[Variant] = (), *, seed: int = 1, sessions: int = SESSIONS
) -> tuple[Claim, ...]:
    record, slices = made_run(doing, variants, seed=seed, sessions=sessions)
    return judged_claims(record, slices, cells(record, slices))


def _slice(workload: str, name: str, doing: Doing, number: int, speed: float, noise: float) -> JudgedSlice:
    session = 1 + (number - 1) // 3
    if number % 3:
        rps = doing.rps * speed * noise
        figures = phase(
            rps,
            target_cpu_s_per_1000=doing.cpu_s_per_1000 / (speed * noise),
            target_cores=doing.cores,
            outcomes={
                Outcome.OK: round(rps * PHASE_S),
                Outcome.HTTP_ERROR: doing.errors,
                Outcome.TIMEOUT: doing.timeouts + doing.given_up,
            },
            censored=doing.given_up,
        )
    else:
        asked = {Outcome.OK: round(RATE_RPS * PHASE_S)}
        answered_rps = RATE_RPS / 2 if doing.overloaded else RATE_RPS
        figures = phase(
            answered_rps,
            rate_rps=RATE_RPS,
            name=RATE,
            outcomes=asked,
            response_p50=Percentile(doing.response_ms / noise, False, 100),
            pool_wait_p50_ms=doing.pool_wait_ms,
        )
    spread = np.linspace(0.9, 1.1, 30) / noise
    return judged(
        slice(
            name,
            number,
            figures,
            workload=workload,
            boot=session,
            findings=(INVALID,) if doing.invalid else (),
        ),
        {RATE: _us(doing.response_ms * spread)},
        healths_us=_us(doing.health_ms * spread),
        lags_us=_us(doing.lag_ms * spread),
    )


def _us(times_ms: NDArray[np.float64]) -> list[int]:
    return [int(1000 * time_ms) for time_ms in times_ms.tolist()]
