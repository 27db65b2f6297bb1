"""What is said of stretches: made by hand, so that each rule has its own."""

from __future__ import annotations

import msgspec
import pytest

from harness.analysis.blocking_lines import BlockingLine, blocking_lines
from harness.results.records.blocked_stretch import HeldCoroutine, Stretch, StretchPlace

ROUTE = "GET /a"
ROUTES = {1: ROUTE, 2: ROUTE, 3: ROUTE}
WAITING = StretchPlace(
    file="/app.py", line=7, function="show", call=None, where="endpoint", by_other=False, ms=60, cpu_ms=0.1, queued_ms=0
)
COMPUTING = msgspec.structs.replace(WAITING, cpu_ms=58.0)
SOURCE = "\n" * 6 + "time.sleep(0.06)\n"


def stretch(*places: StretchPlace, request: int | None = 1) -> Stretch:
    return Stretch(0.0, sum(place.ms for place in places), request, places)


def in_each(*places: StretchPlace) -> list[Stretch]:
    return [stretch(*places, request=number) for number in ROUTES]


def found(stretches: list[Stretch]) -> list[BlockingLine]:
    return blocking_lines(stretches, ROUTES, {"/app.py": SOURCE})


def test_a_thread_that_is_off_the_cpu_waits() -> None:
    (line,) = found(in_each(WAITING))
    assert (line.file, line.line, line.function, line.route) == ("/app.py", 7, "show", ROUTE)
    assert (line.cause, line.ms, line.where) == ("waits", 59.9, "endpoint")


def test_one_that_is_on_it_computes() -> None:
    (line,) = found(in_each(COMPUTING))
    assert (line.cause, line.ms) == ("computes", 58.0)


def test_one_that_another_thread_keeps_from_running_cannot_run() -> None:
    (line,) = found(in_each(msgspec.structs.replace(WAITING, by_other=True, cpu_ms=58.0)))
    assert line.cause == "cannot_run"


def test_threads_that_hand_the_gil_on_are_no_finding() -> None:
    assert found(in_each(msgspec.structs.replace(WAITING, by_other=True, ms=12, cpu_ms=12.0))) == []


def test_a_thread_without_a_cpu_is_the_machines_affair() -> None:
    assert found(in_each(msgspec.structs.replace(WAITING, queued_ms=56))) == []


@pytest.mark.parametrize(("ms", "many"), [(4.9, 0), (5.2, 1)])
def test_what_is_short_is_no_finding(ms: float, many: int) -> None:
    assert len(found(in_each(msgspec.structs.replace(WAITING, ms=ms)))) == many


def test_only_the_time_that_the_cause_explains_counts() -> None:
    """1 ms of computing that the machine stretches to 6 ms."""
    assert found(in_each(msgspec.structs.replace(WAITING, ms=6, cpu_ms=2.5, queued_ms=1))) == []


def test_the_call_is_read_in_the_source() -> None:
    (line,) = found(in_each(WAITING))
    assert line.call == "time.sleep"
    (line,) = found(in_each(msgspec.structs.replace(WAITING, call="subprocess.run")))
    assert line.call == "subprocess.run"


def test_what_happened_once_in_three_requests_is_no_finding() -> None:
    assert found([stretch(WAITING, request=2)]) == []
    assert len(found([stretch(WAITING, request=1), stretch(WAITING, request=3)])) == 1


def test_what_happens_at_startup_happens_once() -> None:
    starting = msgspec.structs.replace(WAITING, where="startup")
    (line,) = found([stretch(starting, request=None)])
    assert (line.where, line.route) == ("startup", None)
    assert found([stretch(WAITING, request=None)]) == []
    assert len(found([stretch(WAITING, request=None)] * 2)) == 1


def test_requests_of_other_routes_are_left_out() -> None:
    assert found([stretch(WAITING, request=9)] * 3) == []


def test_a_wait_and_a_computation_in_one_stretch_are_two_findings_the_longest_first() -> None:
    computing = msgspec.structs.replace(COMPUTING, line=9, ms=30, cpu_ms=29)
    lines = found(in_each(computing, WAITING))
    assert [(line.line, line.cause) for line in lines] == [(7, "waits"), (9, "computes")]


