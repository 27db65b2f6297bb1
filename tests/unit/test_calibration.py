"""What the errors of a calibration are judged by, and how a case ends in one line."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.calibration.calibration import case_line, smallest_wait
from harness.calibration.case_record import Case
from harness.catalog.catalog import Catalog
from tests.unit.test_calibration_record import GOOD, LATE

CHECKOUT = Path(__file__).parents[2]


def test_errors_are_judged_by_the_smallest_wait_of_the_workloads_there_are() -> None:
    workloads = Catalog.read(CHECKOUT).workloads
    found = smallest_wait(workloads)
    assert found is not None
    assert (found.path, found.wait_ms) == ("scenarios/fanout.py", 50)
    assert smallest_wait([one for one in workloads if not one.calls]) is None
    sooner = msgspec.structs.replace(found, path="scenarios/quick.py", wait_ms=5)
    assert smallest_wait([*workloads, sooner]) == sooner


def test_a_case_ends_in_one_line() -> None:
    case = Case(law="fixed", title="", rate_rps=100, figures=(GOOD,))
    assert case_line(case) == "fixed at 100/s: passed (p99 ±0.72 ms)"
    late = msgspec.structs.replace(case, figures=(LATE,))
    assert case_line(late) == "FAILED: fixed at 100/s: p99 +1.80 ms, allowed 1.00 ms"
