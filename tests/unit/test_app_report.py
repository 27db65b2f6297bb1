"""What is concluded of an app, and what is not when there are no data."""

from __future__ import annotations

import msgspec
import pytest

from harness.analysis.app_check import AppCheck
from harness.analysis.app_report import AppReport, app_report
from harness.analysis.remedy_ranking import base_name, changes_in_turn, ranked_remedies
from harness.judging.estimate import Estimate
from harness.judging.figures import Percentile
from harness.results.records.app_record import ALL_ROUTES, AS_IS
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseStatus
from tests import handmade_analysis as handmade
from tests import handmade_app as made
from tests.handmade_app import SLOW


def test_a_remedy_has_the_ratio_and_the_verdict_of_the_comparison_on_each_route() -> None:
    report = made.report(made.analysis())
    found = {(remedy.name, remedy.route): remedy for remedy in report.remedies}
    assert found["in_thread", SLOW].ratio == Estimate(14.0, 12.1, 17.2, 6)
    assert found["in_thread", ALL_ROUTES].verdict == "faster"
    assert found["workers_2", ALL_ROUTES].verdict == "open"
    (slow,) = (route for route in report.routes if route.name == SLOW)
    assert [remedy.name for remedy in slow.remedies] == ["in_thread", "in_thread_workers_2", "workers_2"]


def test_one_that_does_not_apply_says_why_and_has_no_ratio() -> None:
    (granian,) = (each for each in made.report(made.analysis()).remedies if each.name == "granian")
    assert (granian.applies, granian.why_not, granian.route) == (False, "`granian` is not installed", ALL_ROUTES)
    assert (granian.ratio, granian.verdict) == (None, "not measured")


@pytest.mark.parametrize(
    ("variant", "changes", "why"),
    [
        ("in_thread", {"status": "failed", "error": "exited with 7"}, "with it, the app could not be measured: exited"),
        ("in_thread", {"status": "failed", "error": "in_thread: no"}, "with it, the app could not be measured: no"),
        ("in_thread", {"valid_slices": 0}, "with it, the app has no valid slice"),
        ("in_thread", {"without_answer": 1}, "with it, the app gave no right answer in 1 slice"),
        ("in_thread", {"status": "missing"}, "with it, the app was not measured"),
        (AS_IS, {"without_answer": 3}, "as it is, the app gave no right answer in 3 slices"),
        (AS_IS, {}, "the two have no valid slices in a common round"),
    ],
)
def test_nothing_is_concluded_where_there_is_no_comparison(variant: str, changes: dict[str, object], why: str) -> None:
    without = {key: ratio for key, ratio in made.RATIOS.items() if key != ("slow", "in_thread")}
    report = made.report(made.with_cell(made.analysis(without), "slow", variant, **changes))
    (found,) = (each for each in report.remedies if (each.name, each.route) == ("in_thread", SLOW))
    assert (found.applies, found.ratio, found.verdict) == (True, None, "not measured")
    assert found.why_not.startswith(why)


def test_without_load_each_remedy_is_there_and_none_is_measured() -> None:
    report = made.report()
    assert [(each.name, each.route) for each in report.remedies] == [
        ("in_thread", SLOW),
        ("in_thread_workers_2", SLOW),
        ("workers_2", ALL_ROUTES),
        ("granian", ALL_ROUTES),
    ]
    assert {each.verdict for each in report.remedies} == {"not measured"}
    assert report.remedies[0].why_not == "nothing was measured under load"
    assert (report.under_load, report.load, report.gate) == (False, (), ())


def test_a_route_that_a_remedy_leaves_alone_is_in_no_ranking() -> None:
    elsewhere = {**made.WORKLOADS, "all": "GET /quick"}
    report = app_report(made.record(workloads=elsewhere), made.check(), made.analysis())
    (found,) = (each for each in report.remedies if (each.name, each.route) == ("in_thread", "GET /quick"))
    assert found.ratio is not None and not found.changes_route
    assert ("in_thread", "GET /quick") not in [
        (each.name, each.route) for ranked in ranked_remedies(report.remedies) for each in ranked.members
    ]


def test_the_largest_gain_comes_first_with_what_comes_on_top_of_it() -> None:
    ranked = ranked_remedies(made.report(made.analysis()).remedies)
    assert [(each.first.name, each.first.route) for each in ranked] == [
        ("in_thread", SLOW),
        ("in_thread", ALL_ROUTES),
        ("workers_2", SLOW),
        ("workers_2", ALL_ROUTES),
    ]
    assert [words for words, _ in ranked[0].beside] == ["with 2 workers"]
    assert ranked[0].best is not None and ranked[0].best.name == "in_thread_workers_2"
    assert ranked[3].best is None


