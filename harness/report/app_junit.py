"""What is said of somebody's own app as JUnit's XML: a test case a route, which fails where the gate does. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from harness.analysis.app_report import AppReport, ReportedRoute
from harness.report.app_words import finding_in_words
from harness.results.records.text import printable

_THE_APP = "the app"  # what is about no single route


def app_junit(report: AppReport) -> bytes:
    """Lines that block are output; they fail a case only where they are above the limit that was given."""
    suite = ElementTree.Element("testsuite", name=printable(f"bench app {report.app}"))
    for route in report.routes:
        _add_route(suite, route, report)
    of_routes = {line for route in report.routes for line in route.failed}
    failed = [line for line in report.gate if line not in of_routes]
    blocking = [finding_in_words(line, report.folder) for line in report.findings if line.route is None]
    if failed or blocking or report.at_rps is not None:
        _add(suite, report, _THE_APP, failed, blocking)
    for name, tag in (("tests", "testcase"), ("failures", "testcase/failure"), ("skipped", "testcase/skipped")):
        suite.set(name, str(len(suite.findall(tag))))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    text: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _add_route(suite: ElementTree.Element, route: ReportedRoute, report: AppReport) -> None:
    blocking = [finding_in_words(line, report.folder) for line in route.findings]
    case = _add(suite, report, route.name, route.failed, blocking)
    if route.service_ms is not None:
        case.set("time", f"{route.service_ms / 1000:.4f}")
    elif not route.failed:
        said = route.reason or f"answered {route.status}, and said nothing more"
        ElementTree.SubElement(case, "skipped", message=printable(said if route.asked else f"not asked: {said}"))


def _add(
    suite: ElementTree.Element, report: AppReport, name: str, failed: Sequence[str], blocking: Sequence[str]
) -> ElementTree.Element:
    case = ElementTree.SubElement(suite, "testcase", classname=printable(report.app), name=printable(name))
    if failed:
        failure = ElementTree.SubElement(case, "failure", message=printable("; ".join(failed)), type="gate")
        failure.text = "\n".join([*failed, *blocking])
    if blocking:
        ElementTree.SubElement(case, "system-out").text = "\n".join(blocking)
    return case
