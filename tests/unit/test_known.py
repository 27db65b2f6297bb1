"""What a run learns of its cells, from the check before it and from each slice, on disk or just measured."""

from __future__ import annotations

import msgspec
import pytest

from harness.judging.validity import NEIGHBOUR_CORES
from harness.measuring.known import Known
from harness.plan import Work
from harness.results.records.noise_record import Noise
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus
from harness.results.records.run_record import Preflight
from harness.results.records.slice_record import SliceRecord
from tests.made_slices import phase, slice

CHECKED = (
    Preflight("a", "io", "ok", boot_s=1.5, answer_s=0.1),
    Preflight("a", "cpu", "ok", boot_s=1.5, answer_s=0.01),
    Preflight("b", "io", "ok", boot_s=2.5, answer_s=0.2),
)


def pilot(goodput_rps: float, variant: str = "a", workload: str = "io", **changes: object) -> SliceRecord:
    return slice(variant, 0, phase(goodput_rps, **changes), workload=workload).record


def test_who_choked_while_the_machine_was_taken_away_is_asked_again() -> None:
    record = choked(70.0)
    stolen = msgspec.structs.replace(record, noise=Noise(steal_percent=60.0, load_1m=0.5, canary_ms=100.0))
    assert Known(CHECKED, [stolen]).choked_at_rps("io", "a") is None
    assert Known(CHECKED, [record]).choked_at_rps("io", "a") == 70.0


def with_users(record: SliceRecord, users: int) -> SliceRecord:
    def asked(each: PhaseRecord) -> PhaseRecord:
        return msgspec.structs.replace(each, spec=msgspec.structs.replace(each.spec, users=users))

    return msgspec.structs.replace(record, phases=tuple(map(asked, record.phases)))


def choked(rate_rps: float, variant: str = "a") -> SliceRecord:
    at_rate = phase(5.0, rate_rps=rate_rps, name=f"rate-{rate_rps:g}", status=PhaseStatus.CHOKED)
    return slice(variant, 3, at_rate).record


def test_before_anything_is_measured_the_check_alone_is_known() -> None:
    known = Known(CHECKED, ())
    assert known.of("io", "a") == Work(0.1, None)
    assert known.of("cpu", "a") == Work(0.01, None)
    assert (known.boot_s("a"), known.boot_s("b")) == (1.5, 2.5)
    assert known.of("io", "of another run") == Work(0.0, None)
    assert known.boot_s("of another run") == 0.0
    assert (known.choked_at_rps("io", "a"), known.busy) == (None, set())


def test_the_pilot_tells_the_capacity_of_its_own_cell() -> None:
    known = Known(CHECKED, [pilot(390.0), pilot(110.0, workload="cpu")])
    assert known.of("io", "a").capacity_rps == pytest.approx(390.0)
    assert known.of("cpu", "a").capacity_rps == pytest.approx(110.0)
    assert known.of("io", "b").capacity_rps is None


def test_a_queue_that_is_longer_than_the_phases_is_known_by_its_drain() -> None:
    """Eight users, one served at a time for 0.1 s and nobody answered before all have been served, as with a single
    thread that a request needs twice."""
    warmup, capacity = slice("a", 0, phase(8.0, name="warmup"), phase(0.0, outcomes={})).record.phases
    closed = PhaseSpec("warmup", PhaseKind.WARMUP, 0.25, capacity.spec.users)
    warmup = msgspec.structs.replace(
        warmup,
        spec=closed,
        start_s=1.0,
        end_s=1.25,
        drained_s=1.8,
        scheduled=8,
        outcomes={Outcome.OK: 8},
        ok_in_window=0,
    )
    capacity = msgspec.structs.replace(capacity, start_s=1.25, end_s=1.55, drained_s=1.8)
    record = msgspec.structs.replace(pilot(1.0), phases=(warmup, capacity))
    assert Known(CHECKED, [record]).of("io", "a").capacity_rps == pytest.approx(10.0)
    unanswered = msgspec.structs.replace(warmup, outcomes={Outcome.TIMEOUT: 8})
    stuck = msgspec.structs.replace(capacity, status=PhaseStatus.CHOKED)
    for phases in ((unanswered, capacity), (warmup, stuck)):
        silent = msgspec.structs.replace(record, phases=phases)
        assert Known(CHECKED, [silent]).of("io", "a").capacity_rps is None


@pytest.mark.parametrize(
    "silent",
    [
        pilot(0.0, outcomes={}),
        pilot(390.0, status=PhaseStatus.FAILED),
        pilot(0.0, status=PhaseStatus.SKIPPED, duration_s=0.0),
        slice("a", 0, phase(30.0, rate_rps=30.0)).record,
        slice("a", 0, status="failed", error="exited with 1", phases=()).record,
    ],
)
def test_what_nobody_was_answered_in_tells_no_capacity(silent: SliceRecord) -> None:
    assert Known(CHECKED, [silent]).of("io", "a").capacity_rps is None
    assert Known(CHECKED, [pilot(390.0), silent]).of("io", "a").capacity_rps == pytest.approx(390.0)


