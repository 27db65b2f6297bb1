"""What will be measured, in which order, for how long: it follows from the profile, its seed and what is known."""

from __future__ import annotations

from collections import Counter
from itertools import groupby, pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import plan
from harness.measuring.known import Known
from harness.plan import Fit, Work
from harness.results.records.phase_record import PhaseKind, PhaseSpec
from harness.results.records.profile import Profile, RatePhase
from harness.results.records.run_record import Preflight
from harness.results.records.schedule import schedule
from harness.results.records.slice_record import SliceSpec

PROFILE = Profile(
    title="a test's",
    rounds=2,
    sessions=2,
    users=64,
    warmup_min_s=0.3,
    warmup_s=1.0,
    capacity_s=0.25,
    capacity_most_s=3.0,
    rates=(RatePhase(10.0, 0.8), RatePhase(30.0, 0.6), RatePhase(70.0, 0.6)),
    pilot_warmup_s=0.5,
    pilot_capacity_s=0.5,
    pilot_idle_s=0.6,
    max_in_flight=256,
    drain_s=0.7,
    request_timeout_s=10.0,
    health_rate_rps=30.0,
    ready_s=20.0,
    shutdown_s=3.0,
    quiet_s=2.0,
)
ROUNDS_EACH = 2 + 3
NOTHING = Known((), ())
UNKNOWN = Work()
WAITS = Work(0.1, 390.0)
WORKLOADS = ("io", "cpu", "mixed")
variants = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1, max_size=6)
plans = st.dictionaries(st.sampled_from(WORKLOADS), variants, min_size=1)


def profile_with(**changes: object) -> Profile:
    return msgspec.structs.replace(PROFILE, **changes)


def planned(chosen: dict[str, list[str]], **changes: object) -> tuple[SliceSpec, ...]:
    """Where all variants of a workload fit side by side."""
    return plan.sessions({workload: [names] for workload, names in chosen.items()}, profile_with(**changes), NOTHING)


def order(specs: tuple[SliceSpec, ...], round: int, workload: str = "io") -> list[str]:
    return [spec.variant for spec in specs if (spec.workload, spec.round) == (workload, round)]


# ------------------------------------------------------------------------------------------------------- the order


@given(plans, st.integers(1, 4), st.integers(1, 3), st.integers())
def test_every_round_has_each_variant_once(chosen: dict[str, list[str]], rounds: int, sessions: int, seed: int) -> None:
    specs = planned(chosen, rounds=rounds, sessions=sessions, seed=seed)
    counted = Counter((spec.workload, spec.round, spec.variant) for spec in specs)
    last = sessions * (rounds + 3)
    assert counted == Counter((w, n, v) for w, names in chosen.items() for n in range(last + 1) for v in names)
    assert len({spec.id for spec in specs}) == len(specs)
    for _, in_round in groupby(specs, key=lambda spec: (spec.workload, spec.session, spec.round)):
        own = list(in_round)
        assert [spec.position for spec in own] == list(range(len(own)))
        assert len({spec.phase for spec in own}) == 1


@given(plans, st.integers())
def test_sessions_and_their_rounds_are_run_back_to_back(chosen: dict[str, list[str]], seed: int) -> None:
    specs = planned(chosen, seed=seed)
    sessions = [key for key, _ in groupby(specs, key=lambda spec: (spec.session, spec.workload))]
    assert sessions == [(number, workload) for number in (1, 2) for workload in chosen], "first sessions of all first"
    for key, own in groupby(specs, key=lambda spec: (spec.session, spec.workload)):
        rounds = [(number, next(each).phase) for number, each in groupby(own, key=lambda spec: spec.round)]
        first = 1 + (key[0] - 1) * ROUNDS_EACH
        names = ["capacity", "capacity", "rate-10", "rate-30", "rate-70"]
        pilot = [(0, "capacity")] if key[0] == 1 else []
        assert rounds == [*pilot, *enumerate(names, start=first)]


