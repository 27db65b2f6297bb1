"""What will be measured, in which order, with which phases: pure functions of the profile, the cells and a seed.

A workload is measured in sessions. In each, its variants are booted anew and live side by side; rounds follow, with one
slice of each variant in a random order of their own: rounds of the closed loop, then one of each rate. The first
session begins with a pilot (round 0), which says how long the slices of each variant have to be, and which rates all
get. The sessions of each workload are spread over the run, so that what changes within minutes meets all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import NamedTuple, Protocol

from harness.results.records.phase_record import PhaseKind, PhaseSpec
from harness.results.records.profile import Profile, RatePhase
from harness.results.records.slice_record import PILOT_ROUND, SliceSpec

PhaseGroup = tuple[PhaseSpec, ...]  # run back to back; a drain follows the last

WARMUP_PHASE = "warmup"
FRESH_PHASE = "warmup-fresh"
CAPACITY_PHASE = "capacity"
IDLE_PHASE = "idle"

# After so many rounds of the closed loop another boot says more than another round (docs/noise.md, "What follows").
BOOT_ROUNDS = 6
# A slice fits its work (docs/noise.md). The time of an answer is users / capacity (Little's law). A closed loop is in
# its steady state when every user has had two answers: strategies that answer in bursts have the first one behind them.
# Three more answer times tell such bursts apart, and fewer than ten answers say little of a rate.
SETTLED_ANSWERS = 2.2
SETTLED_MOST_S = 2.5
DRAIN_TIMES = 1.5
ANSWER_TIMES = 3.0
FEWEST_ANSWERS = 10.0
# A blocked loop serves one request at a time, a pool of two processes two: with twice as many users it is full.
FULL_TIMES = 2.0
FEWEST_USERS = 2
WARM_S = 0.1  # reconnecting takes less
# Where a request waits for long, the limits that fit short requests do not count: so many of its waits do.
LONG_WARMUPS = 2.5
LONG_SLICES = 4.0


class Work(NamedTuple):
    """What is known of a variant on a workload before a slice: how long one request takes alone, the goodput that was
    seen last (None: nobody was answered yet), and whether its CPUs were mostly idle then."""

    answer_s: float = 0.0
    capacity_rps: float | None = None
    waits: bool = False


class KnownWork(Protocol):
    """What has been learnt so far."""

    def of(self, workload: str, variant: str) -> Work: ...

    def boot_s(self, variant: str) -> float: ...


def sessions(
    groups: Mapping[str, Sequence[Sequence[str]]], profile: Profile, known: KnownWork
) -> tuple[SliceSpec, ...]:
    """The ordered slices of all sessions that are planned beforehand. `groups`: by workload, the variants that live
    side by side; each group has sessions of its own."""
    planned: list[SliceSpec] = []
    last_round = dict.fromkeys(groups, PILOT_ROUND)
    for workload, time in _turns(groups, profile):
        found = groups[workload]
        rounds_each = max(rounds_of(workload, variants, profile, known) for variants in found)
        rates = [rate.name for rate in profile.rates] if time < profile.sessions else []
        phases = [CAPACITY_PHASE] * rounds_each + rates
        for at, variants in enumerate(found):
            pilot = [(PILOT_ROUND, CAPACITY_PHASE)] if time == 0 else []
            rounds = [*pilot, *enumerate(phases, start=last_round[workload] + 1)]
            planned += session(workload, variants, time * len(found) + at + 1, rounds, profile.seed)
            last_round[workload] += len(phases)
    return tuple(planned)


def sessions_of(workload: str, profile: Profile) -> int:
    """How many are planned beforehand; the first `profile.sessions` have rates, too."""
    return profile.sessions + profile.more_sessions.get(workload, 0)


def _turns(workloads: Iterable[str], profile: Profile) -> list[tuple[str, int]]:
    """Each session of each workload, spread evenly over the run, so that what changes within minutes meets all."""
    turns = [(workload, time) for workload in workloads for time in range(sessions_of(workload, profile))]
    return sorted(turns, key=lambda turn: (turn[1] + 0.5) / sessions_of(turn[0], profile))


def rounds_of(workload: str, variants: Sequence[str], profile: Profile, known: KnownWork) -> int:
    """Of the closed loop, in a session: the profile's, or more where they are so short that more fit its time; but no
    more than are worth a boot."""
    one = [SliceSpec(PILOT_ROUND + 1, 0, workload, variant) for variant in variants]
    round_s = ROUND_S + sum(slice_estimate_s(spec, profile, known) for spec in one)
    return max(profile.rounds, min(BOOT_ROUNDS, int(profile.capacity_session_s / round_s)))


def session(
    workload: str, variants: Sequence[str], number: int, rounds: Sequence[tuple[int, str]], seed: int
) -> list[SliceSpec]:
    """The slices of one session, `rounds` with their number and phase. A round's order depends on the seed, the
    workload and the round alone, whoever else is in it."""
    planned = []
    for round, phase in rounds:
        order = sorted(variants, key=lambda name: Random(f"{seed}/{workload}/{round}/{name}").random())
        planned += [SliceSpec(round, at, workload, name, phase, number) for at, name in enumerate(order)]
    return planned


def rates_rps(best_capacity_rps: float, profile: Profile) -> dict[str, float]:
    """Arrivals per second of each rate phase, common to all strategies of a workload."""
    return {rate.name: rate.rps or best_capacity_rps * (rate.percent or 0.0) / 100 for rate in profile.rates}


def rate_duration_s(rate: RatePhase, rate_rps: float, min_arrivals: int) -> float:
    """Long enough for `min_arrivals` on average, so that slow workloads also get enough samples for a p99."""
    return min(max(rate.duration_s, min_arrivals / rate_rps), rate.duration_s * rate.LONGEST)


def log_precision(profile: Profile) -> float:
    """The half width of an interval of a ratio's logarithm that is exact enough."""
    return math.log1p(profile.precision_percent / 100)


