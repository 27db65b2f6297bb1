"""A missing figure is called by its reason: overloaded, choked, skipped, failed, not applicable."""

from __future__ import annotations

import msgspec
import pytest

from harness.analysis.evidence import Analysis, Cell, CellPhase
from harness.report import standing
from harness.results.records.finding import Finding
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from tests import handmade_analysis as handmade

WRONG = Finding("wrong_answers", "invalid", "3 wrong answers", "fix it")


def notes(phase: CellPhase | None, cell: Cell | None = None) -> tuple[str, ...]:
    cell = cell or handmade.cell("sync_def", "io")
    return standing.phase_notes(cell, phase, standing.valid_of(handmade.analysis(), cell))


def test_a_phase_that_went_well_has_no_note() -> None:
    assert notes(handmade.cell_phase()) == ()
    assert notes(handmade.cell_phase("rate-30", goodput_rps=99.0)) == ()


def test_overloaded_is_measured_against_what_arrived() -> None:
    """400 requests in 4 s arrived, whatever the nominal rate was."""
    overloaded = handmade.cell_phase("rate-30", goodput_rps=37.0, overloaded=3)
    assert notes(overloaded) == ("overloaded", "37.0 of 100/s answered")
    assert notes(handmade.cell_phase("rate-30", goodput_rps=91.0)) == ()


@pytest.mark.parametrize(
    ("statuses", "overloaded", "said"),
    [
        ({PhaseStatus.CHOKED: 3}, 3, "choked"),
        ({PhaseStatus.CHOKED: 1, PhaseStatus.COMPLETE: 2}, 1, "overloaded in 1 of 3"),
        ({PhaseStatus.SKIPPED: 2, PhaseStatus.COMPLETE: 1}, 2, "overloaded in 2 of 3"),
        ({PhaseStatus.SKIPPED: 2, PhaseStatus.CHOKED: 1}, 3, "overloaded"),
        ({PhaseStatus.SKIPPED: 3}, 3, "skipped"),
        ({PhaseStatus.FAILED: 2}, 0, "failed"),
        ({}, 0, "no valid slice"),
    ],
)
def test_how_a_phase_ended(statuses: dict[PhaseStatus, int], overloaded: int, said: str) -> None:
    ended = handmade.cell_phase("rate-30", goodput_rps=None, statuses=statuses, overloaded=overloaded)
    assert notes(ended) == (said,)


def test_a_closed_loop_that_choked_is_not_called_overloaded() -> None:
    assert notes(handmade.cell_phase(statuses={PhaseStatus.CHOKED: 1, PhaseStatus.COMPLETE: 2})) == (
        "choked in 1 of 3",
    )


def test_errors_and_what_was_too_late_are_told_apart_and_said_above_one_percent() -> None:
    late = {Outcome.OK: 900, Outcome.TIMEOUT: 60, Outcome.NOT_SENT: 40}
    assert notes(handmade.cell_phase("rate-30", outcomes=late)) == ("10 % too late",)
    assert notes(handmade.cell_phase(outcomes={Outcome.OK: 900, Outcome.HTTP_ERROR: 100})) == ("10 % errors",)
    both = {Outcome.OK: 800, Outcome.CONNECTION_ERROR: 100, Outcome.NOT_SENT: 100}
    assert notes(handmade.cell_phase("rate-30", outcomes=both)) == ("10 % errors", "10 % too late")
    assert notes(handmade.cell_phase(outcomes=both)) == ("10 % errors",)  # a closed loop says that it choked
    assert notes(handmade.cell_phase(outcomes={Outcome.OK: 999, Outcome.TIMEOUT: 1})) == ()
    shed = {Outcome.OK: 800, Outcome.REFUSED: 200}
    assert notes(handmade.cell_phase("rate-30", outcomes=shed)) == ("20 % refused",)


def test_requests_given_up_are_no_errors_but_not_ok_either() -> None:
    good = handmade.analysis()
    phase = handmade.cell_phase(outcomes={Outcome.OK: 900, Outcome.TIMEOUT: 100})
    figures = msgspec.structs.replace(good.slices[0].phases["capacity"], censored=100)
    slice = msgspec.structs.replace(good.slices[0], phases={"capacity": figures})
    assert standing.given_up(phase, [slice]) == 100
    assert (standing.error_share(phase), standing.too_late_share(phase)) == (0, pytest.approx(0.1))
    assert standing.unanswered_share(phase) == pytest.approx(0.1)


