"""Values of variants by round, ready to be compared; and the capacities so far, from the records alone. Pure.

While a run is measured, its comparisons are judged without its raw files: what matters of a slice is in its record.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from harness.judging import stats
from harness.judging.fullness import was_not_full
from harness.judging.machine_noise import STEAL_INVALID_PERCENT
from harness.judging.simultaneous import RoundsFit
from harness.judging.stats import MeanOfBoots
from harness.judging.validity import NEIGHBOUR_CORES
from harness.judging.variances import BootVariance
from harness.results.records.boot_record import BootRecord
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseStatus
from harness.results.records.profile import Profile
from harness.results.records.slice_record import SliceRecord


@dataclass(frozen=True)
class RoundValue:
    """A variant's figure in one round. `least`: what stands in for a zero. `step`: what it is a multiple of, 0: of
    nothing. `boot`: the number of the boot it was measured on."""

    value: float
    boot: int
    least: float
    step: float = 0.0


Values = Mapping[str, Mapping[int, RoundValue]]


def fit_of(values: Values) -> RoundsFit:
    """`values` by variant and round."""
    logs = {
        variant: {round: math.log(max(each.value, each.least)) for round, each in own.items()}
        for variant, own in values.items()
    }
    floors = {
        variant: max(
            (stats.rounding(max(each.step for each in own.values()), max(e.value, e.least)) for e in own.values()),
            default=0.0,
        )
        for variant, own in values.items()
    }
    boots = {variant: {round: each.boot for round, each in own.items()} for variant, own in values.items()}
    return RoundsFit.of(logs, floors, boots)


def capacities_so_far(boots: Iterable[BootRecord], workload: str, profile: Profile) -> dict[str, dict[int, RoundValue]]:
    """By variant and round; none of a variant that answered wrongly, or gave no right answer in a whole closed loop. Of
    a round that was measured twice the later slice counts."""
    found: dict[str, dict[int, RoundValue]] = {}
    left_out = set()
    own_boots = sorted((b for b in boots if b.workload == workload), key=lambda b: (b.variant, b.number))
    disturbed = {
        slice.spec.round
        for boot in own_boots
        for slice in boot.slices
        if is_disturbed(slice, profile.others_most_cores)
    }
    for boot in own_boots:
        own = found.setdefault(boot.variant, {})
        for slice in boot.slices:
            if any(phase.outcomes.get(Outcome.WRONG_ANSWER) for phase in slice.phases):
                left_out.add(boot.variant)
            if slice.spec.round not in disturbed and _was_silent(slice):
                left_out.add(boot.variant)
            phase = _capacity_phase(slice, profile.users_by_workload.get(workload, profile.users))
            if phase is not None and slice.spec.round not in disturbed:
                duration_s = phase.end_s - phase.start_s
                rps, step_rps = phase.ok_in_window / duration_s, 1 / duration_s
                own[slice.spec.round] = RoundValue(rps, boot.number, 0.5 * step_rps, step_rps)
    return {variant: values for variant, values in found.items() if values and variant not in left_out}


def is_disturbed(slice: SliceRecord, others_most_cores: float) -> bool:
    """By the rules of `ROUND_DISTURBANCES` that need nothing but the record."""
    noise = slice.noise
    stolen = noise is not None and (noise.steal_percent or 0.0) > STEAL_INVALID_PERCENT
    foreign = noise is not None and (noise.foreign_cores or 0.0) > others_most_cores
    return stolen or foreign or any(cores > NEIGHBOUR_CORES for cores in slice.others_cores.values())


def _capacity_phase(slice: SliceRecord, users: int) -> PhaseRecord | None:
    phase = _closed_loop(slice)
    if phase is None or not phase.ok_in_window or was_not_full(phase, slice.phases, users):
        return None
    return phase


def _was_silent(slice: SliceRecord) -> bool:
    phase = _closed_loop(slice)
    return phase is not None and not phase.ok_in_window


def _closed_loop(slice: SliceRecord) -> PhaseRecord | None:
    """The one that ran, if this is not the pilot."""
    if slice.spec.is_pilot or slice.status != "complete":
        return None
    ran = (phase for phase in slice.phases if phase.status in (PhaseStatus.COMPLETE, PhaseStatus.CHOKED))
    return next((p for p in ran if p.spec.kind is PhaseKind.CAPACITY and p.end_s > p.start_s), None)


def boots_in_mean(boots: Collection[int], boot: BootVariance) -> MeanOfBoots:
    """Of a mean over slices, of each the number of its boot: each boot has its share of them."""
    shares = [many / len(boots) for many in Counter(boots).values()]
    share = sum(each**2 for each in shares)
    return MeanOfBoots(boot.value * share, boot.error * share**2)
