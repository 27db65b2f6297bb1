"""How often a workload's comparisons were looked at while they were measured."""

from __future__ import annotations

from harness.judging.simultaneous import ONLY_LOOK, Look
from harness.results.records.run_record import RunRecord


def look_of(run: RunRecord, workload: str) -> Look:
    """The last one, whose share of the level the run's verdicts have. A run that goes on has not been looked at."""
    found = run.looks.get(workload)
    return Look(found.number, found.of) if found is not None else ONLY_LOOK
