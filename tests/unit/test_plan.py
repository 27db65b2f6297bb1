from collections import Counter
from itertools import groupby

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import plan
from harness.profiles.loader import load_profile
from harness.results.records.phase_record import PhaseKind, PhaseSpec
from harness.results.records.profile import Profile
from harness.results.records.schedule import schedule
from harness.results.records.trial_record import TrialSpec

STANDARD = load_profile("standard")
cells = st.lists(
    st.tuples(st.sampled_from(["io", "cpu", "mixed"]), st.sampled_from(["a", "b", "c", "d"])), unique=True, min_size=1
)


def profile_with(**changes: object) -> Profile:
    return msgspec.structs.replace(STANDARD, **changes)


@given(cells, st.integers(min_value=1, max_value=5), st.integers())
def test_every_cell_is_once_in_the_pilot_and_once_in_each_block(
    chosen: list[tuple[str, str]], blocks: int, seed: int
) -> None:
    planned = plan.trials(chosen, profile_with(blocks=blocks, seed=seed))
    counted = Counter((t.block, t.workload, t.variant) for t in planned)
    assert counted == Counter((block, *cell) for block in range(blocks + 1) for cell in chosen)
    assert [t.position for t in planned] == list(range(len(planned)))
    assert len({t.id for t in planned}) == len(planned)


@given(cells, st.integers())
def test_a_block_is_run_back_to_back(chosen: list[tuple[str, str]], seed: int) -> None:
    planned = plan.trials(chosen, profile_with(blocks=3, seed=seed))
    runs = [key for key, _ in groupby(planned, key=lambda t: (t.block, t.workload))]
    assert len(runs) == len(set(runs))


def test_the_order_within_a_block_is_random_and_the_seeds_own() -> None:
    chosen = [("io", name) for name in "abcdefgh"]

    def orders(seed: int) -> list[str]:
        return [t.variant for t in plan.trials(chosen, profile_with(seed=seed))]

    assert orders(1) == orders(1)
    assert orders(1) != orders(2)
    assert orders(1)[:8] != orders(1)[8:16]


def test_strategies_of_a_block_meet_the_same_arrivals_and_other_blocks_others() -> None:
    first, second, *rest = plan.trials([("io", "a"), ("io", "b")], profile_with(blocks=2))[2:]
    rates = plan.rates_rps(600, STANDARD)

    def seeds(trial: object) -> list[int]:
        return [p.seed for g in plan.phase_groups(trial, STANDARD, rates) for p in g if p.kind is PhaseKind.RATE]

    assert seeds(first) == seeds(second)
    assert seeds(first) != seeds(rest[0])


@given(cells, st.integers(), st.floats(min_value=1.0, max_value=2000.0))
def test_the_profiles_seed_alone_decides_the_order_and_every_arrival(
    chosen: list[tuple[str, str]], seed: int, best_rps: float
) -> None:
    def everything() -> list[tuple[TrialSpec, list[tuple[PhaseSpec, list[float]]]]]:
        profile = profile_with(blocks=2, seed=seed)
        rates = plan.rates_rps(best_rps, profile)
        return [
            (trial, [(phase, arrivals(phase)) for group in plan.phase_groups(trial, profile, rates) for phase in group])
            for trial in plan.trials(chosen, profile)
        ]

    def arrivals(phase: PhaseSpec) -> list[float]:
        if phase.rate_rps is None:
            return []
        return list(schedule(phase.arrivals, phase.rate_rps, phase.duration_s, phase.seed))

    assert everything() == everything()


@given(st.integers(), st.integers())
def test_another_seed_means_other_arrivals_in_every_phase(one: int, other: int) -> None:
    def seeds(seed: int) -> list[int]:
        profile = profile_with(blocks=2, seed=seed)
        rates = plan.rates_rps(600, profile)
        planned = plan.trials([("io", "a"), ("cpu", "a")], profile)
        groups = [group for trial in planned for group in plan.phase_groups(trial, profile, rates)]
        return [phase.seed for group in groups for phase in group if phase.kind is PhaseKind.RATE]

    assert len(set(seeds(one))) == 2 * 2 * 3, "each block, workload and rate has its own"
    assert one == other or not set(seeds(one)) & set(seeds(other))