def test_the_order_within_a_round_is_random_and_the_seeds_own() -> None:
    chosen = {"io": list("abcdefgh")}
    one = planned(chosen, seed=1)
    assert one == planned(chosen, seed=1)
    assert one != planned(chosen, seed=2)
    orders = {tuple(order(one, round)) for round in range(2 * ROUNDS_EACH + 1)}
    assert len(orders) == 2 * ROUNDS_EACH + 1
    # No place is anybody's own: over many rounds each variant comes first about as often as each other.
    many = planned(chosen, seed=1, rounds=400, sessions=1)
    first = Counter(order(many, round)[0] for round in range(1, 401))
    assert set(first) == set("abcdefgh") and max(first.values()) < 2 * 400 / 8


@given(variants, st.data(), st.integers())
def test_the_order_of_two_does_not_depend_on_who_else_is_there(
    names: list[str], data: st.DataObject, seed: int
) -> None:
    some = data.draw(st.lists(st.sampled_from(names), unique=True, min_size=1))
    all_of_them, fewer = planned({"io": names}, seed=seed), planned({"io": some}, seed=seed)
    for round in range(2 * ROUNDS_EACH + 1):
        assert [name for name in order(all_of_them, round) if name in some] == order(fewer, round)


def test_groups_that_do_not_fit_together_have_sessions_and_pilots_of_their_own() -> None:
    specs = plan.sessions({"io": [["base", "a"], ["base", "b"]]}, PROFILE, NOTHING)
    members: dict[int, set[str]] = {spec.session: set() for spec in specs}
    for spec in specs:
        members[spec.session].add(spec.variant)
    assert members == {1: {"base", "a"}, 2: {"base", "b"}, 3: {"base", "a"}, 4: {"base", "b"}}
    assert {spec.session for spec in specs if spec.is_pilot} == {1, 2}
    ids = [spec.id for spec in specs if not spec.is_pilot]
    assert len(ids) == len(set(ids)), "no two slices of the baseline are of one round"


def test_where_rounds_are_short_more_of_them_fit_the_same_time() -> None:
    known = Known([Preflight("a", "io", "ok", answer_s=0.2), Preflight("a", "cpu", "ok", answer_s=0.005)], ())
    profile = profile_with(capacity_session_s=12.0)
    specs = plan.sessions({"io": [["a"]], "cpu": [["a"]]}, profile, known)
    rounds = Counter(s.workload for s in specs if s.session == 1 and s.phase == "capacity" and not s.is_pilot)
    assert rounds["cpu"] > rounds["io"] >= profile.rounds
    for workload, many in rounds.items():
        own = [s for s in specs if (s.workload, s.session, s.phase) == (workload, 1, "capacity") and not s.is_pilot]
        round_s = sum(plan.slice_estimate_s(spec, profile, known) for spec in own) / many
        assert many * round_s < 12.0
        assert many == plan.BOOT_ROUNDS or (many + 1) * (round_s + 0.1) > 12.0, f"{workload}: not one more"
    assert rounds["cpu"] == plan.BOOT_ROUNDS, "a boot is worth no more"


def test_more_sessions_have_no_rates_and_lie_between_those_of_others() -> None:
    profile = profile_with(more_sessions={"cpu": 3})
    specs = plan.sessions({"io": [["a"]], "cpu": [["a"]]}, profile, NOTHING)
    order = list(dict.fromkeys((spec.workload, spec.session) for spec in specs))
    assert order == [("cpu", 1), ("io", 1), ("cpu", 2), ("cpu", 3), ("cpu", 4), ("io", 2), ("cpu", 5)]
    with_rates = {(spec.workload, spec.session) for spec in specs if spec.phase.startswith("rate")}
    assert with_rates == {("io", 1), ("io", 2), ("cpu", 1), ("cpu", 2)}
    rounds = [spec.round for spec in specs if spec.workload == "cpu"]
    assert rounds == list(range(len(rounds))), "one after the other, and each once"


# ------------------------------------------------------------------------------------------------------- the phases


