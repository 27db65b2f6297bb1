"""What people say about concurrency in FastAPI, as sentences that a run confirms or refutes: one function, one claim.

Each function says what it needs of a run, mostly comparisons of two variants in their common rounds, and what it
expects of each. What a run does not have, it names. The verdict follows by the same rule for all (`claim_part`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.analysis.cells import JudgedSlice
from harness.analysis.claims.claim_part import Draft, with_verdicts
from harness.analysis.claims.contrasts import Contrasts
from harness.analysis.claims.of_computing import faster_loop, mixed_models, processes_for_python, threads_without_gil
from harness.analysis.claims.of_pools import bigger_pools, connection_pool, workers_match_cores
from harness.analysis.claims.of_waiting import (
    blocked_loop,
    blocking_result,
    costly_client,
    gathered_calls,
    silent_blocking,
)
from harness.analysis.evidence import Cell, Claim
from harness.results.records.run_record import RunRecord

CLAIMS: tuple[Callable[[Contrasts], Draft], ...] = (
    blocked_loop,
    gathered_calls,
    processes_for_python,
    blocking_result,
    mixed_models,
    workers_match_cores,
    bigger_pools,
    faster_loop,
    connection_pool,
    silent_blocking,
    costly_client,
    threads_without_gil,
)


def judged_claims(run: RunRecord, slices: Sequence[JudgedSlice], cells: Sequence[Cell]) -> tuple[Claim, ...]:
    """All of them, in this order; of one that the run cannot say anything of, the command that would."""
    asked = Contrasts(run, slices, cells)
    return with_verdicts([claim(asked) for claim in CLAIMS])
