"""Each rule finds what it names, stays silent just inside its limit, and says what happened and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from harness.analysis import remarks
from harness.analysis.remarks import REMARKS
from harness.judging import fullness, machine_noise, validity
from harness.judging.arrival_figures import ArrivalFigures
from harness.judging.context import Context, Rule
from harness.judging.figures import Percentile, PhaseFigures, SliceFigures
from harness.judging.idle_cost import IdleCost
from harness.judging.memory import MemoryGrowth
from harness.results.records.finding import Finding
from harness.results.records.noise_record import Noise
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.records.variant import Variant
from harness.results.records.workload import SHORTEST_DRAWN_WAIT, Request, Workload
from harness.services.upstream import shortest_wait_ms
from tests.made_slices import PHASE_S, boot, phase, slice
from tests.synthetic_run import run_record
from tests.synthetic_strategies import USERS

MIB = 1 << 20
RUN = run_record(["sync_def"], ["io"], rounds=1, seed=1, phase_s=PHASE_S, rates_percent=(30,), peculiar=False)
IO = Workload("io", "t", "d", "p", (Request("/io", 1),), wait_ms=100.0, calls=1)
CPU = Workload("cpu", "t", "d", "p", (Request("/cpu", 1),))
DB = msgspec.structs.replace(IO, name="db", calls=0, queries=1, services=("postgres",))
TAIL = msgspec.structs.replace(IO, wait_sigma=0.3)


def context(figures: SliceFigures, *, variant: Variant | None = None, workload: Workload = IO, **more: Any) -> Context:
    usual: dict[str, Any] = {
        "boot": boot(figures.record),
        "profile": RUN.profile,
        "target_cores": 2,
        "median_canary_ms": 100.0,
    }
    return Context(
        record=figures.record,
        phases=figures.phases,
        variant=variant or Variant(name="sync_def", strategy="sync_def", title="t", path="p", in_flight=40),
        workload=workload,
        **{**usual, **more},
    )


def of_phase(**changes: Any) -> Context:
    return context(slice("sync_def", 1, phase(**changes)))


def milliseconds(value_ms: float) -> Percentile:
    return Percentile(value_ms, False, 400)


def sent_late_by(lag_ms: float, *, median_ms: float = 110.0, **changes: Any) -> Context:
    return of_phase(rate_rps=100.0, own_lag_p99_ms=lag_ms, response_p50=milliseconds(median_ms), **changes)


def raising(times: int) -> Context:
    figures = slice()
    failed = msgspec.structs.replace(figures.record.phases[0], raised=times)
    return context(msgspec.structs.replace(figures, record=msgspec.structs.replace(figures.record, phases=(failed,))))


def with_noise(profile: dict[str, Any] | None = None, **changes: Any) -> Context:
    noise = msgspec.structs.replace(Noise(steal_percent=1.0, load_1m=0.5, canary_ms=100.0), **changes)
    return context(slice(noise=noise), profile=msgspec.structs.replace(RUN.profile, **profile or {}))


def of_record(**changes: Any) -> Context:
    return context(slice(**changes))


def asked_by(users: int, goodput_rps: float) -> Context:
    """Whose fastest answer took 100 ms."""
    (one,) = slice("sync_def", 1, phase(goodput_rps)).record.phases
    spec = msgspec.structs.replace(one.spec, users=users)
    return of_record(phases=(msgspec.structs.replace(one, spec=spec, min_service_ms=100.0),))


def in_a_full_queue(users: int, goodput_rps: float) -> Context:
    """One is served at a time, for 100 ms. The first user of the warm-up is alone; from then on all wait for all."""
    alone = asked_by(users, goodput_rps).record.phases[0]
    warmup_spec = msgspec.structs.replace(alone.spec, name="warmup", kind=PhaseKind.WARMUP)
    warmup = msgspec.structs.replace(alone, spec=warmup_spec)
    queued = msgspec.structs.replace(alone, min_service_ms=100.0 * users)
    return of_record(phases=(warmup, queued))


def with_fastest(min_service_ms: float, sigma: float = 0.0, workload: Workload = IO) -> Context:
    figures = slice()
    fast = msgspec.structs.replace(figures.record.phases[0], min_service_ms=min_service_ms)
    record = msgspec.structs.replace(figures.record, phases=(fast,))
    profile = msgspec.structs.replace(RUN.profile, upstream_sigma=sigma)
    return context(msgspec.structs.replace(figures, record=record), profile=profile, workload=workload)


def warmed(*, settled: bool | None, round: int = 1) -> Context:
    figures = slice("sync_def", round)
    warmup = msgspec.structs.replace(figures.record.phases[0], settled=settled)
    return context(msgspec.structs.replace(figures, record=msgspec.structs.replace(figures.record, phases=(warmup,))))


def arriving(
    *,
    missing: float = 0.0,
    rate_error: float = 0.0,
    late_s: float = 0.0,
    distance: float | None = None,
    p_value: float | None = None,
    **changes: Any,
) -> Context:
    figures = phase(rate_rps=100.0, **{"queued": 0, **changes})
    arrivals = ArrivalFigures(missing, rate_error, late_s, distance, p_value)
    return context(slice("sync_def", 1, figures), arrivals={figures.name: (arrivals,)})


def counted(ok_per_tenth: Sequence[int]) -> Context:
    """A capacity phase of 4 s with these right answers, more than waits would allow."""
    figures = slice()
    capacity = msgspec.structs.replace(
        figures.record.phases[0], ok_per_tenth=tuple(ok_per_tenth), ok_in_window=sum(ok_per_tenth)
    )
    record = msgspec.structs.replace(figures.record, phases=(capacity,))
    return context(msgspec.structs.replace(figures, record=record), workload=CPU)


def responding(rise: float, **changes: Any) -> Context:
    """An open loop of 4 s whose response times rise by this share of the first from tenth to tenth."""
    figures = slice()
    spec = msgspec.structs.replace(figures.record.phases[0].spec, kind=PhaseKind.RATE)
    times_s = tuple(2 * 0.1 * (1 + rise * number) for number in range(40))
    rate = msgspec.structs.replace(
        figures.record.phases[0],
        **{"spec": spec, "arrivals_per_tenth": (2,) * 40, "response_s_per_tenth": times_s, **changes},
    )
    record = msgspec.structs.replace(figures.record, phases=(rate,))
    return context(msgspec.structs.replace(figures, record=record))


def rising(bins: int) -> list[int]:
    return [100 + number for number in range(bins)]


def died(ended: str) -> Context:
    figures = slice()
    return context(figures, boot=boot(figures.record, ended=ended))


def growing(
    first_mib: float, last_mib: float, *, least_third: float = 1.0, answers: int = 1000, memory_gib: int = 4
) -> Context:
    per_answer = (last_mib - first_mib) * MIB / answers
    memory = MemoryGrowth(int(first_mib * MIB), int(last_mib * MIB), answers, per_answer, least_third * per_answer)
    return context(slice(), memory=memory, memory_bytes=memory_gib << 30)


def idle(cores: float, *, workers: int = 1) -> Context:
    """At 20 checks of /health a second."""
    profile = msgspec.structs.replace(RUN.profile, health_rate_rps=20.0)
    variant = Variant(name="a", strategy="a", title="t", path="p", workers=workers)
    return context(slice(), variant=variant, idle_cost=IdleCost.measured(cores, 20.0, workers), profile=profile)


def together(generator: float, services: float, reserved: int) -> Context:
    shared = phase(generator_cores=generator, services_cores=services)
    return context(slice("sync_def", 1, shared), reserved_cpus=reserved)


def of_services(used: dict[str, float], most: dict[str, float]) -> Context:
    return context(slice("sync_def", 1, phase(cores_by_service=used)), service_cores=most)


MULTI = Variant(name="multi_worker", strategy="multi_worker", title="t", path="p", workers=2, in_flight=40)


def workers(shares: dict[int, int]) -> Context:
    return context(slice("multi_worker", 1, phase(requests_by_pid=shares)), variant=MULTI)


def answered_by(processes: int) -> Context:
    """So many processes of the boot of two workers had answered by the end of the slice."""
    return context(slice("multi_worker"), variant=MULTI, workers_seen=processes)


def beside(**cores: float) -> Context:
    return of_record(others_cores=cores)


LATE = {Outcome.OK: 400, Outcome.NOT_SENT: 100}
INVALID: dict[str, tuple[Rule, Context]] = {
    "failed": (validity.slice_failed, of_record(status="failed", error="exited with 1 while booting")),
    "server ended": (validity.server_died, died("exited with 1")),
    "server killed": (validity.server_died, died("killed by SIGSEGV")),
    "phase failed": (validity.server_died, of_phase(status=PhaseStatus.FAILED, reason="the server exited with 3")),
    "third of two workers": (validity.worker_restarted, answered_by(3)),
    "second of one worker": (validity.worker_restarted, context(slice(), workers_seen=2)),
    "the GIL came back": (validity.gil_is_back, context(slice(), gil_came_back=True)),
    "a neighbour worked": (validity.neighbour_busy, beside(two_stage=0.01, fake_async=0.11)),
    "the scenario raised": (validity.scenario_failed, raising(1)),
    "wrong answer": (validity.wrong_answers, of_phase(outcomes={Outcome.OK: 399, Outcome.WRONG_ANSWER: 1})),
    "above the ceiling": (validity.above_ceiling, of_phase(goodput_rps=421.0)),
    "below the wait": (validity.below_wait, with_fastest(99.9)),
    "below the least drawn wait": (validity.below_wait, with_fastest(49.9, sigma=0.3)),
    "below the least wait of a workload that draws them": (validity.below_wait, with_fastest(49.9, workload=TAIL)),
    "busy generator": (validity.generator_busy, of_phase(generator_own_cores=0.8, generator_cores=0.4)),
    "busy generator of an older record": (validity.generator_busy, of_phase(generator_cores=0.8)),
    "busy service": (validity.service_busy, of_phase(cores_by_service={"upstream": 0.1, "echo": 0.85})),
    "busy service of several processes": (
        validity.service_busy,
        of_services({"upstream": 0.1, "postgres": 1.7}, {"upstream": 1.0, "postgres": 2.0}),
    ),
    "together busy": (validity.reserved_busy, together(0.45, 0.35, 1)),
    "together busy on two": (validity.reserved_busy, together(0.9, 0.75, 2)),
    "sent grossly late": (validity.sent_late, sent_late_by(56.0)),
    "sent grossly late, and the server did not keep up": (
        validity.sent_late,
        sent_late_by(900.0, status=PhaseStatus.CHOKED, outcomes=LATE, queued=100),
    ),
    "arrivals missing": (validity.arrivals_off_schedule, arriving(missing=0.011)),
    "arrivals slower": (validity.arrivals_off_schedule, arriving(rate_error=0.013, late_s=0.052)),
    "nobody was answered": (validity.no_answer, of_phase(goodput_rps=0.0, outcomes={Outcome.TIMEOUT: 64})),
    "nobody could ask, since all waited": (validity.no_answer, of_phase(goodput_rps=0.0, outcomes={})),
    "answers came after the phase": (validity.no_answer, of_phase(goodput_rps=0.0, outcomes={Outcome.OK: 64})),
    "fell grossly": (validity.not_steady, counted([120] * 5 + [9] * 20 + [3] * 15)),
    "rose grossly": (validity.not_steady, counted([0] * 12 + rising(28))),
    "two users who did not wait for each other": (fullness.too_few_users, asked_by(2, 15.0)),
    "other programs": (machine_noise.busy_machine, with_noise(foreign_cores=0.21)),
    "gross steal": (machine_noise.stolen_time, with_noise(steal_percent=31.0)),
    "grossly slow": (machine_noise.slow_canary, with_noise(canary_ms=301.0)),
}
INFO: dict[str, tuple[Rule, Context]] = {
    "nobody was answered at a rate": (
        validity.no_answer,
        of_phase(
            goodput_rps=0.0,
            rate_rps=9.0,
            status=PhaseStatus.CHOKED,
            outcomes={Outcome.TIMEOUT: 1, Outcome.NOT_SENT: 40},
        ),
    ),
    "no sample after an open loop": (remarks.cost_unknown, of_phase(rate_rps=9.0, target_cpu_s_per_1000=None)),
    "sent late": (validity.sent_late, sent_late_by(5.6)),
    "sent late beside a fast answer": (validity.sent_late, sent_late_by(1.1, median_ms=5.0)),
    "fell grossly, in a few waves of answers": (validity.not_steady, counted([60] * 5 + [5] * 20 + [2] * 15)),
    "another program": (machine_noise.busy_machine, with_noise(foreign_cores=0.11)),
    "steal": (machine_noise.stolen_time, with_noise(steal_percent=11.0)),
    "slow": (machine_noise.slow_canary, with_noise(canary_ms=151.0)),
    "failed requests": (remarks.failed_requests, of_phase(outcomes={Outcome.OK: 395, Outcome.HTTP_ERROR: 5})),
    "somebody's own service": (
        remarks.service_not_sampled,
        context(slice(), workload=DB, own_services=("postgres",)),
    ),
    "log cut off": (remarks.log_cut_off, of_phase(recorded=399)),
    "samples missing": (remarks.samples_missing, of_phase(target_cpu_s=None)),
    "probe silent": (remarks.probe_silent, of_phase(probe_lines=19)),
    "off the law": (remarks.arrivals_off_law, arriving(distance=0.11, p_value=1e-4)),
    "response times rose": (remarks.piles_up, responding(0.2)),
    "the generator had no CPU": (remarks.generator_waited, of_phase(generator_wait_share=0.051)),
    "busy while idle": (remarks.busy_while_idle, idle(0.16)),
    "so busy while idle that the cost is unknown, and still not five times what is usual of 12 workers": (
        remarks.busy_while_idle,
        idle(0.65, workers=12),
    ),
    "memory grows": (remarks.memory_grows, growing(80, 97)),
    "not quiet": (remarks.not_quiet, with_noise(quiet_wait_s=RUN.profile.quiet_s)),
    "pressure": (remarks.cpu_pressure, with_noise(cpu_pressure_percent=51.0)),
    "throttled": (remarks.throttled, with_noise(throttled_s=0.11)),
    "rose": (validity.not_steady, counted(rising(60))),
    "not settled": (remarks.warmup_not_settled, warmed(settled=False)),
    "uneven workers": (remarks.uneven_workers, workers({1: 310, 2: 90})),
}
SILENT: dict[str, tuple[Rule, Context]] = {
    "complete": (validity.slice_failed, of_record()),
    "stopped": (validity.server_died, died("stopped")),
    "killed when it had choked": (validity.server_died, died("killed: it was not idle")),
    "killed with the harness": (validity.server_died, died("")),
    "two of two workers": (validity.worker_restarted, answered_by(2)),
    "only one of two workers was asked yet": (validity.worker_restarted, answered_by(1)),
    "no worker says that the GIL came back": (validity.gil_is_back, context(slice())),
    "nine neighbours at ease": (validity.neighbour_busy, beside(**{f"n{number}": 0.1 for number in range(9)})),
    "nobody beside it": (validity.neighbour_busy, beside()),
    "one right answer": (validity.no_answer, of_phase(goodput_rps=0.25)),
    "a warm-up without answers": (validity.no_answer, of_phase(goodput_rps=0.0, kind=PhaseKind.WARMUP)),
    "a cost without an answer": (
        remarks.cost_unknown,
        of_phase(rate_rps=9.0, target_cpu_s_per_1000=None, outcomes={Outcome.TIMEOUT: 9}),
    ),
    "right answers": (validity.wrong_answers, of_record()),
    # 40 in flight for 4 s of 0.1 s waits: each ends 40 of them, 1,600 in all, and the tolerance.
    "at the ceiling": (validity.above_ceiling, of_phase(goodput_rps=420.0)),
    "no ceiling without a wait": (validity.above_ceiling, context(slice("sync_def", 1, phase(9e4)), workload=CPU)),
    "the wait itself": (validity.below_wait, with_fastest(100.0)),
    "a drawn wait below its median": (validity.below_wait, with_fastest(51.0, sigma=0.3)),
    "a wait of a workload that draws them": (validity.below_wait, with_fastest(51.0, workload=TAIL)),
    "a warm-up's load": (validity.generator_busy, of_phase(generator_cores=1.0, kind=PhaseKind.WARMUP)),
    "a generator at ease": (validity.generator_busy, of_phase(generator_own_cores=0.79)),
    "several generators at ease": (validity.generator_busy, of_phase(generator_own_cores=0.5, generator_cores=0.9)),
    "response times rose by less than is gross": (remarks.piles_up, responding(0.05)),
    "response times fell": (remarks.piles_up, responding(-0.02)),
    "it choked": (remarks.piles_up, responding(0.2, status=PhaseStatus.CHOKED)),
    "an older record without response times": (
        remarks.piles_up,
        responding(0.2, arrivals_per_tenth=(), response_s_per_tenth=()),
    ),
    "a generator that hardly waited": (remarks.generator_waited, of_phase(generator_wait_share=0.05)),
    "a generator that waited in an open loop": (
        remarks.generator_waited,
        of_phase(generator_wait_share=0.5, kind=PhaseKind.RATE),
    ),
    "a system that does not tell": (remarks.generator_waited, of_phase(generator_wait_share=None)),
    "together at ease": (validity.reserved_busy, together(0.45, 0.34, 1)),
    "together at ease on two": (validity.reserved_busy, together(0.7, 0.8, 2)),
    "where all share each is looked at alone": (validity.reserved_busy, together(0.7, 0.8, 0)),
    "an idle phase's load": (
        validity.service_busy,
        of_phase(cores_by_service={"upstream": 1.0}, kind=PhaseKind.IDLE, goodput_rps=0.0, outcomes={}),
    ),
    "an idle phase has no requests to miss": (
        REMARKS[3],
        of_phase(kind=PhaseKind.IDLE, goodput_rps=0.0, outcomes={}, probe_lines=0),
    ),
    "at ease while idle": (remarks.busy_while_idle, idle(0.15)),
    "four workers at ease while idle": (remarks.busy_while_idle, idle(0.3, workers=4)),
    "idle cost not known": (remarks.busy_while_idle, context(slice())),
    "memory that rises as the nine strategies' does": (remarks.memory_grows, growing(80, 88)),
    "a step in memory": (remarks.memory_grows, growing(80, 200, least_third=0.4)),
    "a little of much memory": (remarks.memory_grows, growing(1000, 1049)),
    "memory not known": (remarks.memory_grows, context(slice())),
    "services at ease, though not their sum": (
        validity.service_busy,
        of_phase(services_cores=1.5, cores_by_service={"upstream": 0.66, "echo": 0.84}),
    ),
    "a service of several processes at ease, though on more than a core": (
        validity.service_busy,
        of_services({"postgres": 1.69}, {"postgres": 2.0}),
    ),
    "a service that was made for the run": (remarks.service_not_sampled, context(slice(), workload=DB)),
    "somebody's own service of another workload": (
        remarks.service_not_sampled,
        context(slice(), own_services=("postgres",)),
    ),
    "sent in time": (validity.sent_late, sent_late_by(5.4)),
    "sent within a millisecond": (validity.sent_late, sent_late_by(0.9, median_ms=1.0)),
    "none found a free user": (validity.sent_late, of_phase(rate_rps=100.0, own_lag_p99_ms=None, queued=400)),
    "the scenario asked": (validity.scenario_failed, raising(0)),
    "two users, one at a time": (fullness.too_few_users, asked_by(2, 14.0)),
    "three users who wait for each other all the time": (fullness.too_few_users, in_a_full_queue(3, 10.0)),
    "all users": (fullness.too_few_users, asked_by(USERS, 640.0)),
    "daemons": (machine_noise.busy_machine, with_noise(foreign_cores=0.1)),
    "other programs not known": (machine_noise.busy_machine, with_noise(foreign_cores=None)),
    "unknown steal": (machine_noise.stolen_time, with_noise(steal_percent=None)),
    "quiet": (machine_noise.slow_canary, with_noise(canary_ms=149.0)),
    "one failure of 400": (remarks.failed_requests, of_phase(outcomes={Outcome.OK: 399, Outcome.HTTP_ERROR: 1})),
    "fewer lines than hoped": (remarks.probe_silent, of_phase(probe_lines=20)),
    "on the law by chance": (remarks.arrivals_off_law, arriving(distance=0.4, p_value=2e-3)),
    "off the law by less than matters": (remarks.arrivals_off_law, arriving(distance=0.09, p_value=1e-9)),
    "a record from before queued arrivals were counted": (
        validity.arrivals_off_schedule,
        arriving(rate_error=0.5, late_s=2.0, queued=None),
    ),
    "too few for a law": (remarks.arrivals_off_law, arriving()),
    "off the law since some had to wait for a free user": (
        remarks.arrivals_off_law,
        arriving(distance=0.5, p_value=1e-9, queued=1),
    ),
    "quiet just in time": (remarks.not_quiet, with_noise(quiet_wait_s=RUN.profile.quiet_s - 0.01)),
    "quiet not asked for": (remarks.not_quiet, with_noise({"quiet_s": 0.0}, quiet_wait_s=0.01)),
    "some pressure": (remarks.cpu_pressure, with_noise(cpu_pressure_percent=49.0)),
    "throttled for 1 %": (remarks.throttled, with_noise(throttled_s=0.1)),
    "unknown throttling": (remarks.throttled, with_noise(throttled_s=None)),
    "arrivals within 1 %": (validity.arrivals_off_schedule, arriving(missing=0.009, rate_error=0.009, late_s=0.09)),
    "one late arrival at the end of a short phase": (
        validity.arrivals_off_schedule,
        arriving(rate_error=0.04, late_s=0.04),
    ),
    "slower since some had to wait for a free user": (
        validity.arrivals_off_schedule,
        arriving(rate_error=0.5, late_s=2.0, queued=1),
    ),
    "level": (validity.not_steady, counted([9, 11, 10, 12] * 10)),
    "counts that take turns": (validity.not_steady, counted([64, 0] * 20)),
    "too few answers for a trend": (validity.not_steady, counted([0] * 20 + [1] * 20)),
    "an older record": (validity.not_steady, counted([])),
    "settled": (remarks.warmup_not_settled, warmed(settled=True)),
    "a pilot's": (remarks.warmup_not_settled, warmed(settled=False, round=0)),
    "a warm-up of fixed length": (remarks.warmup_not_settled, warmed(settled=None)),
    "nearly even": (remarks.uneven_workers, workers({1: 290, 2: 110})),
    "too few to be uneven": (remarks.uneven_workers, workers({1: 90, 2: 5})),
}


@pytest.mark.parametrize("name", INVALID)
def test_what_makes_a_number_wrong_is_invalid(name: str) -> None:
    rule, given = INVALID[name]
    assert_found(rule(given), "invalid")
    found = (*validity.findings(given), *remarks.remarks(given))
    assert rule(given) in found
    assert not validity.is_valid(given.record, found)


@pytest.mark.parametrize("name", INFO)
def test_what_a_reader_should_know_is_said_and_does_not_throw_the_slice_away(name: str) -> None:
    rule, given = INFO[name]
    assert_found(rule(given), "info")
    found = (*validity.findings(given), *remarks.remarks(given))
    assert rule(given) in found
    assert validity.is_valid(given.record, found)


@pytest.mark.parametrize("name", SILENT)
def test_just_inside_the_limit_nothing_is_said(name: str) -> None:
    rule, given = SILENT[name]
    assert rule(given) is None


def assert_found(finding: Finding | None, level: str) -> None:
    assert finding is not None
    assert finding.level == level
    assert finding.message and finding.advice
    assert "\n" not in finding.message + finding.advice


def test_a_quiet_slice_has_no_findings() -> None:
    assert (*validity.findings(of_record()), *remarks.remarks(of_record())) == ()


def test_what_the_harness_saw_comes_first_and_counts() -> None:
    seen = Finding("killed", "invalid", "someone killed it", "do not")
    found = validity.findings(of_record(events=(seen,)))
    assert found == (seen,)
    assert not validity.is_valid(slice().record, found)


def test_a_failed_slice_with_nothing_else_known_is_judged() -> None:
    figures = slice(status="failed", error="no port", phases=(), noise=None)
    found = validity.findings(context(msgspec.structs.replace(figures, phases={})))
    assert [finding.code for finding in found] == ["slice_failed"]


def test_a_message_names_the_figure_the_phase_and_the_limit() -> None:
    finding = validity.generator_busy(of_phase(generator_own_cores=0.93))
    assert finding is not None
    assert all(part in finding.message for part in ("93%", "capacity", "80%"))


def test_growing_memory_is_told_with_what_it_leads_to() -> None:
    """1 MiB a request: 3.9 GiB more are filled by that many of them."""
    finding = remarks.memory_grows(growing(100, 1100, memory_gib=5))
    assert finding is not None
    assert "1,049 MB per 1,000 requests (RSS from 105 to 1,153 MB over 1,000 right answers)" in finding.message
    assert "fills the machine's 5.0 GiB after 4,020 more requests" in finding.message


def test_the_reserved_cpus_are_told_with_both_users() -> None:
    finding = validity.reserved_busy(together(0.45, 0.42, 1))
    assert finding is not None
    assert "load generator (0.45 cores) and services (0.42) used 87% of the 1 reserved CPU in" in finding.message


def test_a_busy_neighbour_is_told_by_its_name() -> None:
    finding = validity.neighbour_busy(beside(two_stage=0.01, fake_async=0.42))
    assert finding is not None
    assert finding.message == "fake_async, which nobody asked, used 0.42 of a core meanwhile (limit 0.1)"


def test_the_shortest_wait_is_the_upstreams() -> None:
    assert shortest_wait_ms(100.0, 0.3) == 100.0 * SHORTEST_DRAWN_WAIT
    assert shortest_wait_ms(100.0, 0.0) == 100.0


def test_every_rule_of_the_table_is_tested_here() -> None:
    tested = {rule for cases in (INVALID, INFO) for rule, _ in cases.values()}
    assert tested == {*validity.RULES, *REMARKS}


def test_a_phase_that_did_not_run_is_not_judged() -> None:
    skipped: PhaseFigures = phase(0.0, status=PhaseStatus.SKIPPED, duration_s=0.0, probe_lines=0, target_cpu_s=None)
    assert (
        *validity.findings(context(slice("sync_def", 1, skipped))),
        *remarks.remarks(context(slice("sync_def", 1, skipped))),
    ) == ()