def phases(
    spec: SliceSpec, profile: Profile = PROFILE, work: Work = UNKNOWN, best_rps: float = 600.0
) -> list[PhaseSpec]:
    groups = plan.phase_groups(spec, profile, work, plan.rates_rps(best_rps, profile) if best_rps else {})
    return [phase for group in groups for phase in group]


def test_rates_are_shares_of_the_best_capacity() -> None:
    assert plan.rates_rps(600, PROFILE) == {"rate-10": 60, "rate-30": 180, "rate-70": 420}


def test_a_slice_is_one_phase_and_a_closed_loop_has_its_warm_up_before_it() -> None:
    by_name = {spec.phase: phases(spec) for spec in planned({"io": ["a"]}) if spec.session == 2}
    assert {name: [p.name for p in own] for name, own in by_name.items()} == {
        "capacity": ["warmup", "capacity"],
        "rate-10": ["rate-10"],
        "rate-30": ["rate-30"],
        "rate-70": ["rate-70"],
    }
    warmup, capacity = by_name["capacity"]
    assert warmup.users == capacity.users == PROFILE.users
    assert [by_name[name][0].rate_rps for name in ("rate-10", "rate-70")] == [60, 420]


def test_the_pilot_looks_for_the_capacity_and_then_for_the_cost_of_nobody_asking() -> None:
    pilot = planned({"io": ["a"]})[0]
    groups = plan.phase_groups(pilot, PROFILE, Work(), {})
    assert [[p.name for p in group] for group in groups] == [["warmup", "capacity"], ["idle"]], "a drain between"
    assert (groups[1][0].kind, groups[1][0].duration_s) == (PhaseKind.IDLE, PROFILE.pilot_idle_s)
    without = plan.phase_groups(pilot, profile_with(pilot_idle_s=0.0), Work(), {})
    assert [[p.name for p in group] for group in without] == [["warmup", "capacity"]]


def test_a_rate_that_is_not_known_has_no_phases() -> None:
    assert all(bool(phases(spec, best_rps=0.0)) == (spec.phase == "capacity") for spec in planned({"io": ["a"]}))


def test_strategies_of_a_round_meet_the_same_arrivals_and_other_rounds_others() -> None:
    specs = [spec for spec in planned({"io": ["a", "b"], "cpu": ["a"]}) if spec.phase != "capacity"]
    seeds = {(spec.workload, spec.round, spec.variant): phases(spec)[0].seed for spec in specs}
    of_a = {key: seed for key, seed in seeds.items() if key[2] == "a"}
    assert len(set(of_a.values())) == len(of_a) == 2 * 2 * 3
    assert all(seeds[workload, round, "a"] == seed for (workload, round, _), seed in seeds.items())


@given(plans, st.integers(), st.floats(min_value=1.0, max_value=2000.0))
def test_the_profiles_seed_alone_decides_the_order_and_every_arrival(
    chosen: dict[str, list[str]], seed: int, best_rps: float
) -> None:
    def everything() -> list[tuple[SliceSpec, list[tuple[PhaseSpec, list[float]]]]]:
        profile = profile_with(seed=seed)
        return [
            (spec, [(phase, arrivals(phase)) for phase in phases(spec, profile, best_rps=best_rps)])
            for spec in planned(chosen, seed=seed)
        ]

    def arrivals(phase: PhaseSpec) -> list[float]:
        if phase.rate_rps is None:
            return []
        return list(schedule(phase.arrivals, phase.rate_rps, phase.duration_s, phase.seed))

    assert everything() == everything()


def test_a_slow_workload_gets_longer_phases_up_to_a_limit() -> None:
    rate = PROFILE.rates[0]
    assert plan.rate_duration_s(rate, 100.0, 36) == rate.duration_s
    assert plan.rate_duration_s(rate, 20.0, 36) == pytest.approx(1.8)
    assert plan.rate_duration_s(rate, 0.1, 36) == pytest.approx(rate.duration_s * rate.LONGEST)


