"""What will be measured, in which order, with which phases: pure functions of the profile, the cells and a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from harness.results.records.phase_record import PhaseKind, PhaseSpec
from harness.results.records.profile import Profile, RatePhase
from harness.results.records.trial_record import TrialSpec

PhaseGroup = tuple[PhaseSpec, ...]  # run back to back; a drain follows the last

PILOT_BLOCK = 0
WARMUP_PHASE = "warmup"
CAPACITY_PHASE = "capacity"
IDLE_PHASE = "idle"


def trials(cells: Sequence[tuple[str, str]], profile: Profile) -> tuple[TrialSpec, ...]:
    """The ordered trials for `cells` of (workload, variant): a pilot block of each workload, then the blocks.

    Within a block all variants of one workload run back to back in random order, since the machine's speed changes
    within minutes and pairing needs them close; blocks of different workloads alternate.
    """
    random = Random(profile.seed)
    by_workload: dict[str, list[str]] = {}
    for workload, variant in cells:
        by_workload.setdefault(workload, []).append(variant)
    planned: list[TrialSpec] = []
    for block in range(PILOT_BLOCK, profile.blocks + 1):
        for workload, variants in by_workload.items():
            for variant in random.sample(variants, len(variants)):
                planned.append(
                    TrialSpec(
                        block=block,
                        position=len(planned),
                        workload=workload,
                        variant=variant,
                    )
                )
    return tuple(planned)


def rate_name(percent: float) -> str:
    return f"rate-{percent:g}"


def rates_rps(best_capacity_rps: float, profile: Profile) -> dict[str, float]:
    """Arrivals per second of each rate phase, common to all strategies of a workload."""
    return {rate_name(rate.percent): best_capacity_rps * rate.percent / 100 for rate in profile.rates}


def rate_duration_s(rate: RatePhase, rate_rps: float, min_arrivals: int) -> float:
    """Long enough for `min_arrivals` on average, so that slow workloads also get enough samples for a p99."""
    return min(max(rate.duration_s, min_arrivals / rate_rps), rate.duration_s * rate.LONGEST)


def phase_groups(spec: TrialSpec, profile: Profile, rates: Mapping[str, float]) -> tuple[PhaseGroup, ...]:
    """The phases of one trial.

    The capacity phase follows the warm-up without a pause and with the same users, so that the closed loop is in its
    steady state when counting begins. All strategies of a block get the same arrivals: the schedule's seed depends on
    the block, the workload and the phase, not on the strategy. A pilot ends with an idle phase. It comes after the
    load, so that all pools and connections of a strategy have been made.
    """
    users = profile.users_by_workload.get(spec.workload, profile.users)
    pilot = spec.is_pilot
    warmup_s = profile.pilot_warmup_s if pilot else profile.warmup_s
    closed = (
        PhaseSpec(
            name=WARMUP_PHASE,
            kind=PhaseKind.WARMUP,
            duration_s=warmup_s,
            users=users,
            min_s=None if profile.warmup_min_s is None else min(profile.warmup_min_s, warmup_s),
        ),
        PhaseSpec(
            name=CAPACITY_PHASE,
            kind=PhaseKind.CAPACITY,
            duration_s=profile.pilot_capacity_s if pilot else profile.capacity_s,
            users=users,
        ),
    )
    if pilot:
        idle = PhaseSpec(name=IDLE_PHASE, kind=PhaseKind.IDLE, duration_s=profile.pilot_idle_s, users=1)
        return (closed, (idle,)) if profile.pilot_idle_s else (closed,)
    if not rates:  # no strategy gave a right answer in the pilot, so the rates are not known
        return (closed,)
    return (
        closed,
        *(
            (
                PhaseSpec(
                    name=rate_name(rate.percent),
                    kind=PhaseKind.RATE,
                    duration_s=rate_duration_s(rate, rates[rate_name(rate.percent)], profile.min_arrivals),
                    users=profile.max_in_flight,
                    rate_rps=rates[rate_name(rate.percent)],
                    arrivals=profile.arrivals,
                    seed=Random(f"{profile.seed}/{spec.block}/{spec.workload}/{rate.percent}").getrandbits(32),
                ),
            )
            for rate in profile.rates
        ),
    )


def rewarm(number: int, profile: Profile) -> PhaseSpec:
    """The warm-up of a fresh server that replaces one that choked: a single user, for the shortest time that a warm-up
    may take (half of the time where that is fixed). It is enough to make connections and pools and to run the code
    once, and too little to choke the server again."""
    duration_s = profile.warmup_min_s or profile.warmup_s / 2
    return PhaseSpec(name=f"{WARMUP_PHASE}-{number}", kind=PhaseKind.WARMUP, duration_s=duration_s, users=1)


# FIXED_S is what a trial costs beside its phases, its boot and one drain (the average of trials that keep up and trials
# that choke): the quiet check, verify and stop. The shares say how many of the trials with rates, and of the pilot's,
# replace a server that choked. Measured over whole `smoke` and `standard` runs on 2 shared cores.
FIXED_S = 0.35
REPLACING_SHARE = 0.5
PILOT_REPLACING_SHARE = 0.25
_VERIFY_S = 0.2


def estimate_s(planned: Sequence[TrialSpec], profile: Profile, boot_s: Mapping[str, float]) -> float:
    """Seconds that `planned` will take: the phases (a warm-up half way between its minimum and its limit), the boot
    time that was measured for each variant, a drain, servers that are replaced, and everything else that a trial
    costs."""

    def warmup_s(limit_s: float) -> float:
        return limit_s if profile.warmup_min_s is None else (min(profile.warmup_min_s, limit_s) + limit_s) / 2

    def trial_s(trial: TrialSpec) -> float:
        boot = boot_s.get(trial.variant, 0.0)
        every_s = boot + profile.drain_s + FIXED_S
        fresh_s = boot + _VERIFY_S + rewarm(2, profile).duration_s
        if trial.is_pilot:
            idle_s = profile.pilot_idle_s + PILOT_REPLACING_SHARE * fresh_s if profile.pilot_idle_s else 0.0
            return every_s + warmup_s(profile.pilot_warmup_s) + profile.pilot_capacity_s + idle_s
        phases_s = warmup_s(profile.warmup_s) + profile.capacity_s + sum(rate.duration_s for rate in profile.rates)
        return every_s + phases_s + (REPLACING_SHARE * fresh_s if profile.rates else 0.0)

    return sum(map(trial_s, planned))
