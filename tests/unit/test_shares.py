from msgspec.structs import replace

from harness.driving.inside.protocol import Warm
from harness.driving.load import Done, Ended, Load, Progress, Started
from harness.driving.shares import MergedEvents, add_up, seed_of, share_out, users_of
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus
from harness.results.records.schedule import schedule

CLOSED = PhaseSpec(name="capacity", kind=PhaseKind.CAPACITY, duration_s=1.0, users=7)
RATE = PhaseSpec(name="rate", kind=PhaseKind.RATE, duration_s=50.0, users=64, rate_rps=90.0, seed=5)


def load(*phases: PhaseSpec) -> Load:
    return Load(("127.0.0.1", 1), phases, 1.0, 10.0, 25.0, 0)


def test_users_and_rate_are_shared_out_and_none_is_lost() -> None:
    parts = share_out(load(CLOSED, RATE), 3)
    assert [part.phases[0].users for part in parts] == [3, 2, 2]
    assert [part.phases[1].rate_rps for part in parts] == [30.0, 30.0, 30.0]
    assert [part.health_rate_rps for part in parts] == [25.0, 0.0, 0.0]
    assert share_out(load(CLOSED), 1) == [load(CLOSED)]


def test_no_generator_gets_more_users_than_were_spawned_for_it() -> None:
    for users in range(1, 40):
        for spawned in range(users, 40):
            assert all(users_of(n, users, 4) <= users_of(n, spawned, 4) for n in range(4))
        assert sum(users_of(n, users, 4) for n in range(4)) == users


def test_one_user_is_one_generators_business() -> None:
    one = PhaseSpec(name="warmup-1", kind=PhaseKind.WARMUP, duration_s=1.0, users=1)
    assert share_out(load(one), 3) == [load(one)]


def test_the_streams_are_independent_and_add_up_to_the_rate() -> None:
    streams = [
        schedule("poisson", part.phases[0].rate_rps or 0.0, 50.0, part.phases[0].seed)
        for part in share_out(load(RATE), 3)
    ]
    assert not set(streams[0]) & set(streams[1]) | set(streams[1]) & set(streams[2])
    assert abs(sum(map(len, streams)) - 4500) < 4 * 4500**0.5
    assert seed_of(0, 5) == 5


def record(ok: int, timeouts: int, **others: object) -> PhaseRecord:
    return PhaseRecord(
        spec=share_out(load(RATE), 2)[0].phases[0],
        status=PhaseStatus.CHOKED if timeouts else PhaseStatus.COMPLETE,
        reason="late" if timeouts else "",
        scheduled=ok + timeouts,
        outcomes={Outcome.OK: ok, **({Outcome.TIMEOUT: timeouts} if timeouts else {})},
        ok_in_window=ok,
        **others,  # type: ignore[arg-type]
    )


def test_records_add_up() -> None:
    first = record(3, 0, start_s=1.0, end_s=2.0, ok_per_tenth=(1, 0, 2), min_service_ms=4.0, own_cpu_s=0.7)
    second = record(
        5,
        2,
        start_s=0.6,
        end_s=1.6,
        drained_s=2.0,
        ok_per_tenth=(5,),
        min_service_ms=3.0,
        censored=2,
    )
    first, second = replace(first, own_cpu_wait_s=0.1), replace(second, own_cpu_s=0.3, own_cpu_wait_s=0.2)
    # The second began half a second after the first, by whose start the sum counts.
    done = add_up(load(RATE), [Done((first,), 0.1), Done((second,), 0.3)], [100.0, 100.5])
    (both,) = done.records
    assert done.drain_s == 0.3
    assert (both.spec, both.status, both.reason) == (RATE, PhaseStatus.CHOKED, "late")
    assert (both.start_s, both.end_s, both.drained_s, both.min_service_ms) == (1.0, 2.1, 2.5, 3.0)
    assert (both.scheduled, both.ok_in_window, both.censored, both.ok_per_tenth) == (10, 8, 2, (6, 0, 2))
    assert both.ok_per_tenth == (6, 0, 2)
    assert (both.own_cpu_s, both.own_cpu_wait_s) == (0.7, 0.2)
    assert both.outcomes == {Outcome.OK: 8, Outcome.TIMEOUT: 2}


def test_an_aborted_load_keeps_what_each_generator_had_counted() -> None:
    done = add_up(load(CLOSED, RATE), [Done((record(3, 0), record(1, 0)), 0.1), Done((record(5, 0),), 0.1)], [7.0, 7.0])
    assert [r.scheduled for r in done.records] == [8, 1]


def test_several_generators_speak_with_one_voice() -> None:
    heard: list[object] = []
    merged = MergedEvents(2, heard.append)
    for number in (0, 1):
        merged.hear(number, Started("rate"))
    merged.hear(1, Warm("warmup"))
    assert Warm("warmup") not in heard
    merged.hear(0, Warm("warmup"))
    assert heard.pop() == Warm("warmup")
    merged.hear(1, Progress("rate", 10.0, 5.0))
    merged.hear(0, Progress("rate", 20.0, None))
    merged.hear(1, Ended("rate"))
    assert Ended("rate") not in heard
    merged.hear(0, Ended("rate"))
    assert heard == [Started("rate"), Progress("rate", 30.0, 5.0), Ended("rate")]