# ------------------------------------------------------------------------------------------- a slice fits its work


@pytest.mark.parametrize(
    ("what", "work", "users", "expected"),
    [
        ("fast: as short as the profile allows", Work(0.0005, 2000.0), 64, Fit(64, 0.1, 0.25, 0.7005)),
        ("computes 9 ms", Work(0.009, 110.0), 16, Fit(16, 2.2 * 16 / 110, 3 * 16 / 110, 0.709)),
        ("waits 100 ms", Work(0.1, 390.0, waits=True), 64, Fit(64, 2.2 * 64 / 390, 3 * 64 / 390, 0.8)),
        ("a wait blocks its loop: two users fill it", Work(0.1, 9.8, True), 64, Fit(2, 2.2 * 2 / 9.8, 10 / 9.8, 0.8)),
        ("computes for long: as many users, who do not settle", Work(0.1, 9.8), 64, Fit(64, 1.0, 3.0, 0.8)),
        ("waits 10 s: longer than is usual", Work(10.0, 6.4, waits=True), 64, Fit(64, 22.0, 30.0, 15.0)),
        ("nothing known", Work(), 64, Fit(64, 1.0, 3.0, 0.7)),
        ("nobody was answered in the pilot, and one waits 10 s", Work(10.0), 64, Fit(64, 25.0, 40.0, 10.7)),
    ],
)
def test_a_slice_is_as_long_as_its_work_needs(what: str, work: Work, users: int, expected: Fit) -> None:
    assert plan.fitting(PROFILE, work, users) == pytest.approx(expected), what


@given(st.floats(1e-4, 20.0), st.floats(0.05, 20_000.0), st.integers(1, 256), st.booleans())
def test_whoever_is_asked_has_answered_twice_before_counting_begins(
    answer_s: float, capacity_rps: float, users: int, waits: bool
) -> None:
    """Only not where a strategy is full and computes: it would take too long, and fewer users might find another
    capacity."""
    fit = plan.fitting(PROFILE, Work(answer_s, capacity_rps, waits), users)
    is_full = 2.2 * users / capacity_rps > max(2.5, 2.5 * answer_s)
    assert 1 <= fit.users <= users
    assert PROFILE.capacity_s <= fit.capacity_s <= max(3.0, 4 * answer_s) + 1e-9
    assert fit.drain_s >= PROFILE.drain_s + answer_s
    if waits or not is_full:
        assert fit.warmup_s >= 2 * fit.users / capacity_rps
        assert fit.drain_s >= fit.users / capacity_rps, "a drain has the time of an answer"
    if fit.users < users:
        assert is_full and waits
        assert fit.users >= min(users, 2 * capacity_rps * answer_s), "enough to keep all of it at work"


@given(st.floats(1e-4, 20.0), st.floats(0.05, 20_000.0))
def test_the_pilot_lets_each_user_wait_for_its_answer(answer_s: float, capacity_rps: float) -> None:
    pilot = planned({"io": ["a"]})[0]
    warmup, capacity, _ = phases(pilot, work=Work(answer_s, capacity_rps))
    assert warmup.duration_s >= max(PROFILE.pilot_warmup_s, 2 * answer_s)
    assert capacity.duration_s >= max(PROFILE.pilot_capacity_s, 2 * answer_s)
    assert warmup.min_s == PROFILE.warmup_min_s, "it ends when answers have settled"


def first(spec: SliceSpec, profile: Profile = PROFILE, work: Work = WAITS) -> list[list[PhaseSpec]]:
    groups = plan.phase_groups(spec, profile, work, plan.rates_rps(600.0, profile))
    return [list(group) for group in plan.with_first_warmup(groups, profile, work, profile.users)]


