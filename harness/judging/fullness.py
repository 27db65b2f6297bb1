"""Whether a strategy that fewer users asked, because it was taken to be full, was not full at all. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from harness.judging.context import Context, invalid
from harness.results.records.finding import Finding
from harness.results.records.phase_record import PhaseKind, PhaseRecord
from harness.results.records.text import count

# One that serves half of them at once, as it should when it is full, answers half as many as this.
_AT_ONCE = 0.75


def was_not_full(phase: PhaseRecord, phases: Sequence[PhaseRecord], users: int) -> bool:
    """`phases`: all of its slice; `users`: how many ask usually. It answered each of the fewer users as fast as one who
    is alone, so it could have answered more of them: what this closed loop counted is no capacity. The first user of
    the warm-up is alone; later, each may wait for all others, always for as long."""
    duration_s = phase.end_s - phase.start_s
    if phase.spec.kind is not PhaseKind.CAPACITY or phase.spec.users >= users:
        return False
    alone_ms = min((each.min_service_ms for each in phases if each.min_service_ms), default=0.0)
    if not alone_ms or duration_s <= 0:
        return False
    return phase.ok_in_window / duration_s >= _AT_ONCE * phase.spec.users / (alone_ms / 1000)


def too_few_users(context: Context) -> Finding | None:
    """Who waits and is full is asked by fewer users (`harness.plan.fitting`). Whether it was full shows then."""
    users = context.profile.users_by_workload.get(context.workload.name, context.profile.users)
    for phase in context.record.phases:
        if was_not_full(phase, context.record.phases, users):
            return invalid(
                "too_few_users",
                f"{phase.spec.name}: only {count(phase.spec.users, 'user')} asked, since it seemed to be full, and all "
                "of them were answered at once",
                f"nothing: from here on all {users} ask",
            )
    return None