def users_of_workload(profile: Profile, workload: str) -> int:
    return profile.users_by_workload.get(workload, profile.users)


def phase_groups(spec: SliceSpec, profile: Profile, work: Work, rates: Mapping[str, float]) -> tuple[PhaseGroup, ...]:
    """The phases of one slice; none for a rate that is not known, because nobody gave a right answer in the pilot.

    A capacity phase follows its warm-up without a pause and with the same users, so that the closed loop is in its
    steady state when counting begins. All strategies of a round get the same arrivals: the schedule's seed depends on
    the round, the workload and the phase, not on the strategy. A pilot ends with an idle phase. It comes after the
    load, so that all pools and connections of a strategy have been made.
    """
    users = users_of_workload(profile, spec.workload)
    if spec.is_pilot:
        closed = (_first_warmup(profile.pilot_warmup_s, profile, work, users), _pilot_capacity(profile, work, users))
        return (closed, *idle_group(profile))
    if spec.phase == CAPACITY_PHASE:
        fit = fitting(profile, work, users)
        return (
            (
                PhaseSpec(name=WARMUP_PHASE, kind=PhaseKind.WARMUP, duration_s=fit.warmup_s, users=fit.users),
                PhaseSpec(name=CAPACITY_PHASE, kind=PhaseKind.CAPACITY, duration_s=fit.capacity_s, users=fit.users),
            ),
        )
    if not rates:
        return ()
    rate = next(rate for rate in profile.rates if rate.name == spec.phase)
    return (
        (
            PhaseSpec(
                name=spec.phase,
                kind=PhaseKind.RATE,
                duration_s=rate_duration_s(rate, rates[spec.phase], profile.min_arrivals),
                users=profile.max_in_flight,
                rate_rps=rates[spec.phase],
                arrivals=profile.arrivals,
                seed=Random(f"{profile.seed}/{spec.round}/{spec.workload}/{rate.percent}").getrandbits(32),
            ),
        ),
    )