def test_a_change_is_that_of_its_route_and_told_once() -> None:
    both = msgspec.structs.replace(
        made.IN_THREAD,
        routes=(SLOW, "GET /quick"),
        change="# GET /slow: it waits\ndef slow():\n\n# GET /quick: it waits\ndef quick():",
    )
    report = app_report(made.record(remedies=[both]), made.check(), made.analysis())
    found = {remedy.route: remedy.change for remedy in report.remedies}
    assert found[SLOW] == "# GET /slow: it waits\ndef slow():"
    assert found[ALL_ROUTES] == both.change
    assert [change for _, change in changes_in_turn(ranked_remedies(report.remedies))] == [
        "# GET /slow: it waits\ndef slow():",
        "# GET /quick: it waits\ndef quick():",
    ]


def test_a_combination_is_named_after_its_remedies() -> None:
    names = ["threads_200", "threads_200_workers_2", "threads_200_workers_2_uvloop", "workers_2", "workers_24"]
    assert [base_name(name, names) for name in names] == [*["threads_200"] * 3, "workers_2", "workers_24"]


def test_what_is_measured_under_load_has_the_figures_of_its_cell() -> None:
    report = made.report(made.analysis())
    rows = [load for load in report.load if (load.route, load.variant) == (SLOW, AS_IS)]
    assert [(row.phase, row.rate_rps) for row in rows] == [("capacity", None), ("rate-30", handmade.RATE_RPS)]
    assert rows[0].answered_rps == handmade.estimate(handmade.CAPACITY_RPS)
    assert rows[0].response_p99 == handmade.P99
    assert rows[0].health_p99 is not None and rows[0].health_p99.value_ms == 9.0


def test_json_has_the_keys_that_are_promised() -> None:
    found = msgspec.to_builtins(made.report(made.analysis()))
    (slow,) = (route for route in found["routes"] if route["path"] == "/slow")
    assert {"method", "path", "kind", "service_ms", "blocked_ms", "thread_ms", "cpu_ms", "findings", "remedies"} <= set(
        slow
    )
    assert set(slow["findings"][0]) == {
        *("file", "line", "function", "call", "cause", "ms", "where", "route"),
        *("under_load", "under_load_ms", "coroutines"),
    }
    assert {"name", "route", "applies", "why_not", "ratio", "verdict", "change"} <= set(slow["remedies"][0])
    assert {"value", "low", "high"} <= set(slow["remedies"][0]["ratio"])
    assert {"routes", "findings", "remedies", "load", "gate"} <= set(found)


def test_what_json_prints_can_be_read_back() -> None:
    report = made.report(made.analysis(), max_blocked_ms=20, max_p99_ms=300, at_rps=30)
    assert msgspec.json.decode(msgspec.json.encode(report), type=AppReport) == report


def gate(**limits: float) -> list[str]:
    return list(made.report(made.analysis(), **limits).gate)


def test_the_gate_names_the_route_and_its_line() -> None:
    assert gate(max_blocked_ms=20) == ["GET /slow: blocked for 57.9 ms, above 20 ms: shop/main.py:15 slow"]
    assert gate(max_blocked_ms=57.9) == []
    (slow,) = (each for each in made.report(max_blocked_ms=20).routes if each.name == SLOW)
    assert slow.failed == ("GET /slow: blocked for 57.9 ms, above 20 ms: shop/main.py:15 slow",)


def test_a_line_of_no_route_fails_it_too_but_not_the_startup() -> None:
    refresh = msgspec.structs.replace(made.LINE, route=None, function="refresh", line=40, where="other", ms=80.0)
    startup = msgspec.structs.replace(refresh, where="startup")
    report = app_report(made.record(max_blocked_ms=60), made.check(refresh, startup), None)
    assert report.gate == ("no route: blocked for 80 ms, above 60 ms: shop/main.py:40 refresh",)


def test_what_blocks_only_under_load_fails_it_too() -> None:
    lock = msgspec.structs.replace(made.LINE, route="GET /quick", line=40, under_load=True, under_load_ms=57.9)
    longer = msgspec.structs.replace(made.LINE, ms=12.0, under_load_ms=80.0)
    slow, quick = made.check().routes[1], made.check().routes[0]
    routes = (
        msgspec.structs.replace(quick, findings=(lock,)),
        msgspec.structs.replace(slow, blocked_ms=12.0, findings=(longer,)),
    )
    of_no_route = msgspec.structs.replace(lock, route=None, where="background")
    found = app_report(made.record(max_blocked_ms=20), AppCheck(routes, (lock, longer, of_no_route)), None).gate
    assert found == (
        "GET /quick: blocked for 57.9 ms under load, above 20 ms: shop/main.py:40 slow",
        "GET /slow: blocked for 80 ms under load, above 20 ms: shop/main.py:15 slow",
        "no route: blocked for 57.9 ms under load, above 20 ms: shop/main.py:40 slow",
    )


