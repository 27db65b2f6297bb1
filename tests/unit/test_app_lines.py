"""The terminal: a line a route, the worst first, then the remedies."""

from __future__ import annotations

import msgspec

from harness.analysis.app_check import AppCheck
from harness.analysis.app_report import app_report
from harness.cli.app_lines import app_lines
from harness.report.wording import TIMES
from harness.results.records.app_record import AS_IS
from tests import handmade_app as made

ROUTES = [
    "GET /slow: async def, 60.4 ms, blocks the loop for 57.9 ms",
    "    shop/main.py:15 slow: waits for 57.9 ms in time.sleep (endpoint)",
    "GET /quick: def, 1.5 ms, nothing blocks",
    "GET /orders/{id}: not asked: the path parameter `id` needs an example or a default in the schema",
]


def test_a_line_for_each_route_the_worst_first() -> None:
    assert app_lines(made.report()) == ROUTES


def test_what_blocks_only_under_load_says_so() -> None:
    lock = msgspec.structs.replace(made.LINE, route="GET /quick", line=40, call="queue.Queue.get", ms=40.0)
    lock = msgspec.structs.replace(lock, under_load=True, under_load_ms=40.0)
    longer = msgspec.structs.replace(made.LINE, under_load_ms=90.0)
    check = made.check()
    findings = {"GET /slow": (longer,), "GET /quick": (lock,)}
    routes = [msgspec.structs.replace(each, findings=findings.get(each.name, ())) for each in check.routes]
    report = app_report(made.record(), AppCheck(tuple(routes), (longer, lock)), None)
    assert app_lines(report) == [
        ROUTES[0],
        "    shop/main.py:15 slow: waits for 57.9 ms (under load 90 ms) in time.sleep (endpoint)",
        "GET /quick: def, 1.5 ms, blocks the loop for 40 ms under load",
        "    shop/main.py:40 slow: waits for 40 ms under load in queue.Queue.get (endpoint)",
        ROUTES[3],
    ]


def test_then_the_remedies_by_their_gain_with_the_change_to_make() -> None:
    assert app_lines(made.report(made.analysis())) == [
        *ROUTES,
        "",
        "remedies, by how much more is answered:",
        f"`GET /slow`: {made.IN_THREAD.title}: {TIMES}14.0 [12.1, 17.2]; with 2 workers: {TIMES}27.0 [22.0, 31.0]",
        '    @app.get("/slow")',
        "    def slow():",
        "        time.sleep(0.06)",
        "    uvicorn shop.main:app --workers 2",
        f"all routes: {made.IN_THREAD.title}: {TIMES}6.00 [5.00, 7.00]; with 2 workers: {TIMES}9.00 [8.00, 10.0]",
        f"`GET /slow`: 2 workers: {TIMES}1.90 [1.70, 2.10]",
        f"all routes: 2 workers: {TIMES}1.10 [0.900, 1.30] (open)",
        "",
        "granian in place of uvicorn: does not apply: `granian` is not installed",
    ]


def test_what_was_not_measured_is_said_once_for_all_its_routes() -> None:
    silent = made.analysis({})
    for workload in made.WORKLOADS:
        silent = made.with_cell(silent, workload, AS_IS, without_answer=3)
    lines = app_lines(made.report(silent))
    assert (
        "`GET /slow`, all routes: 2 workers: not measured: as it is, the app gave no right answer in 3 slices" in lines
    )
    assert not any(TIMES in line for line in lines)


def test_nothing_an_app_says_can_steer_the_terminal() -> None:
    lines = app_lines(made.hostile_report(made.analysis()))
    assert lines and all(line.isprintable() for line in lines)
    assert any("<script>" in line for line in lines)