def idle_group(profile: Profile) -> tuple[PhaseGroup, ...]:
    """The phase in which nobody asks anything but `/health`, where the profile has one."""
    if not profile.pilot_idle_s:
        return ()
    return ((PhaseSpec(name=IDLE_PHASE, kind=PhaseKind.IDLE, duration_s=profile.pilot_idle_s, users=1),),)


def with_first_warmup(groups: Sequence[PhaseGroup], profile: Profile, work: Work, users: int) -> tuple[PhaseGroup, ...]:
    """The same on a server that nobody has asked yet. Before a closed loop its warm-up goes on until answers have
    settled; before a rate all users warm it up, and are drained."""
    warmup = _first_warmup(profile.warmup_s, profile, work, fitting(profile, work, users).users)
    first, *rest = groups
    if first[0].kind is PhaseKind.WARMUP:
        longer = warmup if warmup.duration_s > first[0].duration_s else first[0]
        return ((longer, *first[1:]), *rest)
    return ((warmup,), *groups)


def fresh_warmup(profile: Profile, work: Work) -> PhaseSpec:
    """The warm-up of a server that replaces one that choked: a single user, for the shortest time that a warm-up may
    take (half of the time where that is fixed). It is enough to make connections and pools and to run the code once,
    and too little to choke the server again."""
    duration_s = max(profile.warmup_min_s or profile.warmup_s / 2, 1.2 * work.answer_s)
    return PhaseSpec(name=FRESH_PHASE, kind=PhaseKind.WARMUP, duration_s=duration_s, users=1)


class Fit(NamedTuple):
    """The closed loop of a slice on a warm server, and how long its drain may take."""

    users: int
    warmup_s: float
    capacity_s: float
    drain_s: float


def fitting(profile: Profile, work: Work, users: int) -> Fit:
    """What fits the work of a variant that `users` would ask.

    Usually each user gets two answers before counting begins, and the slice lasts for some more. Where that would take
    too long, the strategy is full. If it waits meanwhile (its loop is blocked by a wait, or a small pool is), fewer
    users find the same capacity and leave no backlog: several times as many as it serves at once. If it computes, what
    a request costs may depend on how many there are, so all users ask, and it is replaced after the slice.
    """
    most_s = max(profile.capacity_most_s or profile.capacity_s, LONG_SLICES * work.answer_s)
    drain_s = profile.drain_s + work.answer_s
    if not work.capacity_rps:
        return Fit(users, max(profile.warmup_s, LONG_WARMUPS * work.answer_s), most_s, drain_s)
    settles_s = SETTLED_ANSWERS * users / work.capacity_rps
    is_full = settles_s > max(SETTLED_MOST_S, LONG_WARMUPS * work.answer_s)
    if is_full and work.waits:
        served_at_once = work.capacity_rps * work.answer_s
        users = min(users, max(FEWEST_USERS, math.ceil(FULL_TIMES * served_at_once)))
    answer_time_s = users / work.capacity_rps
    capacity_s = max(profile.capacity_s, ANSWER_TIMES * answer_time_s, FEWEST_ANSWERS / work.capacity_rps)
    if is_full and not work.waits:
        return Fit(users, max(profile.warmup_s, LONG_WARMUPS * work.answer_s), min(capacity_s, most_s), drain_s)
    warmup_s = max(WARM_S, SETTLED_ANSWERS * answer_time_s)
    return Fit(users, warmup_s, min(capacity_s, most_s), max(drain_s, DRAIN_TIMES * answer_time_s))


def _first_warmup(limit_s: float, profile: Profile, work: Work, users: int) -> PhaseSpec:
    """Ends when answers have settled."""
    limit_s = max(limit_s, LONG_WARMUPS * work.answer_s)
    return PhaseSpec(
        name=WARMUP_PHASE,
        kind=PhaseKind.WARMUP,
        duration_s=limit_s,
        users=users,
        min_s=None if profile.warmup_min_s is None else min(profile.warmup_min_s, limit_s),
    )