def test_a_closed_loop_that_choked_has_a_capacity() -> None:
    assert Known(CHECKED, [pilot(9.5, status=PhaseStatus.CHOKED)]).of("io", "a").capacity_rps == pytest.approx(9.5)


def test_what_was_seen_last_counts_but_not_what_fewer_users_found() -> None:
    """How long all users would wait follows from what all of them found."""
    later = slice("a", 1, phase(400.0)).record
    assert Known(CHECKED, [pilot(390.0), later]).of("io", "a").capacity_rps == pytest.approx(400.0)
    fewer = with_users(later, 4)
    assert Known(CHECKED, [pilot(390.0), fewer]).of("io", "a").capacity_rps == pytest.approx(390.0)


@pytest.mark.parametrize(("own_cores", "waits"), [(0.05, True), (0.9, False), (None, False)])
def test_whoever_uses_little_of_a_core_waits(own_cores: float | None, waits: bool) -> None:
    record = msgspec.structs.replace(pilot(9.8), own_cores=own_cores)
    assert Known(CHECKED, [record]).of("io", "a").waits is waits


def test_one_that_computes_does_not_wait_because_of_its_idle_phase() -> None:
    closed, idle = phase(9.8), phase(0.0, name="idle", kind=PhaseKind.IDLE)
    record = slice("a", 0, closed, idle).record
    each_s = sum(one.end_s - one.start_s for one in record.phases) / 2
    record = msgspec.structs.replace(record, own_cores=0.45, elapsed_s=2 * each_s)
    assert not Known(CHECKED, [record]).of("io", "a").waits


def test_of_the_rates_at_which_it_choked_the_lowest_is_kept() -> None:
    known = Known(CHECKED, [choked(70.0), choked(30.0), choked(50.0), choked(10.0, "b")])
    assert (known.choked_at_rps("io", "a"), known.choked_at_rps("io", "b")) == (30.0, 10.0)
    assert known.choked_at_rps("cpu", "a") is None
    assert Known(CHECKED, [slice("a", 3, phase(9.0, rate_rps=70.0)).record]).choked_at_rps("io", "a") is None
    assert Known(CHECKED, [pilot(9.0, status=PhaseStatus.CHOKED)]).choked_at_rps("io", "a") is None, "no rate"


def test_who_works_while_another_is_measured_is_busy_from_then_on() -> None:
    cores = {"quiet": NEIGHBOUR_CORES, "loud": NEIGHBOUR_CORES + 0.01}
    disturbed = msgspec.structs.replace(slice("a", 1).record, others_cores=cores)
    known = Known(CHECKED, [disturbed, slice("a", 2, others_cores={"loud": 0.0}).record])
    assert known.busy == {"loud"}


def test_what_is_told_slice_by_slice_is_what_is_read_from_disk() -> None:
    slices = [pilot(390.0), pilot(9.5, "b"), choked(30.0), slice("a", 1, others_cores={"b": 0.5}).record]
    read, told = Known(CHECKED, slices), Known(CHECKED, ())
    for record in slices:
        told.learn(record)
    for cell in (("io", "a"), ("io", "b"), ("cpu", "a")):
        assert (read.of(*cell), read.choked_at_rps(*cell)) == (told.of(*cell), told.choked_at_rps(*cell))
    assert read.busy == told.busy == {"b"}


def test_the_idle_use_is_known_once_an_idle_phase_came_to_its_end() -> None:
    known = Known(CHECKED, ())
    idle = PhaseSpec("idle", PhaseKind.IDLE, 0.6, 1)
    skipped = PhaseRecord(spec=idle, status=PhaseStatus.SKIPPED)
    record = pilot(390.0)
    known.learn(msgspec.structs.replace(record, phases=(*record.phases, skipped)))
    assert not known.knows_idle_use("io", "a"), "it had choked before"
    complete = msgspec.structs.replace(skipped, status=PhaseStatus.COMPLETE, end_s=0.6)
    known.learn(msgspec.structs.replace(record, phases=(*record.phases, complete)))
    assert known.knows_idle_use("io", "a")
    assert not known.knows_idle_use("cpu", "a")


def test_one_that_a_hitch_in_the_pilot_made_look_full_is_asked_by_all_users_again() -> None:
    """Two users who are answered as fast as one alone were not waiting for each other."""
    hitch = msgspec.structs.replace(pilot(8.0), own_cores=0.05)
    known = Known(CHECKED, [hitch])
    assert known.of("io", "a").capacity_rps == pytest.approx(8.0)

    def asked_by_two(goodput_rps: float) -> SliceRecord:
        record = with_users(slice("a", 1, phase(goodput_rps)).record, 2)
        phases = tuple(msgspec.structs.replace(one, min_service_ms=100.0) for one in record.phases)
        return msgspec.structs.replace(record, phases=phases)

    known.learn(asked_by_two(9.8))
    assert known.of("io", "a").capacity_rps == pytest.approx(8.0), "one at a time: it is full indeed"
    known.learn(asked_by_two(19.5))
    assert known.of("io", "a").capacity_rps is None, "as if there had been no pilot"
