"""What speaks for or against a claim and has no interval: errors, and a share of an event loop's ticks. Pure."""

from __future__ import annotations

from harness.analysis.causes import BLOCKED_SHARE
from harness.analysis.claims.claim_part import CountPart, Missing, Shows
from harness.analysis.claims.contrasts import Contrasts
from harness.results.records.outcome import error_count, too_late_count
from harness.results.records.phase_record import PhaseKind
from harness.results.records.text import count

_SOME_ERRORS = 0.01  # of the requests; with so many a monitor sees them
_FREE_SHARE = 0.25  # of the time: a loop that is held up less is not what requests wait for


def counted_errors(run: Contrasts, workload: str, variant: str) -> CountPart | Missing:
    """Requests that failed, under any load: for the claim where there is none, against it where there are many. An
    answer that came too late is no error. A slice that failed as a whole leaves it open: its requests are not known."""
    slices = run.slices(workload, variant)
    outcomes = [phase.outcomes for slice in slices for phase in slice.phases.values() if phase.kind.is_load]
    requests = sum(sum(each.values()) for each in outcomes)
    if not requests:
        return run.missing(workload, variant)
    many = sum(map(error_count, outcomes))
    failed = sum(slice.record.status == "failed" for slice in slices)
    shows: Shows = "against" if many >= _SOME_ERRORS * requests else "for"
    if failed or 0 < many < _SOME_ERRORS * requests:
        shows = "neither"
    said = f"{count(many, 'error')} in {count(requests, 'request')}, {sum(map(too_late_count, outcomes)):,} too late"
    if failed:
        said += f"; {count(failed, 'slice')} failed"
    rounds = sorted({slice.record.spec.round for slice in slices})
    return CountPart(f"errors on {workload}, {variant}", run.behind(workload, [variant], rounds), said, shows)


def free_loop(run: Contrasts, workload: str, variant: str) -> CountPart | Missing:
    """For the claim where the event loop could run most of the time, under full load."""
    cell = run.cell(workload, variant)
    phases = [phase for phase in cell.phases.values() if phase.kind is PhaseKind.CAPACITY] if cell else []
    share = phases[0].loop_blocked_share if phases else None
    if share is None:
        return run.missing(workload, variant)
    shows: Shows = "for" if share < _FREE_SHARE else ("against" if share >= BLOCKED_SHARE else "neither")
    said = f"it could not run in {share:.0%} of the time"
    return CountPart(f"event loop on {workload}, {variant}", run.behind_capacity(workload, variant), said, shows)
