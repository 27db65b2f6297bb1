"""What counts as a gain, of runs made by hand."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from harness.analysis.measured_remedies import MeasuredRemedy, measured_remedies
from harness.judging.estimate import Estimate
from harness.results.records.app_record import ALL_ROUTES, AS_IS
from harness.results.records.outcome import Outcome
from tests import handmade_analysis as handmade
from tests import handmade_app as made
from tests.handmade_app import SLOW


def answered(
    with_it: Mapping[Outcome, int], as_it_is: Mapping[Outcome, int] | None = None, *, ratio: Estimate | None = None
) -> MeasuredRemedy:
    """`in_thread` on the route that blocks, where its requests and those of the app as it is ended like this."""
    analysis = made.analysis({("slow", "in_thread"): ratio or Estimate(14.0, 12.1, 17.2, 6)})
    for variant, outcomes in (("in_thread", with_it), (AS_IS, as_it_is or {Outcome.OK: 1_000})):
        phases = {"capacity": handmade.cell_phase(outcomes=outcomes)}
        analysis = made.with_cell(analysis, "slow", variant, phases=phases)
    rows = measured_remedies(made.record(), analysis)
    (found,) = (each for each in rows if (each.name, each.route) == ("in_thread", SLOW))
    return found


@pytest.mark.parametrize(
    "outcome", [Outcome.WRONG_ANSWER, Outcome.HTTP_ERROR, Outcome.CONNECTION_ERROR, Outcome.REFUSED]
)
def test_fast_errors_are_no_gain(outcome: Outcome) -> None:
    remedy = answered({Outcome.OK: 980, outcome: 20})
    assert (remedy.ratio, remedy.verdict) == (None, "not measured")
    assert remedy.why_not == "with it, 20 of 1,000 requests got a wrong answer, an error or a refusal"


@pytest.mark.parametrize("outcome", [Outcome.TIMEOUT, Outcome.NOT_SENT])
def test_to_leave_some_without_an_answer_is_no_gain(outcome: Outcome) -> None:
    remedy = answered({Outcome.OK: 980, outcome: 20})
    assert (remedy.ratio, remedy.verdict) == (None, "not measured")
    assert remedy.why_not == "with it, 20 of 1,000 requests got no answer in time"


@pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.OK])
def test_each_outcome_without_a_right_answer_counts(outcome: Outcome) -> None:
    assert answered({Outcome.OK: 1, outcome: 999}).verdict == "not measured"
    assert answered({Outcome.OK: 991, outcome: 9}).verdict == "faster"  # one in a hundred may be anything


def test_an_app_that_answers_many_wrong_as_it_is_may_do_so_with_a_remedy() -> None:
    shed = {Outcome.OK: 700, Outcome.REFUSED: 300}
    assert answered(shed, shed).verdict == "faster"
    worse = answered({Outcome.OK: 600, Outcome.REFUSED: 400}, shed)
    assert worse.why_not == (
        "with it, 400 of 1,000 requests got a wrong answer, an error or a refusal; as it is, 300 of 1,000 requests did"
    )
    late = {Outcome.OK: 50, Outcome.TIMEOUT: 50}
    assert answered(late, late).verdict == "faster"


def test_one_that_is_slower_and_late_is_called_slower() -> None:
    assert answered({Outcome.OK: 500, Outcome.TIMEOUT: 50}, ratio=Estimate(0.5, 0.4, 0.6, 6)).verdict == "slower"


def test_each_route_that_cannot_be_changed_has_its_own_reason() -> None:
    remedy = msgspec.structs.replace(made.IN_THREAD, not_for={"GET /stuck": "it keeps the GIL"})
    workloads = {**made.WORKLOADS, "stuck": "GET /stuck"}
    rows = measured_remedies(made.record(remedies=[remedy], workloads=workloads), made.analysis())
    assert [(row.route, row.applies, row.why_not, row.verdict) for row in rows] == [
        ("GET /stuck", False, "it keeps the GIL", "not measured"),
        (SLOW, True, "", "faster"),
        (ALL_ROUTES, True, "", "faster"),
    ]
    nowhere = msgspec.structs.replace(remedy, routes=(), why_not="GET /stuck: it keeps the GIL")
    (row,) = measured_remedies(made.record(remedies=[nowhere]), made.analysis())
    assert (row.route, row.applies, row.why_not) == ("GET /stuck", False, "it keeps the GIL")


def test_a_route_has_its_own_title() -> None:
    remedy = msgspec.structs.replace(made.IN_THREAD, titles={SLOW: "`def`"})
    rows = measured_remedies(made.record(remedies=[remedy]), made.analysis())
    assert {row.route: row.title for row in rows} == {SLOW: "`def`", ALL_ROUTES: made.IN_THREAD.title}
