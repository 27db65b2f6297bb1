"""JUnit's XML, read back by a parser."""

from __future__ import annotations

from xml.etree import ElementTree

from harness.analysis.app_report import AppReport
from harness.report.app_junit import app_junit
from tests import handmade_app as made
from tests.handmade_app import SLOW

LINE = "shop/main.py:15 slow: waits for 57.9 ms in time.sleep (endpoint)"


def suite_of(report: AppReport) -> ElementTree.Element:
    suites = ElementTree.fromstring(app_junit(report))
    assert suites.tag == "testsuites"
    (suite,) = suites
    return suite


def cases_of(suite: ElementTree.Element) -> dict[str, ElementTree.Element]:
    return {case.get("name", ""): case for case in suite.iter("testcase")}


def test_a_case_a_route_that_fails_where_the_gate_does() -> None:
    suite = suite_of(made.report(max_blocked_ms=20))
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == ("bench app shop.main:app", "3", "1")
    cases = cases_of(suite)
    assert list(cases) == ["GET /quick", SLOW, "GET /orders/{id}"]
    (failure,) = cases[SLOW].findall("failure")
    assert failure.get("message") == "GET /slow: blocked for 57.9 ms, above 20 ms: shop/main.py:15 slow"
    assert LINE in (failure.text or "").splitlines()
    assert cases[SLOW].get("time") == "0.0604"
    assert [child.tag for child in cases["GET /quick"]] == []


def test_without_a_limit_the_lines_are_output_and_nothing_fails() -> None:
    suite = suite_of(made.report())
    assert suite.get("failures") == "0"
    assert [(child.tag, child.text) for child in cases_of(suite)[SLOW]] == [("system-out", LINE)]


def test_what_was_not_asked_is_skipped_with_the_reason() -> None:
    suite = suite_of(made.report())
    (skipped,) = cases_of(suite)["GET /orders/{id}"]
    assert suite.get("skipped") == "1"
    assert skipped.tag == "skipped" and (skipped.get("message") or "").startswith("not asked: the path parameter `id`")


def test_what_is_about_no_single_route_is_a_case_of_its_own() -> None:
    suite = suite_of(made.report(made.analysis(), max_p99_ms=100, at_rps=30))
    (failure,) = cases_of(suite)["the app"].findall("failure")
    assert (failure.get("message") or "").startswith("all routes at 30/s: p99 134 ms, above 100 ms")
    passed = cases_of(suite_of(made.report(made.analysis(), max_p99_ms=200, at_rps=30)))["the app"]
    assert list(passed) == []


def test_hostile_words_are_text() -> None:
    suite = suite_of(made.hostile_report())
    assert {element.tag for element in suite.iter()} == {
        "testsuite",
        "testcase",
        "failure",
        "system-out",
        "skipped",
    }
    said = [element.text or "" for element in suite.iter()] + [
        value for element in suite.iter() for value in element.attrib.values()
    ]
    assert any("<script>alert(1)</script>" in each for each in said)
    assert not any("\x1b" in each or "\u202e" in each for each in said)
