"""Which sizes of a pool the users of a closed loop can fill. Pure.

A request takes one thread, one connection, one process at a time. So of 256 threads 64 users never use more than 64: a
pool of 256 is then one of 64, and what is measured of it says nothing of its size. With 40 threads in each, two workers
have room for all 64 users, and a third has nothing to do.
"""

from __future__ import annotations

from msgspec import Struct

from harness.results.records.run_record import RunRecord
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload

WORKERS_SIZE = "workers"
# Parameters that are the size of a pool, also where a strategy's file does not say so (`IN_FLIGHT`).
POOL_SIZES = ("threads", "processes", "tokens")


class Filling(Struct, frozen=True):
    """What `users` do to a size. `most`: the largest of which the last place is taken; None: any, as far as is known.
    `each`: how many requests one worker has at once, where that is why."""

    users: int
    most: int | None = None
    each: int | None = None

    def reaches(self, size: float) -> bool:
        return self.most is None or size <= self.most


def filling(run: RunRecord, workload: Workload, variant: Variant, what: str) -> Filling:
    """Of a size, `what`, of this variant: the workers or a parameter. The value that it has does not count."""
    users = run.profile.users_by_workload.get(workload.name, run.profile.users)
    calls = users * max(1, workload.calls)  # at once, at most
    file = next((each for each in run.strategies if each.name == variant.strategy), None)
    if what == WORKERS_SIZE:
        each = _in_each_worker(workload, variant)
        # One that has room for all leaves open what a second one would do: another core may be what is missing.
        return Filling(users, users) if each is None or each >= calls else Filling(users, -(-calls // each), each)
    if file is not None and what == file.connections_param:
        return Filling(users, users // variant.workers)
    if what in POOL_SIZES or (file is not None and what == file.in_flight_param):
        return Filling(users, calls // variant.workers)
    return Filling(users)


def _in_each_worker(workload: Workload, variant: Variant) -> int | None:
    """Where requests wait, a worker is so many places to wait in."""
    places = [variant.in_flight] if workload.waits_s else []
    places += [variant.connections] if workload.queries else []
    return min((each for each in places if each), default=None)