def test_the_lines_of_a_loop_are_one_finding_at_the_first_of_the_long_ones() -> None:
    shares = {7: 6.0, 8: 24.0, 9: 30.0}
    places = [msgspec.structs.replace(COMPUTING, line=line, ms=ms, cpu_ms=ms) for line, ms in shares.items()]
    (line,) = found(in_each(*places))
    assert (line.line, line.ms) == (8, 60.0)


def test_several_stretches_of_one_request_are_added() -> None:
    short = msgspec.structs.replace(WAITING, ms=20, cpu_ms=0)
    (line,) = found([stretch(short, request=number) for number in ROUTES for _ in range(3)])
    assert line.ms == 60.0


def test_many_functions_that_share_a_computation_are_one_finding_at_the_longest() -> None:
    places = [
        msgspec.structs.replace(COMPUTING, function=f"f{i}", line=i, ms=4 + i / 10, cpu_ms=4 + i / 10)
        for i in range(1, 8)
    ]
    (line,) = found(in_each(*places))
    assert line.function == "f7"
    assert line.ms == pytest.approx(sum(place.ms for place in places), abs=0.1)


def test_a_stretch_without_a_line_of_the_users_names_nothing() -> None:
    assert found(in_each(msgspec.structs.replace(WAITING, file=None))) == []


def test_the_coroutines_that_stand_still_are_named_once_and_those_of_a_moment_are_not() -> None:
    first, second, short = (HeldCoroutine("/app.py", name, 1, 3) for name in ("a", "b", "c"))
    of_each = [
        msgspec.structs.replace(WAITING, ms=ms, coroutine=coroutine)
        for ms, coroutine in ((30, first), (20, second), (5, short), (40, None))
    ]
    (line,) = found(in_each(*of_each))
    assert line.coroutines == (first, second)
    (line,) = found(in_each(WAITING))
    assert line.coroutines == ()


def test_turns_that_threads_take_in_one_request_do_not_add_up() -> None:
    turn = msgspec.structs.replace(WAITING, by_other=True, ms=12, cpu_ms=12.0)
    assert found([stretch(turn, request=number) for number in ROUTES for _ in range(4)]) == []


def test_what_other_threads_did_not_compute_is_the_machines() -> None:
    assert found(in_each(msgspec.structs.replace(WAITING, by_other=True, ms=60, cpu_ms=10.0))) == []


def test_a_thread_that_has_gone_on_to_wait_is_named_where_it_kept_the_gil() -> None:
    keeping = msgspec.structs.replace(WAITING, by_other=True, cpu_ms=60.0)
    waiting = msgspec.structs.replace(keeping, line=6, call="threading.Event.wait", ms=90, cpu_ms=90.0)
    (line,) = found(in_each(keeping, waiting))
    assert line.line == keeping.line


@pytest.mark.parametrize(("ms", "cpu_ms", "many"), [(12, 12, 0), (20, 20, 1), (10, 0, 1)])
def test_what_computes_once_at_startup_has_to_be_longer(ms: float, cpu_ms: float, many: int) -> None:
    starting = msgspec.structs.replace(WAITING, where="startup", ms=ms, cpu_ms=cpu_ms)
    assert len(found([stretch(starting, request=None)])) == many


def test_of_threads_that_take_turns_none_keeps_the_gil() -> None:
    turns = msgspec.structs.replace(WAITING, by_other=True, cpu_ms=60.0, takes_turns=True)
    assert found(in_each(turns)) == []


@pytest.mark.parametrize(("seen", "many"), [(0, 0), (1, 1)])
def test_a_thread_that_has_gone_on_was_where_another_request_has_seen_it(seen: int, many: int) -> None:
    keeping = msgspec.structs.replace(WAITING, by_other=True, cpu_ms=60.0)
    gone = msgspec.structs.replace(keeping, file=None)
    places = [keeping] * seen + [gone] * (len(ROUTES) - seen)
    lines = found([stretch(place, request=number) for number, place in zip(ROUTES, places, strict=True)])
    assert len(lines) == many