def test_who_skipped_a_phase_is_not_spoken_for_by_who_ran_it() -> None:
    phase = handmade.cell_phase("rate-30", statuses={PhaseStatus.COMPLETE: 2, PhaseStatus.SKIPPED: 1})
    assert standing.unanswered_share(phase) is None


def test_a_cell_without_a_right_answer_says_so() -> None:
    silent = Cell(variant="stuck", workload="io", status="measured", slices=3, without_answer=3)
    assert standing.cell_note(silent) == "no right answer"
    partly = msgspec.structs.replace(silent, valid_slices=2, without_answer=1)
    assert standing.cell_note(partly) == "no right answer in 1 of 3"


@pytest.mark.parametrize(
    ("status", "said"),
    [("not_applicable", "not applicable"), ("failed", "failed"), ("missing", "not measured")],
)
def test_a_cell_without_figures(status: str, said: str) -> None:
    cell = msgspec.convert({"variant": "two_stage", "workload": "cpu", "status": status}, Cell)
    assert standing.cell_note(cell) == said
    assert notes(None, cell) == (said,)


def test_a_measured_cell_whose_slices_are_all_invalid() -> None:
    cell = Cell(variant="sync_def", workload="io", status="measured", slices=3, valid_slices=0)
    assert standing.cell_note(cell) == "no valid slice"


def test_the_pilot_counts_nowhere() -> None:
    good = handmade.analysis()
    pilot = handmade.slice(msgspec.structs.replace(good.run.plan[0], round=0))
    with_pilot = msgspec.structs.replace(good, slices=(pilot, *good.slices))
    assert standing.measured_slices(with_pilot) == good.slices
    assert standing.valid_of(with_pilot, good.cells[0]) == standing.valid_of(good, good.cells[0])


def test_a_slice_is_valid_invalid_or_failed() -> None:
    spec = handmade.run_record().plan[0]
    assert standing.standing(handmade.slice(spec)) == "valid"
    assert standing.standing(handmade.slice(spec, findings=(WRONG,))) == "invalid"
    assert standing.standing(handmade.slice(spec, error="exited with 1")) == "failed"


def test_only_valid_slices_count() -> None:
    good = handmade.analysis()
    doubtful = handmade.slice(good.run.plan[0], findings=(WRONG,))
    mixed = msgspec.structs.replace(good, slices=(doubtful, *good.slices[1:]))
    assert len(standing.valid_of(mixed, good.cells[0])) == len(standing.valid_of(good, good.cells[0])) - 1


def test_failed_health_checks() -> None:
    good: Analysis = handmade.analysis()
    phase = good.cells[0].phases["capacity"]
    assert standing.failed_health_share(phase, good.slices) == 0
    record = msgspec.structs.replace(handmade.phase_record(), health_outcomes={Outcome.OK: 15, Outcome.TIMEOUT: 5})
    starved = msgspec.structs.replace(
        good.slices[0], record=msgspec.structs.replace(good.slices[0].record, phases=(record,))
    )
    assert standing.failed_health_share(phase, [starved]) == pytest.approx(0.25)


def test_capacity_is_that_of_the_closed_loop() -> None:
    slice = handmade.slice(handmade.run_record().plan[0])
    assert standing.capacity_of(slice) == handmade.CAPACITY_RPS + 1
    failed = handmade.slice(handmade.run_record().plan[0], error="exited with 1")
    assert standing.capacity_of(failed) is None


def test_rates_come_slowest_first() -> None:
    slow = msgspec.structs.replace(handmade.cell_phase("rate-10"), offered_rps=10.0)
    fast = msgspec.structs.replace(handmade.cell_phase("rate-70"), offered_rps=70.0)
    cell = msgspec.structs.replace(handmade.cell("sync_def", "io"), phases={"rate-70": fast, "rate-10": slow})
    assert standing.rate_phases([cell]) == [("rate-10", 10.0), ("rate-70", 70.0)]
    assert fast.kind is PhaseKind.RATE
