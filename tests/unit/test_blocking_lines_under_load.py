"""What is said of stretches of requests that were made at once: made by hand, so that each rule has its own."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.app_check import AppCheck, checked, checked_under_load
from harness.analysis.blocking_lines import BlockingLine, blocking_lines_under_load
from harness.results.records.blocked_stretch import Stretch, StretchPlace
from harness.results.records.request_line import RequestLine
from harness.results.records.route_answer import RouteAnswer
from tests.unit.test_blocking_lines import COMPUTING, WAITING, stretch

ASKED = 100
SHOW, SUM = "GET /show", "GET /sum"
SHOW_REQUEST = RequestLine(0, "GET", "/show", "/show", "async def", 0, 200, 60.0, 1.0, 0.0, "show")
SUM_REQUEST = RequestLine(0, "GET", "/sum", "/sum", "def", 0, 200, 60.0, 1.0, 0.0, "add")
REQUESTS = [
    msgspec.structs.replace(SHOW_REQUEST if number <= ASKED else SUM_REQUEST, number=number)
    for number in range(1, 2 * ASKED + 1)
]
ROUTES = {each.number: SHOW if each.path == "/show" else SUM for each in REQUESTS}
ANSWERS = [RouteAnswer("GET", "/show", "/show", 200), RouteAnswer("GET", "/sum", "/sum", 200)]
SHORT = msgspec.structs.replace(WAITING, ms=8.0)
ADDING = msgspec.structs.replace(WAITING, function="add", by_other=True, ms=30.0, cpu_ms=30.0)


def blocked(place: StretchPlace, times: int, *, first: int = 1) -> list[Stretch]:
    return [stretch(place, request=number) for number in range(first, first + times)]


def found(stretches: list[Stretch]) -> list[BlockingLine]:
    return blocking_lines_under_load(stretches, ROUTES, REQUESTS, {})


@pytest.mark.parametrize(("times", "many"), [(9, 0), (10, 1), (100, 1)])
def test_what_is_short_counts_in_a_tenth_of_the_requests(times: int, many: int) -> None:
    assert len(found(blocked(SHORT, times))) == many


@pytest.mark.parametrize(("place", "times", "many"), [(WAITING, 2, 0), (WAITING, 3, 1), (COMPUTING, 3, 1)])
def test_what_is_long_counts_however_seldom_it_is(place: StretchPlace, times: int, many: int) -> None:
    lines = found(blocked(place, times))
    assert [(line.route, line.under_load, line.under_load_ms == line.ms) for line in lines] == [
        (SHOW, True, True)
    ] * many


def test_a_line_that_is_short_and_seldom_does_not_shorten_what_is_long() -> None:
    (line,) = found([*blocked(WAITING, 3), *blocked(SHORT, 4, first=10)])
    assert line.ms == 59.9


@pytest.mark.parametrize(("times", "many"), [(9, 0), (10, 1)])
def test_a_thread_that_keeps_the_gil_is_its_own_routes_whoever_waits(times: int, many: int) -> None:
    """The requests that cannot run are those of the other route, or none."""
    of_others = [*blocked(ADDING, times // 2), *[stretch(ADDING, request=None)] * (times - times // 2)]
    assert [(line.cause, line.route) for line in found(of_others)] == [("cannot_run", SUM)] * many


def test_threads_that_start_are_no_finding_of_a_def() -> None:
    """What the loop's thread does for the endpoint is at its first line."""
    starting = msgspec.structs.replace(WAITING, function="add", call="threading.Condition.wait")
    assert found(blocked(starting, 5, first=ASKED + 1)) == []
    assert len(found(blocked(starting, 10, first=ASKED + 1))) == 1


def test_what_starts_the_app_is_not_under_load() -> None:
    starting = msgspec.structs.replace(WAITING, where="startup")
    assert found([stretch(starting, request=None)] * 50) == []


@given(
    st.lists(st.tuples(st.integers(1, 2 * ASKED), st.floats(0.1, 400), st.floats(0, 1), st.booleans()), max_size=60),
    st.randoms(use_true_random=False),
)
def test_neither_the_order_nor_what_is_short_changes_what_is_found(
    seen: list[tuple[int, float, float, bool]], random: object
) -> None:
    stretches = [
        stretch(
            msgspec.structs.replace(WAITING, ms=ms, cpu_ms=part * ms, by_other=by_other),
            request=number,
        )
        for number, ms, part, by_other in seen
    ]
    lines = found(stretches)
    tiny = msgspec.structs.replace(WAITING, file="/other.py", ms=4.9)
    more = [*reversed(stretches), *blocked(tiny, 2 * ASKED)]
    assert {(line.function, line.cause, line.route) for line in found(more)} == {
        (line.function, line.cause, line.route) for line in lines
    }
    assert all(line.ms >= 5 for line in lines)


def check(*alone: Stretch, loaded: list[Stretch]) -> AppCheck:
    requests = [msgspec.structs.replace(SHOW_REQUEST, number=number) for number in (1, 2, 3)]
    one_at_a_time = checked(ANSWERS, alone, requests, {})
    return checked_under_load(one_at_a_time, ANSWERS, loaded, REQUESTS, {})


def test_what_blocks_only_under_load_is_added_to_its_route() -> None:
    both = check(loaded=blocked(WAITING, 20))
    (line,) = both.findings
    show, total = both.routes
    assert (line.under_load, line.ms, line.route, show.findings, total.findings) == (True, 59.9, SHOW, (line,), ())
    assert (show.blocks_alone, show.blocked_ms, show.blocks_ms) == (False, 0.0, 59.9)


def test_a_line_that_blocks_alone_is_no_news_and_has_its_time_under_load() -> None:
    alone = blocked(SHORT, 3)
    (line,) = check(*alone, loaded=[*blocked(WAITING, 20), *blocked(WAITING, 20, first=ASKED + 1)]).findings
    assert (line.under_load, line.ms, line.under_load_ms) == (False, 7.9, 59.9)
    (line,) = check(*alone, loaded=[]).findings
    assert line.under_load_ms is None


def test_a_lock_beside_what_blocks_alone_is_news() -> None:
    lock = msgspec.structs.replace(WAITING, line=30)
    lines = check(*blocked(COMPUTING, 3), loaded=[*blocked(COMPUTING, 50), *blocked(lock, 50, first=51)]).findings
    assert [(line.line, line.cause, line.under_load) for line in lines] == [(7, "computes", False), (30, "waits", True)]


def test_a_loop_that_computes_is_the_same_at_each_of_its_lines() -> None:
    elsewhere = msgspec.structs.replace(COMPUTING, line=9)
    (line,) = check(*blocked(COMPUTING, 3), loaded=blocked(elsewhere, 50)).findings
    assert not line.under_load


@pytest.mark.parametrize(("times", "many"), [(5, 0), (10, 1)])
def test_what_is_seldom_counts_only_where_no_garbage_was_collected(times: int, many: int) -> None:
    collecting = [msgspec.structs.replace(each, collections=1) for each in blocked(WAITING, times)]
    assert len(found(collecting)) == many
    assert len(found(blocked(WAITING, times))) == 1


@pytest.mark.parametrize(("ms", "many"), [(400.0, 0), (4_900.0, 1)])
def test_a_loop_that_is_blocked_for_good_is_so_once(ms: float, many: int) -> None:
    assert len(found(blocked(msgspec.structs.replace(WAITING, ms=ms), 1))) == many