def test_rates_are_shares_of_the_best_capacity() -> None:
    assert plan.rates_rps(600, STANDARD) == {"rate-10": 60, "rate-30": 180, "rate-70": 420}


def test_the_pilot_looks_for_the_capacity_and_then_for_the_cost_of_nobody_asking() -> None:
    pilot, *_ = plan.trials([("io", "a")], STANDARD)
    groups = plan.phase_groups(pilot, STANDARD, {})
    assert [[p.name for p in g] for g in groups] == [["warmup", "capacity"], ["idle"]], "a drain between the two"
    assert (groups[1][0].kind, groups[1][0].duration_s) == (PhaseKind.IDLE, STANDARD.pilot_idle_s)
    without = plan.phase_groups(pilot, profile_with(pilot_idle_s=0.0), {})
    assert [[p.name for p in g] for g in without] == [["warmup", "capacity"]]


def test_without_a_capacity_there_are_no_rate_phases() -> None:
    *_, last = plan.trials([("io", "a")], STANDARD)
    assert [[p.name for p in g] for g in plan.phase_groups(last, STANDARD, {})] == [["warmup", "capacity"]]


def test_the_estimate_counts_phases_boots_drains_replaced_servers_and_fixed_costs() -> None:
    planned = plan.trials([("io", "a")], profile_with(blocks=1))
    warmups_s = (0.3 + 0.4) / 2 + (0.3 + 0.6) / 2
    phases_s = warmups_s + 0.8 + 0.8 + 1.2 + 1.3 + 0.9 + 0.8
    fresh_s = 1.5 + 0.2 + 0.3
    replacing_s = (plan.REPLACING_SHARE + plan.PILOT_REPLACING_SHARE) * fresh_s
    every_s = 1.5 + 0.7 + plan.FIXED_S
    assert plan.estimate_s(planned, STANDARD, {"a": 1.5}) == pytest.approx(phases_s + 2 * every_s + replacing_s)
    closed = profile_with(blocks=1, rates=(), pilot_idle_s=0.0)
    assert plan.estimate_s(planned, closed, {"a": 1.5}) == pytest.approx(warmups_s + 0.8 + 1.2 + 2 * every_s)


def test_a_warm_up_may_end_between_its_least_and_its_limit() -> None:
    pilot, trial = plan.trials([("io", "a")], profile_with(blocks=1))

    def warmup(spec: TrialSpec, profile: Profile) -> tuple[float | None, float]:
        first = plan.phase_groups(spec, profile, {})[0][0]
        return first.min_s, first.duration_s

    assert warmup(trial, STANDARD) == (0.3, 0.6)
    assert warmup(pilot, STANDARD) == (0.3, 0.4)
    assert warmup(pilot, profile_with(warmup_min_s=0.6)) == (0.4, 0.4)
    assert warmup(trial, profile_with(warmup_min_s=None)) == (None, 0.6)


def test_a_fresh_server_is_warmed_for_a_fixed_time() -> None:
    again = plan.rewarm(2, STANDARD)
    assert (again.duration_s, again.min_s, again.users) == (0.3, None, 1)
    assert plan.rewarm(2, profile_with(warmup_min_s=None)).duration_s == pytest.approx(0.3)


def test_a_slow_workload_gets_longer_phases_up_to_a_limit() -> None:
    rate = STANDARD.rates[0]
    assert plan.rate_duration_s(rate, 100.0, 36) == rate.duration_s
    assert plan.rate_duration_s(rate, 12.0, 36) == pytest.approx(3.0)
    assert plan.rate_duration_s(rate, 0.1, 36) == pytest.approx(rate.duration_s * rate.LONGEST)
