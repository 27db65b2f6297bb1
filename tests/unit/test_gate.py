"""The gate alone, with greenlets as users: no Locust, no sockets."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from time import monotonic

import gevent
import pytest

from harness.driving.inside.gate import RAMP_S, Gate
from harness.driving.inside.phase import Phase, Ticket
from harness.driving.inside.recorder import Recorder
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseSpec


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path / "latency.hlog", monotonic())
    yield recorder
    recorder.close()


def phase(recorder: Recorder, kind: PhaseKind, users: int) -> Phase:
    spec = PhaseSpec(name="p", kind=kind, duration_s=10.0, users=users, rate_rps=1.0)
    return Phase(spec, recorder, monotonic(), monotonic())


class Users:
    """Greenlets that take tickets, hold each until `finish`, and come back."""

    def __init__(self, gate: Gate, count: int) -> None:
        self.gate = gate
        self.busy: dict[int, Ticket] = {}
        self._done = [gevent.event.Event() for _ in range(count)]
        self._greenlets = [gevent.spawn(self._live, number) for number in range(count)]
        gevent.sleep(0)

    def _live(self, number: int) -> None:
        while True:
            self.busy[number] = self.gate.take()
            self._done[number].wait()
            self._done[number].clear()

    def finish(self, number: int) -> None:
        del self.busy[number]
        self._done[number].set()
        gevent.sleep(0.001)

    def end(self) -> None:
        gevent.killall(self._greenlets)


def wait_for(condition: Callable[[], bool]) -> None:
    end_s = monotonic() + 10.0
    while not condition():
        assert monotonic() < end_s, "it did not happen in 10 s"
        gevent.sleep(0.001)


def test_a_closed_loop_keeps_exactly_its_users_busy(recorder: Recorder) -> None:
    gate = Gate()
    users = Users(gate, 10)
    closed = phase(recorder, PhaseKind.CAPACITY, users=4)
    gate.open_closed_loop(closed)
    wait_for(lambda: len(users.busy) == 4)
    gevent.sleep(RAMP_S)
    assert len(users.busy) == 4
    for number in list(users.busy):
        users.finish(number)
        assert len(users.busy) == 4
    assert closed.scheduled == 8
    gate.end_closed_loop()
    for number in list(users.busy):
        users.finish(number)
    assert not users.busy
    assert gate.parked_users == 10
    users.end()


def test_one_closed_loop_flows_into_the_next_without_a_pause(recorder: Recorder) -> None:
    gate = Gate()
    users = Users(gate, 6)
    warmup, capacity = (phase(recorder, PhaseKind.CAPACITY, users=n) for n in (2, 5))
    gate.open_closed_loop(warmup)
    wait_for(lambda: len(users.busy) == 2)
    gate.open_closed_loop(capacity)
    wait_for(lambda: len(users.busy) == 5)
    assert sorted(t.phase is capacity for t in users.busy.values()) == [False, False, True, True, True]
    users.finish(next(n for n, t in users.busy.items() if t.phase is warmup))
    assert (warmup.scheduled, capacity.scheduled) == (2, 4)
    users.end()


def test_the_users_of_a_closed_loop_come_one_after_the_other(recorder: Recorder) -> None:
    gate = Gate()
    users = Users(gate, 10)
    closed = phase(recorder, PhaseKind.CAPACITY, users=10)
    gate.open_closed_loop(closed)
    wait_for(lambda: len(users.busy) == 10)
    came_s = sorted(ticket.intended_s for ticket in users.busy.values())
    assert len(came_s) == closed.scheduled == 10
    assert all(later > earlier for earlier, later in pairwise(came_s))
    assert came_s[-1] - came_s[0] > 0.5 * RAMP_S
    users.end()


def test_a_loop_that_ends_while_its_users_come_lets_nobody_out_any_more(recorder: Recorder) -> None:
    gate = Gate()
    users = Users(gate, 10)
    closed = phase(recorder, PhaseKind.CAPACITY, users=10)
    gate.open_closed_loop(closed)
    wait_for(lambda: len(users.busy) >= 3)
    gate.end_closed_loop()
    came = len(users.busy)
    gevent.sleep(RAMP_S)
    assert 0 < came == len(users.busy) == closed.scheduled < 10
    users.end()


def test_arrivals_go_out_in_order_and_wait_for_a_free_user_without_being_skipped(recorder: Recorder) -> None:
    gate = Gate()
    users = Users(gate, 2)
    rate = phase(recorder, PhaseKind.RATE, users=2)
    for due_s in (1.0, 2.0, 3.0, 4.0):
        gate.fall_due(rate, due_s)
    gevent.sleep(0.001)
    assert sorted(t.intended_s for t in users.busy.values()) == [1.0, 2.0]
    users.finish(next(n for n, t in users.busy.items() if t.intended_s == 1.0))
    assert sorted(t.intended_s for t in users.busy.values()) == [2.0, 3.0]
    assert [t.intended_s for t in gate.withdraw()] == [4.0]
    assert gate.withdraw() == []
    users.end()


def test_the_user_idle_for_the_shortest_time_goes_next_so_that_connections_stay_few(recorder: Recorder) -> None:
    gate = Gate()
    users = Users(gate, 50)
    rate = phase(recorder, PhaseKind.RATE, users=50)
    seen = set()
    for due_s in range(20):
        gate.fall_due(rate, float(due_s))
        gevent.sleep(0.001)
        (number,) = users.busy
        seen.add(number)
        users.finish(number)
    assert len(seen) == 1
    users.end()


def test_a_killed_user_is_never_given_a_ticket(recorder: Recorder) -> None:
    gate = Gate()
    first = Users(gate, 1)
    first.end()
    assert gate.parked_users == 0
    second = Users(gate, 1)
    gate.fall_due(phase(recorder, PhaseKind.RATE, users=1), 1.0)
    gevent.sleep(0.001)
    assert len(second.busy) == 1
    second.end()


def test_outcomes_settle_a_phase_and_add_up(recorder: Recorder) -> None:
    rate = phase(recorder, PhaseKind.RATE, users=1)
    rate.scheduled = 3
    now_s = monotonic()
    rate.ended(Outcome.OK, now_s, now_s, now_s + 0.1, censored=False)
    rate.ended(Outcome.TIMEOUT, now_s, now_s, now_s + 0.2, censored=True)
    assert not rate.is_settled
    rate.not_sent(now_s, now_s + 0.3)
    assert rate.is_settled
