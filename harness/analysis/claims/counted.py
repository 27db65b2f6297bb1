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
    """Requests of closed loops that failed or timed out: for the claim where there is none, against it where there are
    many. At a rate that is too high for it, a server lets everybody wait for ever: what comes of that is the rate's.
    What was given up when the load was over leaves it open, and so does a slice that failed as a whole: how such
    requests would have ended is not known."""
    slices = [each for each in run.slices(workload, variant) if each.record.spec.phase == PhaseKind.CAPACITY]
    phases = [phase for slice in slices for phase in slice.phases.values() if phase.kind is PhaseKind.CAPACITY]
    requests = sum(sum(phase.outcomes.values()) for phase in phases)
    if not requests:
        return run.missing(workload, variant)
    given_up = sum(phase.censored for phase in phases)
    errors = sum(error_count(phase.outcomes) for phase in phases)
    timeouts = sum(too_late_count(phase.outcomes) for phase in phases) - given_up
    failed = sum(slice.record.status == "failed" for slice in slices)
    seen, some = errors + timeouts, _SOME_ERRORS * requests
    shows: Shows = "against" if seen >= some else ("for" if not seen else "neither")
    if failed or (shows == "for" and given_up >= some):
        shows = "neither"
    said = f"{count(errors, 'error')} and {count(timeouts, 'timeout')} in {count(requests, 'request')}"
    if given_up:
        said += f"; {given_up:,} given up at the end of a slice"
    if failed:
        said += f"; {count(failed, 'slice')} failed"
    rounds = sorted({slice.record.spec.round for slice in slices})
    return CountPart(f"errors on {workload}, {variant}", run.behind(workload, [variant], rounds), said, shows)


def free_loop(run: Contrasts, workload: str, variant: str, rate: str = "") -> CountPart | Missing:
    """For the claim where the event loop could run most of the time: at a rate, else under full load."""
    phase = run.phase(workload, variant, rate)
    share = phase.loop_blocked_share if phase is not None else None
    if share is None:
        return run.missing(workload, variant)
    shows: Shows = "for" if share < _FREE_SHARE else ("against" if share >= BLOCKED_SHARE else "neither")
    said = f"it could not run in {share:.0%} of the time"
    at = f" at {rate}" if rate else ""
    behind = run.behind_rate(workload, variant, rate) if rate else run.behind_capacity(workload, variant)
    return CountPart(f"event loop on {workload}{at}, {variant}", behind, said, shows)
