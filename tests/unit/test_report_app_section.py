"""What the pages show of somebody's own app: complete, as text, and the lines of source that ran."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from harness.report import page
from harness.report.app_page import render_app, write_app_page
from harness.report.app_section import app_section
from harness.report.wording import TIMES
from harness.results.records.app_record import AppRecord
from harness.results.records.route_answer import RouteAnswer
from harness.results.records.text import to_json
from harness.results.store import Run, StoreError
from tests import handmade_app as made
from tests.unit.test_blocking_lines import WAITING, stretch
from tests.unit.test_report_page import Elements

SOURCES = {made.FILE: made.SOURCE}


def test_a_line_is_shown_with_those_around_it() -> None:
    (row,) = app_section(made.report(), SOURCES).blocking
    assert (row.place, row.does, row.route) == ("shop/main.py:15 slow", "waits for 57.9 ms in time.sleep", "GET /slow")
    assert [(line.number, line.text, line.is_blocking) for line in row.source] == [
        (12, "line_12 = 12", False),
        (13, "line_13 = 13", False),
        (14, "line_14 = 14", False),
        (15, "    time.sleep(0.06)", True),
        (16, "    return {}", False),
    ]


@pytest.mark.parametrize("sources", [{}, {made.FILE: ""}, {made.FILE: "one line\n"}])
def test_where_the_source_is_missing_that_is_said(sources: dict[str, str]) -> None:
    (row,) = app_section(made.report(), sources).blocking
    assert row.source == () and row.missing.startswith("Its source cannot be shown")
    assert row.missing in Elements(render_app(made.report(), sources)).text


def test_the_page_of_a_check_has_the_routes_and_the_lines_and_says_that_nothing_more_was_measured() -> None:
    text = Elements(render_app(made.report(max_blocked_ms=20), SOURCES)).text
    for said in (
        "What blocks the event loop of shop.main:app?",
        "Above the limits GET /slow: blocked for 57.9 ms, above 20 ms: shop/main.py:15 slow",
        "GET /slow async def 60.4 ms 57.9 ms 0 ms 1.20 ms",
        "def, 2 dependencies in a thread",
        "1 route that was not asked",
        "waits for 57.9 ms in time.sleep , in the endpoint, of GET /slow",
        "15 time.sleep(0.06)",
        "Not measured: the app was asked one request at a time.",
    ):
        assert said in text, text


def test_under_load_it_has_response_times_health_and_the_remedies_with_their_change() -> None:
    text = Elements(render_app(made.report(made.analysis()), SOURCES)).text
    for said in (
        "GET /slow closed loop 100/s [90.0, 110] 101 ms 134 ms 9.00 ms",
        "all routes 30.0 requests/s 100/s [90.0, 110] 101 ms 134 ms 9.00 ms",
        f"GET /slow def in place of async def {TIMES}14.0 [12.1, 17.2] ▲ faster 9.00 ms → 9.00 ms 3 lines",
        f"{TIMES}1.10 [0.900, 1.30] ? open",
        "def slow(): time.sleep(0.06) uvicorn shop.main:app --workers 2",
        "granian in place of uvicorn all routes does not apply granian is not installed",
    ):
        assert said in text, text


def test_no_line_and_no_route_are_said_too() -> None:
    report = msgspec.structs.replace(made.report(), routes=(), findings=())
    text = Elements(render_app(report, {})).text
    assert "No route was asked." in text
    assert "No line blocked the event loop for more than 5 ms." in text


@pytest.mark.parametrize("measured", [None, made.analysis()])
def test_whatever_an_app_says_is_text(measured: object) -> None:
    hostile = made.hostile_report(measured)
    html = render_app(hostile, {made.HOSTILE: f"{made.HOSTILE}\n" * 20})
    plain = Elements(render_app(made.report(made.analysis() if measured else None), SOURCES))
    assert {tag for tag, _ in Elements(html).tags} <= {tag for tag, _ in plain.tags} | {"div", "ul", "li"}  # the gate
    assert {name for _, found in Elements(html).tags for name in found} <= ALLOWED
    assert "<script>alert(1)</script>" in Elements(html).text
    assert "\x1b" not in html and "\u202e" not in html


ALLOWED = {
    *("lang", "charset", "http-equiv", "content", "name", "href", "class", "id", "role", "scope", "colspan"),
    *("data-label", "open", "aria-label"),
}


def test_the_page_of_a_check_runs_nothing_and_fetches_nothing() -> None:
    html = render_app(made.report(), SOURCES)
    assert "default-src 'none'" in html and "script-src" not in html
    assert re.findall(r"(?:https?:)?//[a-z]", html) == []
    ids = [found["id"] for _, found in Elements(html).tags if "id" in found]
    assert len(ids) == len(set(ids))
    hrefs = {(found["href"] or "").removeprefix("#") for _, found in Elements(html).tags if "href" in found}
    assert hrefs <= set(ids)


def test_it_is_written_whole_or_the_reason_is_one_line(tmp_path: Path) -> None:
    write_app_page(tmp_path / "app.html", made.report(), SOURCES)
    assert (tmp_path / "app.html").read_text() == render_app(made.report(), SOURCES)
    with pytest.raises(StoreError, match=r"app\.html: cannot be written"):
        write_app_page(tmp_path / "gone" / "app.html", made.report(), SOURCES)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Of an app that was asked for one route three times and blocked in each."""
    run = Run(tmp_path)
    run.watch_dir("check").mkdir(parents=True)
    source = tmp_path / "shop.py"
    source.write_text("\n" * 6 + "    time.sleep(0.06)\n")
    place = msgspec.structs.replace(WAITING, file=str(source), function="slow")
    requests = [
        {
            "number": number,
            "method": "GET",
            "path": "/slow",
            "template": "/slow",
            "kind": "async def",
            "sync_dependencies": 0,
            "status": 200,
            "service_ms": 61.0,
            "cpu_ms": 1.0,
            "thread_ms": 0.0,
        }
        for number in (1, 2, 3)
    ]
    write_lines(run.watch_dir("check") / "7.requests.jsonl", requests)
    write_lines(
        run.watch_dir("check") / "7.stretches.jsonl",
        [msgspec.structs.replace(stretch(place, request=number), t_s=float(number)) for number in (1, 2, 3)],
    )
    record: AppRecord = msgspec.structs.replace(
        made.record(), folder=str(tmp_path), answers=(RouteAnswer("GET", "/slow", "/slow", 200),)
    )
    run.app_path.write_bytes(to_json(record))
    assert run.read_app() == record
    return run


def write_lines(path: Path, lines: list[object]) -> None:
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))


def test_the_report_of_a_run_has_it_at_the_top(run: Run) -> None:
    text = Elements(page.render(run, made.analysis())).text
    assert "What blocks shop.main:app, and what would help?" in text
    places = [
        text.index(said) for said in ("Routes Each route", "Blocking lines waits", "Remedies How", "Decisions For")
    ]
    assert places == sorted(places)
    assert "shop.py:7 slow" in text and "7 time.sleep(0.06)" in text
    assert f"{TIMES}14.0 [12.1, 17.2]" in text


def test_a_run_of_strategies_has_nothing_of_it(tmp_path: Path) -> None:
    html = page.render(Run(tmp_path), made.analysis())
    assert 'id="remedies"' not in html and "Which FastAPI strategy for which work?" in html


def test_a_record_that_was_cut_off_is_a_line_above_the_rest(run: Run) -> None:
    run.app_path.write_bytes(run.app_path.read_bytes()[:40])
    text = Elements(page.render(run, made.analysis())).text
    assert "What is known of the app could not be read and is left out:" in text
    assert "Which FastAPI strategy for which work?" in text
