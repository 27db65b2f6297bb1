"""Time goes where doubt is: a further session for the comparisons that are still open. Pure.

Each session that is added is another look at the data (`harness.judging.simultaneous.Look`). A workload gets as many as
the level of its verdicts is shared among, and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness import plan
from harness.judging.capacities import capacities_so_far, fit_of
from harness.judging.simultaneous import MOST_LOOKS, Look
from harness.judging.stats import verdict
from harness.measuring.known import Known
from harness.results.records.boot_record import BootRecord
from harness.results.records.run_record import Looked, RunRecord
from harness.results.records.slice_record import SliceSpec

FEWEST_FURTHER_ROUNDS = 3  # for less it is not worth booting servers
MOST_FURTHER_ROUNDS = 40  # then boots are what is known worst


@dataclass(frozen=True)
class FurtherSession:
    """`open`: the variants whose comparison with the baseline is not decided."""

    workload: str
    open: tuple[str, ...]
    slices: tuple[SliceSpec, ...]


def further_session(
    record: RunRecord, boots: Sequence[BootRecord], known: Known, left_s: float
) -> FurtherSession | None:
    """The next one, for the workload that had the fewest; None when nothing is open, or no session fits into `left_s`
    any more."""
    open_on = {
        workload.name: found
        for workload in record.workloads
        if looks_so_far(record, workload.name) < MOST_LOOKS and (found := still_open(record, boots, workload.name))
    }
    for workload in sorted(open_on, key=lambda name: looks_so_far(record, name)):
        beside = _of_one_group(record, workload, open_on[workload])
        further = _session(record, workload, beside, known, left_s, share_s=left_s / len(open_on))
        if further is not None:
            return further
    return None


def looks_so_far(record: RunRecord, workload: str) -> int:
    """One for the sessions that were planned beforehand, and one for each that was added."""
    own = {spec.session for spec in record.plan if spec.workload == workload}
    groups = {spec.session for spec in record.plan if spec.workload == workload and spec.is_pilot}
    return max(1, 1 + len(own) - len(groups) * record.profile.sessions)


def still_open(record: RunRecord, boots: Sequence[BootRecord], workload: str) -> tuple[str, ...]:
    """The variants whose comparison with the baseline is neither decided nor as exact as the profile asks."""
    if record.baseline is None:
        return ()
    fitted = fit_of(capacities_so_far(boots, workload, record.profile))
    look = Look(looks_so_far(record, workload), MOST_LOOKS)
    found = fitted.against(record.baseline, look=look)
    wanted = plan.log_precision(record.profile)
    return tuple(
        name
        for name, ratio in found.items()
        if verdict(ratio) == "open" and (ratio.interval is None or (ratio.interval[1] - ratio.interval[0]) / 2 > wanted)
    )


def looked(record: RunRecord, boots: Sequence[BootRecord]) -> dict[str, Looked]:
    """At the end of a run, by workload. Where the time was over before all was decided, the last look has the whole
    rest of the level: that it was the last did not depend on what it saw."""
    found = {}
    for workload in record.workloads:
        number = looks_so_far(record, workload.name)
        might_go_on = record.profile.budget_s > 0 and number < MOST_LOOKS
        is_decided = might_go_on and not still_open(record, boots, workload.name)
        found[workload.name] = Looked(number, MOST_LOOKS if is_decided else number)
    return found


def _of_one_group(record: RunRecord, workload: str, variants: Sequence[str]) -> tuple[str, ...]:
    """Of `variants`, those that fit into the memory side by side: of the group that had the fewest further sessions."""
    lived: dict[int, set[str]] = {}
    for spec in record.plan:
        if spec.workload == workload and spec.variant != record.baseline:
            lived.setdefault(spec.session, set()).add(spec.variant)
    pilots = {spec.session for spec in record.plan if spec.workload == workload and spec.is_pilot}
    groups = [lived.get(session, set()) for session in sorted(pilots)]
    added = [own for session, own in lived.items() if session > len(pilots) * record.profile.sessions]
    found = [group for group in groups if group.intersection(variants)]
    least = min(found, key=lambda group: sum(bool(group & own) for own in added), default=set(variants))
    return tuple(variant for variant in variants if variant in least)


def _session(
    record: RunRecord, workload: str, variants: Sequence[str], known: Known, left_s: float, share_s: float
) -> FurtherSession | None:
    beside = [*filter(None, [record.baseline]), *variants]
    numbers = [(spec.session, spec.round) for spec in record.plan if spec.workload == workload]
    session, first = max(n for n, _ in numbers) + 1, max(r for _, r in numbers) + 1
    looks_left = MOST_LOOKS - looks_so_far(record, workload)
    best: FurtherSession | None = None
    for rounds in range(FEWEST_FURTHER_ROUNDS, MOST_FURTHER_ROUNDS + 1):
        phases = [(first + at, plan.CAPACITY_PHASE) for at in range(rounds)]
        slices = tuple(plan.session(workload, beside, session, phases, record.profile.seed))
        takes_s = plan.estimate_s(slices, record.profile, known)
        if takes_s > left_s or (best is not None and takes_s > share_s / looks_left):
            break
        best = FurtherSession(workload, tuple(variants), slices)
    return best