def _pilot_capacity(profile: Profile, work: Work, users: int) -> PhaseSpec:
    duration_s = max(profile.pilot_capacity_s, 2 * work.answer_s)
    return PhaseSpec(name=CAPACITY_PHASE, kind=PhaseKind.CAPACITY, duration_s=duration_s, users=users)


# What is not known before: how long the slices will be, which servers choke. Measured over whole runs on 2 shared
# cores; the time that is left is corrected by what the slices of the same workload and phase took (`TimeLeft`).
SLICE_S = 0.04  # the proof that it is idle, the messages, the record
ROUND_S = 0.07  # the look around before it
CHOKING_SHARE = 0.3  # of the variants, where requests wait: they are killed after each capacity slice, and replaced
VERIFY_S = 0.2
FIRST_WARMUP_S = 0.1  # of a server: beyond the least that it may take, until answers have settled
BOOTS_AT_ONCE = 0.5  # the time of booting several at once, as a share of booting one after the other
CLOSING_S = 0.6


def estimate_s(planned: Sequence[SliceSpec], profile: Profile, known: KnownWork) -> float:
    """Seconds that `planned` will take."""
    seconds = sum(slice_estimate_s(spec, profile, known) for spec in planned)
    booted = {(spec.workload, spec.session, spec.variant) for spec in planned}
    seconds += sum(BOOTS_AT_ONCE * known.boot_s(variant) + VERIFY_S for _, _, variant in booted)
    first_s = max(0.0, (profile.warmup_min_s or profile.warmup_s) - WARM_S) + FIRST_WARMUP_S
    piloted = {(spec.workload, spec.session, spec.variant) for spec in planned if spec.is_pilot}
    seconds += first_s * len(booted - piloted)
    seconds += CLOSING_S * len({(workload, number) for workload, number, _ in booted})
    return seconds + ROUND_S * len({(spec.workload, spec.round) for spec in planned})


def slice_estimate_s(spec: SliceSpec, profile: Profile, what: KnownWork) -> float:
    """Of one slice, with its share of the servers that are replaced."""
    known = what.of(spec.workload, spec.variant)
    waits = known.answer_s > WAITING_S
    choking = CHOKING_SHARE if waits else 0.0
    replaced_s = BOOTS_AT_ONCE * what.boot_s(spec.variant) + VERIFY_S + fresh_warmup(profile, known).duration_s
    drain_s = (1 - choking) * known.answer_s + choking * (profile.drain_s + known.answer_s)
    if spec.is_pilot:
        idle_s = profile.pilot_idle_s + choking * replaced_s if profile.pilot_idle_s else 0.0
        warmup_s = max((profile.warmup_min_s or profile.pilot_warmup_s), profile.pilot_warmup_s, known.answer_s)
        return SLICE_S + warmup_s + max(profile.pilot_capacity_s, 2 * known.answer_s) + drain_s + idle_s
    if spec.phase == CAPACITY_PHASE:
        _, warmup_s, capacity_s, _ = fitting(profile, known, users_of_workload(profile, spec.workload))
        if known.capacity_rps is None:  # not known yet: what is usual where requests wait, or compute
            usual = 5 * known.answer_s if waits else WARM_S
            warmup_s = min(warmup_s, usual)
            capacity_s = min(capacity_s, max(profile.capacity_s, 3 * usual) if waits else profile.capacity_s)
        return SLICE_S + warmup_s + capacity_s + drain_s + choking * replaced_s
    rate = next(rate for rate in profile.rates if rate.name == spec.phase)
    # Who chokes at one rate is not asked at the next, nor at the same in the next session.
    return SLICE_S + (1 - choking) * (rate.duration_s + drain_s) + choking * replaced_s / 2


WAITING_S = 0.05  # a request that takes longer alone waits for something
