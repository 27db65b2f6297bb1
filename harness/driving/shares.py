"""One load for several generators: shared out before, added up after.

Each generator gets its part of the users and of the arrival rate, and a seed of its own: independent Poisson streams
add up to one Poisson stream of the summed rate. Only the first asks `/health`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from random import Random
from typing import TypeVar

import msgspec

from harness.driving.inside.protocol import Warm
from harness.driving.load import Done, Ended, Load, Progress, Started, placed
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseRecord, PhaseSpec, PhaseStatus

Number = TypeVar("Number", int, float)
Event = Started | Progress | Warm | Ended


def users_of(number: int, users: int, generators: int) -> int:
    """The `number`-th (from 0) generator's part of `users`; the parts differ by at most one."""
    return users // generators + (number < users % generators)


def seed_of(number: int, seed: int) -> int:
    """The first generator keeps the phase's seed, so that one generator is the same as before there were several."""
    return Random(f"{seed}/{number}").getrandbits(32) if number else seed


def share_out(load: Load, generators: int) -> list[Load]:
    """A load for each of the first generators; not more of them than the phase with the fewest users has users."""
    generators = min(generators, *(phase.users for phase in load.phases))
    return [
        msgspec.structs.replace(
            load,
            phases=tuple(_part(phase, number, generators) for phase in load.phases),
            health_rate_rps=load.health_rate_rps if number == 0 else 0.0,
        )
        for number in range(generators)
    ]


def _part(phase: PhaseSpec, number: int, generators: int) -> PhaseSpec:
    if generators == 1:
        return phase
    return msgspec.structs.replace(
        phase,
        users=users_of(number, phase.users, generators),
        rate_rps=None if phase.rate_rps is None else phase.rate_rps / generators,
        seed=seed_of(number, phase.seed),
    )


def add_up(load: Load, parts: Sequence[Done], began_s: Sequence[float]) -> Done:
    """As if one generator had done it all. `began_s`: when each of them began, by one clock."""
    if len(parts) == 1:
        return parts[0]
    first_s = min(began_s)
    parts = [_placed(part, own_s - first_s) for part, own_s in zip(parts, began_s, strict=True)]
    records = []
    for index, spec in enumerate(load.phases):
        if found := [part.records[index] for part in parts if index < len(part.records)]:
            records.append(_sum(spec, found))
    return Done(records=tuple(records), drain_s=max(part.drain_s for part in parts))


def _placed(part: Done, load_began_s: float) -> Done:
    return msgspec.structs.replace(part, records=tuple(placed(record, load_began_s) for record in part.records))


def _sum(spec: PhaseSpec, records: Sequence[PhaseRecord]) -> PhaseRecord:
    outcomes: Counter[Outcome] = Counter()
    health_outcomes: Counter[Outcome] = Counter()
    for record in records:
        outcomes.update(record.outcomes)
        health_outcomes.update(record.health_outcomes)
    fastest_ms = [record.min_service_ms for record in records if record.min_service_ms is not None]
    choked = [record for record in records if record.status is PhaseStatus.CHOKED]
    return msgspec.structs.replace(
        records[0],
        spec=spec,
        status=choked[0].status if choked else records[0].status,
        reason="; ".join(record.reason for record in choked),
        start_s=min(record.start_s for record in records),
        end_s=max(record.end_s for record in records),
        drained_s=max(record.drained_s for record in records),
        scheduled=sum(record.scheduled for record in records),
        outcomes=dict(sorted(outcomes.items())),
        censored=sum(record.censored for record in records),
        ok_in_window=sum(record.ok_in_window for record in records),
        ok_per_tenth=_added([record.ok_per_tenth for record in records]),
        arrivals_per_tenth=_added([record.arrivals_per_tenth for record in records]),
        response_s_per_tenth=_added([record.response_s_per_tenth for record in records]),
        health_scheduled=sum(record.health_scheduled for record in records),
        health_outcomes=dict(sorted(health_outcomes.items())),
        health_censored=sum(record.health_censored for record in records),
        min_service_ms=min(fastest_ms, default=None),
        queued=sum(record.queued or 0 for record in records),
        own_lag_p99_ms=_most(record.own_lag_p99_ms for record in records),
        own_cpu_s=_most(record.own_cpu_s for record in records),
        own_cpu_wait_s=_most(record.own_cpu_wait_s for record in records),
        raised=sum(record.raised for record in records),
        settled=None if records[0].settled is None else all(record.settled for record in records),
    )


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _added(values: Sequence[Sequence[Number]]) -> tuple[Number, ...]:
    return tuple(map(sum, zip_longest(*values, fillvalue=0)))


class MergedEvents:
    """Makes the events of several generators into those of one. `Warm` is passed on when all have said it, since none
    of them sees all answers."""

    def __init__(self, generators: int, on_event: Callable[[Event], None]) -> None:
        self._generators = generators
        self._on_event = on_event
        self._started: set[str] = set()
        self._warm: Counter[str] = Counter()
        self._ended: Counter[str] = Counter()
        self._progress: dict[int, Progress] = {}

    def hear(self, number: int, event: Event) -> None:
        match event:
            case Started(phase) if phase in self._started:
                return
            case Started(phase):
                self._started.add(phase)
            case Warm(phase):
                self._warm[phase] += 1
                if self._warm[phase] < self._generators:
                    return
            case Ended(phase):
                self._ended[phase] += 1
                if self._ended[phase] < self._generators:
                    return
            case Progress(phase):
                self._progress[number] = event
                if number:
                    return
                event = _together([said for said in self._progress.values() if said.phase == phase])
        self._on_event(event)


def _together(said: Sequence[Progress]) -> Progress:
    """Of several generators' p99 the worst: it is for the live display only."""
    return Progress(
        said[0].phase,
        sum(progress.goodput_rps for progress in said),
        max((progress.p99_ms for progress in said if progress.p99_ms is not None), default=None),
    )
