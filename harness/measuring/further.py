"""Time goes where doubt is: further sessions for the comparisons that are still open. Pure.

Before sessions are added, the data are looked at (`harness.judging.simultaneous.Look`). A workload gets as many looks
as the level of its verdicts is shared among, and no more. Boots differ, so it is more sessions that follow a look, not
longer ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from harness import plan
from harness.judging.capacities import capacities_so_far, fit_of
from harness.judging.simultaneous import MOST_LOOKS, Look
from harness.judging.stats import LogRatio, verdict
from harness.measuring.known import Known
from harness.results.records.boot_record import BootRecord
from harness.results.records.run_record import Looked, RunRecord
from harness.results.records.slice_record import SliceSpec

FEWEST_FURTHER_ROUNDS = 3  # in a session; for less it is not worth booting servers


@dataclass(frozen=True)
class FurtherSessions:
    """`open`: the variants whose comparison with the baseline is not decided."""

    workload: str
    open: tuple[str, ...]
    slices: tuple[SliceSpec, ...]


def further_sessions(
    record: RunRecord, boots: Sequence[BootRecord], known: Known, left_s: float
) -> FurtherSessions | None:
    """The next ones, for the workload that was looked at least often; of several, for that where the largest difference
    may be missed. None when nothing is open, or no session fits into `left_s` any more."""
    open_on = {
        workload.name: found
        for workload in record.workloads
        if (look := look_at(record, workload.name)).number < look.of and (found := _open(record, boots, workload.name))
    }

    def turn(workload: str) -> tuple[int, float]:
        return look_at(record, workload).number, -max(abs(ratio.mean) for ratio in open_on[workload].values())

    for workload in sorted(open_on, key=turn):
        beside = _of_one_group(record, workload, tuple(open_on[workload]))
        further = _sessions(record, workload, beside, known, left_s, share_s=left_s / len(open_on))
        if further is not None:
            return further
    return None


def look_at(record: RunRecord, workload: str) -> Looked:
    """The one that is due: the first, or the one after the sessions that were added last. The last one there will be
    has the same number twice."""
    return record.looks.get(workload, Looked(1, MOST_LOOKS))


def with_further(record: RunRecord, further: FurtherSessions) -> RunRecord:
    """The run with these sessions in its plan, and another look after them."""
    looked = look_at(record, further.workload)
    looks = {**record.looks, further.workload: Looked(looked.number + 1, looked.of)}
    return msgspec.structs.replace(record, plan=(*record.plan, *further.slices), looks=looks)


def still_open(record: RunRecord, boots: Sequence[BootRecord], workload: str) -> tuple[str, ...]:
    """The variants whose comparison with the baseline is neither decided nor as exact as the profile asks."""
    return tuple(_open(record, boots, workload))


def _open(record: RunRecord, boots: Sequence[BootRecord], workload: str) -> dict[str, LogRatio]:
    """By variant, over the baseline."""
    if record.baseline is None:
        return {}
    fitted = fit_of(capacities_so_far(boots, workload, record.profile))
    due = look_at(record, workload)
    look = Look(due.number, due.of)
    found = fitted.against(record.baseline, look=look)
    wanted = plan.log_precision(record.profile)
    return {
        name: ratio
        for name, ratio in found.items()
        if verdict(ratio) == "open" and (ratio.interval is None or (ratio.interval[1] - ratio.interval[0]) / 2 > wanted)
    }


def looked(record: RunRecord, boots: Sequence[BootRecord]) -> dict[str, Looked]:
    """At the end of a run, by workload. Where the time was over before all was decided, the last look has the whole
    rest of the level: that it was the last did not depend on what it saw."""
    found = {}
    for workload in record.workloads:
        due = look_at(record, workload.name)
        might_go_on = record.profile.budget_s > 0 and due.number < due.of
        is_decided = might_go_on and not still_open(record, boots, workload.name)
        found[workload.name] = due if is_decided else Looked(due.number, due.number)
    return found


def _of_one_group(record: RunRecord, workload: str, variants: Sequence[str]) -> tuple[str, ...]:
    """Of `variants`, those that fit into the memory side by side: of the group that had the fewest further sessions."""
    lived: dict[int, set[str]] = {}
    for spec in record.plan:
        if spec.workload == workload and spec.variant != record.baseline:
            lived.setdefault(spec.session, set()).add(spec.variant)
    pilots = {spec.session for spec in record.plan if spec.workload == workload and spec.is_pilot}
    groups = [lived.get(session, set()) for session in sorted(pilots)]
    added = [
        own for session, own in lived.items() if session > len(pilots) * plan.sessions_of(workload, record.profile)
    ]
    found = [group for group in groups if group.intersection(variants)]
    least = min(found, key=lambda group: sum(bool(group & own) for own in added), default=set(variants))
    return tuple(variant for variant in variants if variant in least)


def _sessions(
    record: RunRecord, workload: str, variants: Sequence[str], known: Known, left_s: float, share_s: float
) -> FurtherSessions | None:
    """As many as fit into the workload's share of the time that is left, but one at least where it fits at all."""
    beside = [*filter(None, [record.baseline]), *variants]
    numbers = [(spec.session, spec.round) for spec in record.plan if spec.workload == workload]
    number, round = max(n for n, _ in numbers), max(r for _, r in numbers)
    look = look_at(record, workload)
    usual = plan.rounds_of(workload, beside, record.profile, known)
    found: list[SliceSpec] = []
    for rounds in range(max(usual, FEWEST_FURTHER_ROUNDS), FEWEST_FURTHER_ROUNDS - 1, -1):
        while True:
            phases = [(round + at, plan.CAPACITY_PHASE) for at in range(1, rounds + 1)]
            more = [*found, *plan.session(workload, beside, number + 1, phases, record.profile.seed)]
            takes_s = plan.estimate_s(more, record.profile, known)
            if takes_s > left_s or (found and takes_s > share_s / (look.of - look.number)):
                break
            found, number, round = more, number + 1, round + rounds
    return FurtherSessions(workload, tuple(variants), tuple(found)) if found else None
