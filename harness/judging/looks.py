"""How often a workload's comparisons were looked at while they were measured."""

from __future__ import annotations

from harness.judging.simultaneous import ONLY_LOOK, Look
from harness.results.records.run_record import RunRecord


def look_of(run: RunRecord, workload: str) -> Look:
    """The one that is due or was the last, whose share of the level the run's verdicts have. Of a run that was never
    looked at while it was measured: the only one."""
    found = run.looks.get(workload)
    return Look(found.number, found.of) if found is not None else ONLY_LOOK