def test_a_route_that_was_not_seen_to_its_end_does_not_pass_the_gate() -> None:
    quick, *others = made.check().routes
    stuck = msgspec.structs.replace(quick, blocked_ms=None, reason="did not answer within 10 s")
    report = app_report(made.record(max_blocked_ms=20), AppCheck((stuck, *others), ()), None)
    said = "GET /quick: for how long it blocks is not known: did not answer within 10 s"
    assert [line for line in report.gate if "GET /quick" in line] == [said]
    unasked = AppCheck(tuple(msgspec.structs.replace(each, asked=False) for each in made.check().routes), ())
    report = app_report(made.record(max_blocked_ms=20), unasked, None)
    assert "all routes: for how long they block is not known: none was asked" in report.gate


BLOCKS = "GET /slow blocks the loop for 57.9 ms: shop/main.py:15 slow"


def test_a_p99_above_the_limit_names_the_route_that_blocks() -> None:
    assert gate(max_p99_ms=100, at_rps=30) == [f"all routes at 30/s: p99 134 ms, above 100 ms; {BLOCKS}"]
    assert gate(max_p99_ms=134, at_rps=30) == []


def test_a_limit_is_not_said_to_be_above_itself() -> None:
    assert gate(max_p99_ms=133.6, at_rps=30) == [f"all routes at 30/s: p99 134 ms, above 133.6 ms; {BLOCKS}"]
    phase = handmade.cell_phase("rate-30", response_p99=Percentile(300.02, False, 300))
    found = made.with_cell(made.analysis(), "all", AS_IS, phases={"rate-30": phase})
    assert made.report(found, max_p99_ms=300, at_rps=30).gate == (
        f"all routes at 30/s: p99 300.02 ms, above 300 ms; {BLOCKS}",
    )


@pytest.mark.parametrize(
    ("phase", "said"),
    [
        (
            handmade.cell_phase("rate-30", statuses={PhaseStatus.CHOKED: 1, PhaseStatus.SKIPPED: 2}, overloaded=3),
            [
                "in 2 of 3 slices it was skipped, since the app had choked before",
                "in 1 of 3 slices the app choked",
            ],
        ),
        (handmade.cell_phase("rate-30", overloaded=1), ["in 1 of 3 slices the app did not keep up"]),
        (handmade.cell_phase("rate-30", response_p99=None), ["there is no p99: it needs 100 answers"]),
        (
            handmade.cell_phase("rate-30", outcomes={Outcome.OK: 980, Outcome.HTTP_ERROR: 20}),
            ["20 of 1,000 requests got no right answer"],
        ),
        (
            handmade.cell_phase("rate-30", response_p99=Percentile(120.0, True, 300)),
            ["p99 at least 120 ms, so it may be above 300 ms"],
        ),
        (
            handmade.cell_phase("rate-30", response_p99=Percentile(5200.0, True, 300)),
            ["p99 at least 5200 ms, above 300 ms"],
        ),
    ],
)
def test_a_rate_that_was_not_reached_is_a_failure_whatever_the_p99(phase: object, said: list[str]) -> None:
    found = made.with_cell(made.analysis(), "all", AS_IS, phases={"rate-30": phase})
    report = made.report(found, max_p99_ms=300, at_rps=30)
    assert report.gate == tuple(f"all routes at 30/s: {each}; {BLOCKS}" for each in said)


def test_without_data_a_p99_fails_and_says_so() -> None:
    assert gate(max_p99_ms=300, at_rps=50) == [
        "all routes at 50/s: there is no p99: the app was not asked at this rate"
    ]
    silent = made.with_cell(made.analysis(), "all", AS_IS, phases={}, without_answer=3)
    assert made.report(silent, max_p99_ms=300, at_rps=30).gate == (
        "all routes at 30/s: there is no p99: the app gave no right answer in 3 slices",
    )
    assert made.report(max_p99_ms=300, at_rps=30).gate == (
        "all routes at 30/s: there is no p99: nothing was measured under load",
    )
    assert made.report(made.analysis(), max_p99_ms=300).gate == (
        "all routes: there is no p99, since no rate was named (--at)",
    )


def test_an_app_of_one_route_is_judged_by_that_route() -> None:
    report = app_report(made.record(workloads={"slow": SLOW}, max_p99_ms=100, at_rps=30), made.check(), made.analysis())
    assert report.gate == (f"GET /slow at 30/s: p99 134 ms, above 100 ms; {BLOCKS}",)
    (slow,) = (route for route in report.routes if route.name == SLOW)
    assert slow.failed == report.gate


def test_whatever_a_route_is_called_a_failure_is_one_line() -> None:
    (line,) = made.hostile_report().gate
    assert line.isprintable() and "blocked for 57.9 ms, above 20 ms" in line
