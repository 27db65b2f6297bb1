"""Each claim is confirmed by a run in which it is so, refuted by one in which it is not, and left open by one that
cannot tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.cells import PhaseEvidence, cells
from harness.analysis.claims import CLAIMS, judged_claims
from harness.analysis.claims.claim_part import Shows, about, beats, between, does_not_beat, falls_behind, verdict_from
from harness.analysis.evidence import Claim
from harness.judging.percentiles import at_least
from harness.results.records.variant import Variant
from tests.claimed_runs import Cells, Doing, claims_of, made_run, variant

IDS = (
    "blocked_loop",
    "gathered_calls",
    "processes_for_python",
    "blocking_result",
    "mixed_models",
    "workers_match_cores",
    "bigger_pools",
    "faster_loop",
    "connection_pool",
    "silent_blocking",
    "costly_client",
    "threads_without_gil",
)


class Case(NamedTuple):
    claim: str
    verdict: str
    doing: Cells
    variants: Sequence[Variant] = ()


def on(workload: str, **doing: Doing | float) -> dict[tuple[str, str], Doing]:
    return {(workload, name): each if isinstance(each, Doing) else Doing(each) for name, each in doing.items()}


def loud(doing: Cells) -> Cells:
    """The same, of slices that can tell nothing."""
    return {cell: replace(each, scatter=0.7) for cell, each in doing.items()}


def without_valid_slices(doing: Cells, name: str) -> Cells:
    return {cell: replace(each, invalid=cell[1] == name) for cell, each in doing.items()}


def sized(
    workload: str, strategy: str, param: str, rps: Mapping[int, float], lag_ms: float = 1.0
) -> dict[tuple[str, str], Doing]:
    return {(workload, f"{strategy}[{param}={size}]"): Doing(many, lag_ms=lag_ms) for size, many in rps.items()}


def sizes(strategy: str, param: str, *values: int) -> list[Variant]:
    return [variant(f"{strategy}[{param}={value}]", {param: value}) for value in values]


def workers(*numbers: int) -> list[Variant]:
    return [variant(f"multi_worker[workers={number}]", workers=number) for number in numbers]


def pooled(wait_ms: float, lag_ms: float = 1.0) -> Doing:
    """At a rate."""
    return Doing(300, response_ms=200, pool_wait_ms=wait_ms, lag_ms=lag_ms)


def costing(cpu_s_per_1000: float, rps: float = 620.0) -> Doing:
    return Doing(rps, cpu_s_per_1000=cpu_s_per_1000)


STALLED = Doing(9.8, health_ms=900.0)
ASYNCIO = "pure_async @ asyncio"
LOOPS = [variant(ASYNCIO, loop="asyncio")]
THREADS = sizes("async_thread_pool", "threads", 4, 16, 64)
WORKERS = workers(1, 2, 4)
CONNECTIONS = sizes("asyncpg_pool", "connections", 5, 15, 40)
BLOCKED_MS = 200.0

ON_THREADS = sized("io", "multi_worker", "workers", {1: 400, 2: 401, 4: 400})
BLOCKED = on("io", sync_def=380, fake_async=STALLED)
COMPUTED = on("cpu", async_thread_pool=110, async_process_pool=215, fake_async=120)
MIXED = on("mixed", two_stage=300, pure_async=100, async_thread_pool=105, async_process_pool=20)
COSTLY = on("io", sync_def=390, pure_async=Doing(200, cpu_s_per_1000=9), pure_async_aiohttp=600)
RESULT = on("io", async_thread_pool=395, pool_result_blocking=9.7)
NATIVE = on("cpu_native", async_thread_pool=190, fake_async=100)
GATHERED = on("fanout", pure_async_aiohttp=Doing(300, response_ms=110))

CASES = [
    Case("blocked_loop", "confirmed", BLOCKED),
    Case("blocked_loop", "refuted", on("io", sync_def=380, fake_async=390)),
    Case("blocked_loop", "open", loud(on("io", sync_def=14, fake_async=Doing(10, health_ms=9.0)))),
    Case("gathered_calls", "confirmed", GATHERED),
    Case("gathered_calls", "refuted", on("fanout", pure_async_aiohttp=Doing(90, response_ms=310))),
    Case("gathered_calls", "open", loud(on("fanout", pure_async_aiohttp=Doing(90, response_ms=130)))),
    Case("processes_for_python", "confirmed", COMPUTED),
    Case("processes_for_python", "refuted", on("cpu", async_thread_pool=110, async_process_pool=95, fake_async=112)),
    Case(
        "processes_for_python", "open", loud(on("cpu", async_thread_pool=110, async_process_pool=140, fake_async=112))
    ),
    Case("blocking_result", "confirmed", RESULT),
    Case("blocking_result", "refuted", on("io", async_thread_pool=395, pool_result_blocking=390)),
    Case("blocking_result", "open", loud(on("io", async_thread_pool=14, pool_result_blocking=9.7))),
    Case("mixed_models", "confirmed", MIXED),
    Case(
        "mixed_models",
        "refuted",
        on("mixed", two_stage=90, pure_async=100, async_thread_pool=105, async_process_pool=100),
    ),
    Case(
        "mixed_models",
        "open",
        loud(on("mixed", two_stage=130, pure_async=100, async_thread_pool=105, async_process_pool=100)),
    ),
    Case(
        "workers_match_cores", "confirmed", sized("cpu", "multi_worker", "workers", {1: 100, 2: 190, 4: 185}), WORKERS
    ),
    Case("workers_match_cores", "refuted", sized("cpu", "multi_worker", "workers", {1: 100, 2: 101, 4: 185}), WORKERS),
    Case(
        "workers_match_cores", "open", loud(sized("cpu", "multi_worker", "workers", {1: 100, 2: 130, 4: 130})), WORKERS
    ),
    Case("bigger_pools", "confirmed", sized("cpu", "async_thread_pool", "threads", {4: 110, 16: 108, 64: 90}), THREADS),
    Case("bigger_pools", "refuted", sized("io", "async_thread_pool", "threads", {4: 40, 16: 160, 64: 600}), THREADS),
    Case(
        "bigger_pools", "open", loud(sized("io", "async_thread_pool", "threads", {4: 100, 16: 110, 64: 120})), THREADS
    ),
    Case("faster_loop", "confirmed", on("io", **{"pure_async": costing(1.5), ASYNCIO: costing(2.0)}), LOOPS),
    Case("faster_loop", "refuted", on("io", **{"pure_async": costing(1.7), ASYNCIO: costing(1.5)}), LOOPS),
    Case("faster_loop", "open", loud(on("io", **{"pure_async": costing(1.5), ASYNCIO: costing(1.7)})), LOOPS),
    Case("connection_pool", "confirmed", on("db", asyncpg_pool=pooled(150))),
    Case("connection_pool", "refuted", on("db", asyncpg_pool=pooled(2))),
    Case("connection_pool", "open", loud(on("db", asyncpg_pool=pooled(60)))),
    Case("silent_blocking", "confirmed", BLOCKED),
    Case("silent_blocking", "refuted", on("io", sync_def=380, fake_async=replace(STALLED, errors=3))),
    Case("silent_blocking", "open", loud(on("io", sync_def=14, fake_async=10))),
    Case("costly_client", "confirmed", COSTLY),
    Case("costly_client", "refuted", on("io", sync_def=390, pure_async=600, pure_async_aiohttp=600)),
    Case(
        "costly_client",
        "open",
        loud(on("io", sync_def=390, pure_async=Doing(350, cpu_s_per_1000=4), pure_async_aiohttp=400)),
    ),
    Case("threads_without_gil", "confirmed", NATIVE),
    Case("threads_without_gil", "refuted", on("cpu_native", async_thread_pool=99, fake_async=100)),
    Case("threads_without_gil", "open", loud(on("cpu_native", async_thread_pool=120, fake_async=100))),
]
CONFIRMED = [case for case in CASES if case.verdict == "confirmed"]
DECIDED_BY_COUNTING = ("silent_blocking", "refuted")


def named(claims: Sequence[Claim], id: str) -> Claim:
    return next(claim for claim in claims if claim.id == id)


def test_there_are_twelve_and_each_has_a_run_for_every_verdict() -> None:
    assert len(CLAIMS) == len(IDS) == 12
    assert {(case.claim, case.verdict) for case in CASES} == {
        (id, verdict) for id in IDS for verdict in ("confirmed", "refuted", "open")
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.claim}-{case.verdict}")
def test_the_verdict_is_what_the_run_shows(case: Case) -> None:
    claims = claims_of(case.doing, case.variants)
    claim = named(claims, case.claim)
    assert (claim.verdict, bool(claim.because)) == (case.verdict, case.verdict == "open"), claim
    assert tuple(each.id for each in claims) == IDS
    assert all(part.rounds and part.slices for part in claim.evidence)
    assert (claim.effect is None) == ((case.claim, case.verdict) == DECIDED_BY_COUNTING)
    if claim.effect is not None:
        assert claim.effect == claim.evidence[0].effect  # what the verdict follows from comes first
        assert claim.effect.low is not None and claim.effect.high is not None
        assert claim.effect.low <= claim.effect.value <= claim.effect.high


@pytest.mark.parametrize("workload", ["io", "nothing_of_ours"])
def test_what_was_not_measured_is_not_tested_and_says_what_would_test_it(workload: str) -> None:
    for claim in claims_of(on(workload, sync_def=380)):
        assert claim.verdict == "not tested"
        assert claim.effect is None and not claim.evidence
        assert claim.because and claim.command.startswith(("bench run ", "bench sweep "))


@pytest.mark.parametrize("case", CONFIRMED, ids=lambda case: case.claim)
def test_nothing_is_confirmed_where_one_side_is_missing(case: Case) -> None:
    """Each variant in turn was not measured, or none of its slices is valid."""
    for workload, name in case.doing:
        left = {cell: each for cell, each in case.doing.items() if cell != (workload, name)}
        if left and case.claim != "bigger_pools":  # of three sizes two are enough for that claim
            assert named(claims_of(left, case.variants), case.claim).verdict in ("open", "not tested"), name
            spoilt = claims_of(without_valid_slices(case.doing, name), case.variants)
            assert named(spoilt, case.claim).verdict in ("open", "not tested"), name


@pytest.mark.parametrize("case", CONFIRMED, ids=lambda case: case.claim)
def test_nothing_is_confirmed_by_slices_that_do_not_count(case: Case) -> None:
    spoilt = {cell: replace(each, invalid=True) for cell, each in case.doing.items()}
    claim = named(claims_of(spoilt, case.variants), case.claim)
    assert claim.verdict in ("open", "not tested")
    assert claim.effect is None


@pytest.mark.parametrize("case", CONFIRMED, ids=lambda case: case.claim)
def test_nothing_is_confirmed_by_one_session(case: Case) -> None:
    claim = named(claims_of(case.doing, case.variants, sessions=1), case.claim)
    assert claim.verdict == "open"


def test_a_part_that_is_missing_leaves_open_what_the_others_confirm() -> None:
    sweep = sized("cpu", "multi_worker", "workers", {1: 100, 2: 190})
    claim = named(claims_of(sweep, WORKERS[:2]), "workers_match_cores")
    assert (claim.verdict, claim.because) == ("open", "more workers than cores were not measured")


def test_what_is_missing_is_named() -> None:
    def because(doing: Cells) -> str:
        return named(claims_of(doing), "threads_without_gil").because

    assert because(on("io", sync_def=100)) == "cpu_native was not measured"
    assert because(on("cpu_native", fake_async=100)) == "async_thread_pool was not measured on cpu_native"
    spoilt = without_valid_slices(NATIVE, "fake_async")
    assert because(spoilt) == "fake_async has no valid slice on cpu_native"


def test_gather_is_not_judged_by_a_strategy_that_was_overloaded() -> None:
    """Its answers take the longer the longer the load lasts."""
    slow = on("fanout", pure_async_aiohttp=Doing(300, response_ms=310, overloaded=True))
    claim = named(claims_of(slow), "gathered_calls")
    assert (claim.verdict, claim.because.partition(";")[0]) == (
        "not tested",
        "pure_async_aiohttp kept up at no rate on fanout",
    )
    other = on("fanout", pure_async=Doing(300, response_ms=110))
    assert named(claims_of(slow | other), "gathered_calls").verdict == "confirmed"


def test_without_a_rate_nobody_can_say_who_kept_up() -> None:
    record, slices = made_run(GATHERED)
    closed = [each for each in slices if "rate-10" not in each.figures.phases]
    claim = named(judged_claims(record, closed, cells(record, closed)), "gathered_calls")
    assert (claim.verdict, claim.because.partition(";")[0]) == ("not tested", "no rate was measured on fanout")


def test_one_client_that_gathers_and_another_that_does_not_is_depends() -> None:
    doing = GATHERED | on("fanout", pure_async=Doing(300, response_ms=310))
    claim = named(claims_of(doing), "gathered_calls")
    assert (claim.verdict, claim.because) == (
        "depends",
        "it is so for median response time on fanout at rate-10, pure_async_aiohttp over one wait; "
        "it is not for median response time on fanout at rate-10, pure_async over one wait",
    )


def test_plain_def_with_one_worker_stands_for_one_worker() -> None:
    doing = on("cpu", **{"sync_def": 100, "multi_worker": 190, "multi_worker[workers=4]": 188})
    claim = named(claims_of(doing, workers(4)), "workers_match_cores")
    assert claim.verdict == "confirmed"
    assert claim.evidence[0].what == "capacity on cpu, multi_worker over sync_def"


def test_a_client_of_the_same_strategy_stands_for_the_one_with_a_file_of_its_own() -> None:
    clients = [variant("pure_async[client=aiohttp]", {"client": "aiohttp"})]
    doing = on("io", **{"sync_def": 390, "pure_async": Doing(200, cpu_s_per_1000=9), "pure_async[client=aiohttp]": 600})
    assert named(claims_of(doing, clients), "costly_client").verdict == "confirmed"


def test_a_strategy_with_other_parameters_stands_for_nothing() -> None:
    few = sizes("async_thread_pool", "threads", 1)
    doing = on("cpu", **{"async_thread_pool[threads=1]": 50, "async_process_pool": 215, "fake_async": 112})
    assert named(claims_of(doing, few), "processes_for_python").verdict == "not tested"


def test_each_interpreter_is_a_case_of_its_own() -> None:
    """Without the GIL threads do beat inline code."""
    names = ("async_thread_pool", "async_process_pool", "fake_async")
    free = [variant(f"{name}[python=3.14t]", interpreter="python3.14t") for name in names]
    without_gil = dict(zip((each.name for each in free), (210, 215, 112), strict=True))
    claim = named(claims_of(COMPUTED | on("cpu", **without_gil), free), "processes_for_python")
    assert claim.verdict == "depends"
    assert "async_thread_pool[python=3.14t] over fake_async[python=3.14t]" in claim.because


def test_true_in_one_case_and_false_in_another_is_depends_and_names_both() -> None:
    computing = sized("cpu", "multi_worker", "workers", {1: 100, 2: 190, 4: 185})
    used_up = {cell: replace(each, cores=1.8) for cell, each in ON_THREADS.items()}
    doing = computing | used_up
    claim = named(claims_of(doing, WORKERS), "workers_match_cores")
    assert claim.verdict == "depends"
    assert claim.because == (
        "it is so for capacity on cpu, multi_worker[workers=2] over multi_worker[workers=1]; "
        "it is not for capacity on io, multi_worker[workers=2] over multi_worker[workers=1]"
    )


def test_where_requests_wait_workers_are_judged_only_if_they_use_up_the_cores() -> None:
    """Else a worker is more threads: 400 requests a second of one, and of two all that the users can ask."""
    claim = named(claims_of(ON_THREADS, WORKERS), "workers_match_cores")
    assert (claim.verdict, claim.because) == ("not tested", "multi_worker[workers=2] did not use up the CPU on io")


def test_a_pool_that_the_users_cannot_fill_is_no_bigger_one() -> None:
    """64 users ask. Of 256 threads 64 are ever used, as of 64."""
    many = sizes("async_thread_pool", "threads", 16, 64, 256)
    rising = sized("io", "async_thread_pool", "threads", {16: 160, 64: 600, 256: 600})
    claim = named(claims_of(rising, many), "bigger_pools")
    assert claim.verdict == "refuted"
    assert [part.what for part in claim.evidence] == [
        "capacity on io, async_thread_pool[threads=64] over async_thread_pool[threads=16]"
    ]
    left = {cell: each for cell, each in rising.items() if "=16]" not in cell[1]}
    claim = named(claims_of(left, many), "bigger_pools")
    because = "no pool has valid slices in several sizes that the users can fill"
    assert (claim.verdict, claim.because) == ("not tested", because)


def test_a_loop_is_judged_by_its_cost_where_the_users_are_the_limit() -> None:
    alike = on("io", **{"pure_async": costing(1.5, 635), ASYNCIO: costing(2.0, 635)})
    claim = named(claims_of(alike, LOOPS), "faster_loop")
    assert claim.verdict == "confirmed"
    assert claim.evidence[0].what == "CPU time a request on io, pure_async over pure_async @ asyncio"


def test_of_many_cases_the_first_few_are_named() -> None:
    for_it = {("db", f"pool_{number}"): pooled(150) for number in range(5)}
    against = {("db_io", f"pool_{number}"): pooled(2) for number in range(5)}
    pools = [variant(f"pool_{number}", connections=15) for number in range(5)]
    because = named(claims_of(for_it | against, pools), "connection_pool").because
    assert [because.count(f" on {where} ") for where in ("db", "db_io")] == [3, 3]
    assert because.count("; 2 more") == 2


def test_more_connections_that_answer_more_say_that_the_pool_was_too_small() -> None:
    """The pool as its file says, against the next larger one; what is smaller says nothing of it."""
    found = claims_of(sized("db", "asyncpg_pool", "connections", {5: 50, 15: 140, 40: 300}), CONNECTIONS)
    claim = named(found, "connection_pool")
    assert claim.verdict == "confirmed"
    assert claim.evidence[0].what == "capacity on db, asyncpg_pool[connections=40] over asyncpg_pool[connections=15]"
    alike = sized("db", "asyncpg_pool", "connections", {5: 50, 15: 140, 40: 125})
    assert named(claims_of(alike, CONNECTIONS), "connection_pool").verdict == "refuted"
    smaller = sized("db", "asyncpg_pool", "connections", {5: 50, 15: 140})
    assert named(claims_of(smaller, CONNECTIONS), "connection_pool").verdict == "not tested"


def test_requests_that_wait_for_a_connection_under_full_load_only_is_depends() -> None:
    """So it is said when."""
    doing = sized("db", "asyncpg_pool", "connections", {15: 290, 40: 600})
    at_ease = {cell: replace(each, pool_wait_ms=0.05, response_ms=55) for cell, each in doing.items()}
    claim = named(claims_of(at_ease, CONNECTIONS), "connection_pool")
    assert (claim.verdict, claim.because) == (
        "depends",
        "it is so for capacity on db, asyncpg_pool[connections=40] over asyncpg_pool[connections=15]; "
        "it is not for median wait for a connection on db at rate-10 over the median response time, "
        "asyncpg_pool[connections=15]",
    )


def test_of_a_pool_that_is_overloaded_at_a_rate_the_share_is_the_least() -> None:
    short = on("db", asyncpg_pool=replace(pooled(2), overloaded=True))
    assert named(claims_of(short), "connection_pool").verdict == "open"
    full = on("db", asyncpg_pool=replace(pooled(150), overloaded=True))
    assert named(claims_of(full), "connection_pool").verdict == "confirmed"


def test_a_loop_that_is_blocked_is_not_the_pool_that_requests_wait_for() -> None:
    for claims in (
        claims_of(on("db", asyncpg_pool=pooled(150, BLOCKED_MS))),
        claims_of(sized("db", "asyncpg_pool", "connections", {15: 140, 40: 300}, BLOCKED_MS), CONNECTIONS),
    ):
        claim = named(claims, "connection_pool")
        assert (claim.verdict, claim.effect) == ("refuted", None)
        against = [part.counted for part in claim.evidence if part.shows == "against"]
        assert against == ["it could not run in 100% of the time"]


@pytest.mark.parametrize(
    ("errors", "timeouts", "given_up", "verdict", "said"),
    [
        (0, 0, 0, "confirmed", "0 errors and 0 timeouts in 311 requests"),
        (0, 3, 0, "refuted", "0 errors and 24 timeouts in 335 requests"),
        (0, 0, 3, "open", "0 errors and 0 timeouts in 335 requests; 24 given up at the end of a slice"),
    ],
)
def test_blocking_that_lets_requests_time_out_is_not_silent(
    errors: int, timeouts: int, given_up: int, verdict: str, said: str
) -> None:
    stalled = replace(STALLED, errors=errors, timeouts=timeouts, given_up=given_up)
    claim = named(claims_of(on("io", sync_def=380, fake_async=stalled)), "silent_blocking")
    assert claim.verdict == verdict
    assert said in [part.counted for part in claim.evidence]


def test_what_a_rate_makes_of_a_blocked_loop_is_no_part_of_its_silence() -> None:
    overloaded = replace(STALLED, overloaded=True)
    claim = named(claims_of(on("io", sync_def=380, fake_async=overloaded)), "silent_blocking")
    assert claim.verdict == "confirmed"


def test_a_control_whose_checks_were_given_up_says_nothing_of_health() -> None:
    record, slices = made_run(BLOCKED)
    spoilt = [
        replace(each, evidence={name: given_up_health(phase) for name, phase in each.evidence.items()})
        if each.figures.record.spec.variant == "sync_def"
        else each
        for each in slices
    ]
    claim = named(judged_claims(record, spoilt, cells(record, spoilt)), "blocked_loop")
    assert (claim.verdict, claim.because) == (
        "open",
        "too many checks of /health by sync_def were given up while io ran",
    )


def given_up_health(evidence: PhaseEvidence) -> PhaseEvidence:
    return replace(evidence, health=at_least(evidence.health))


@pytest.mark.parametrize(("response_ms", "verdict"), [(120, "confirmed"), (150, "open"), (200, "refuted")])
def test_gathered_calls_take_about_as_long_as_one(response_ms: float, verdict: str) -> None:
    """Of 100 ms. Of three calls 173 ms are nearer to all of them; until then it is neither."""
    doing = on("fanout", pure_async_aiohttp=Doing(300, response_ms=response_ms))
    assert named(claims_of(doing), "gathered_calls").verdict == verdict


def test_a_pool_of_connections_is_asked_about_only_with_a_database() -> None:
    """A strategy may have one for another workload."""
    claim = named(claims_of(on("io", asyncpg_pool=pooled(150))), "connection_pool")
    assert (claim.verdict, claim.because) == ("not tested", "no strategy has a valid slice with a database")


def test_all_that_was_compared_shares_the_error() -> None:
    """So each interval is wider in a run that says more."""
    many = COMPUTED | BLOCKED
    alone, among = (named(claims_of(doing), "processes_for_python").effect for doing in (COMPUTED, many))
    assert alone is not None and among is not None and alone.low and alone.high and among.low and among.high
    assert alone.value == pytest.approx(among.value)
    assert among.high / among.low > alone.high / alone.low


def test_where_nothing_differs_hardly_a_run_says_that_something_does() -> None:
    """Of all runs at most 5 % have an interval, of any claim, that does not contain the truth."""
    alike = Doing(100.0, scatter=0.1)
    names = ("async_thread_pool", "async_process_pool", "fake_async")
    doing = {(workload, name): alike for workload in ("cpu", "cpu_native") for name in names}
    runs, wrong = 60, 0
    for seed in range(runs):
        effects = [part.effect for claim in claims_of(doing, seed=seed) for part in claim.evidence if part.effect]
        assert len(effects) == 3
        wrong += any(
            effect.low is None or effect.high is None or not effect.low <= 1 <= effect.high for effect in effects
        )
    assert wrong <= 6  # 5 % of 60 are 3; more than 6 come of that in 3 % of all cases


INTERVALS = st.tuples(st.floats(-3, 3), st.floats(0, 2)).map(lambda found: (found[0], found[0] + found[1]))


@given(INTERVALS)
def test_what_beats_does_not_fall_behind_and_the_other_way_round(interval: tuple[float, float]) -> None:
    low, high = interval
    assert (beats(interval) == "for") == (does_not_beat(interval) == "against")
    assert (beats(interval) == "neither") == (does_not_beat(interval) == "neither")
    assert falls_behind(interval) == beats((-high, -low))
    assert not beats(interval) == falls_behind(interval) == "for"


@given(INTERVALS, st.floats(0.2, 1.0), st.floats(1.0, 5.0))
def test_an_interval_that_holds_more_never_decides_more(
    interval: tuple[float, float], least: float, most: float
) -> None:
    low, high = interval
    wider = (low - 0.1, high + 0.1)
    for expected in (beats, does_not_beat, falls_behind, between(least, most), about(least, most)):
        assert expected(wider) in (expected(interval), "neither")


@given(st.lists(st.sampled_from(["for", "against", "neither"]), max_size=4), st.booleans())
def test_the_verdict_does_not_depend_on_the_order_of_cases(cases: list[Shows], one_is_enough: bool) -> None:
    assert len({verdict_from(order, one_is_enough=one_is_enough) for order in permutations(cases)}) == 1