def test_on_a_new_server_a_warm_up_goes_on_until_answers_have_settled() -> None:
    capacity, rate = (
        next(s for s in planned({"io": ["a"]}) if s.session == 2 and s.phase == name)
        for name in ("capacity", "rate-30")
    )
    ((warmup, measured),) = first(capacity)
    assert (warmup.duration_s, warmup.min_s, warmup.users) == (1.0, 0.3, 64)
    assert measured == phases(capacity, work=WAITS)[1], "what is measured stays the same"
    (before,), (asked,) = first(rate)
    assert (before.kind, before.duration_s, asked) == (PhaseKind.WARMUP, 1.0, phases(rate)[0]), "a drain between"
    ((fixed, _),) = first(capacity, profile_with(warmup_min_s=None))
    assert (fixed.duration_s, fixed.min_s) == (1.0, None)


def test_a_first_warm_up_is_never_shorter_than_a_later_one() -> None:
    capacity = next(s for s in planned({"io": ["a"]}) if s.session == 2)
    slow = Work(0.65, 64 / 0.7)
    ((warmup, _),) = first(capacity, work=slow)
    assert warmup.duration_s >= phases(capacity, work=slow)[0].duration_s > 1.0


def test_a_server_that_replaces_one_that_choked_is_warmed_by_a_single_user() -> None:
    fresh = plan.fresh_warmup(PROFILE, Work(0.1, 9.8))
    assert (fresh.kind, fresh.users, fresh.duration_s, fresh.min_s) == (PhaseKind.WARMUP, 1, 0.3, None)
    assert plan.fresh_warmup(profile_with(warmup_min_s=None), Work()).duration_s == 0.5
    assert plan.fresh_warmup(PROFILE, Work(10.0)).duration_s == 12.0, "it has one answer, whatever that takes"


# ----------------------------------------------------------------------------------------------------- the estimate


def known_of(answer_s: float, boot_s: float = 1.0) -> Known:
    return Known([Preflight(v, w, "ok", answer_s=answer_s, boot_s=boot_s) for v in "abcdefgh" for w in WORKLOADS], ())


@given(plans, st.floats(1e-3, 10.0))
def test_the_estimate_is_of_each_workload_by_itself_and_grows_with_the_plan(
    chosen: dict[str, list[str]], answer_s: float
) -> None:
    known, specs = known_of(answer_s), planned(chosen)
    whole_s = plan.estimate_s(specs, PROFILE, known)
    alone_s = [plan.estimate_s([s for s in specs if s.workload == w], PROFILE, known) for w in chosen]
    assert whole_s == pytest.approx(sum(alone_s))
    by_rounds = [plan.estimate_s(planned(chosen, rounds=n), PROFILE, known) for n in (1, 2, 3, 4)]
    more = [after - before for before, after in pairwise(by_rounds)]
    assert more == pytest.approx([more[0]] * 3) and more[0] > 0, "each further round costs the same"
    assert plan.estimate_s((), PROFILE, known) == 0.0


@given(st.floats(1e-3, 0.04), st.floats(0.0, 30.0))
def test_booting_is_a_part_of_the_estimate(answer_s: float, boot_s: float) -> None:
    """Where nobody chokes: once a variant and session."""
    specs = planned({"cpu": ["a", "b"]})
    at_once, slowly = (plan.estimate_s(specs, PROFILE, known_of(answer_s, each)) for each in (0.0, boot_s))
    assert slowly - at_once == pytest.approx(2 * 2 * plan.BOOTS_AT_ONCE * boot_s)


@given(st.floats(1e-3, 10.0), st.floats(0.1, 5000.0))
def test_no_slice_is_estimated_to_be_shorter_than_its_phases(answer_s: float, capacity_rps: float) -> None:
    class Measured:
        def of(self, workload: str, variant: str) -> Work:
            return Work(answer_s, capacity_rps)

        def boot_s(self, variant: str) -> float:
            return 1.0

    for spec in planned({"io": ["a"]}):
        if not spec.is_pilot:  # of which the warm-up may end early
            asked_s = sum(phase.duration_s for phase in phases(spec, work=Work(answer_s, capacity_rps)))
            assert plan.slice_estimate_s(spec, PROFILE, Measured()) > asked_s
