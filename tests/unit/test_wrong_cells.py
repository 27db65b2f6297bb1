"""One wrong answer in one slice, and no slice of that strategy on that workload counts."""

from __future__ import annotations

import pytest

from harness.analysis.cells import cells
from harness.analysis.wrong_cells import without_wrong_cells
from harness.judging.figures import SliceFigures
from harness.results.records.finding import Finding
from tests.made_slices import INVALID, judged, slice
from tests.synthetic_run import run_record

WRONG = Finding("wrong_answers", "invalid", "wrong answers under load: 1 in capacity", "do requests share state?")
RUN = run_record(
    ["sync_def", "pure_async"], ["io", "cpu"], rounds=3, seed=1, phase_s=1.0, rates_percent=(30,), peculiar=False
)


def after(*slices: SliceFigures) -> list[SliceFigures]:
    return [found.figures for found in without_wrong_cells([judged(each) for each in slices])]


@pytest.mark.parametrize("round", [0, 1, 7])
def test_a_wrong_answer_anywhere_spoils_its_cell_and_no_other(round: int) -> None:
    """In a pilot, too, and whichever boot it was on."""
    own = [slice("sync_def", n, boot=1 + n % 2, findings=(WRONG,) if n == round else ()) for n in range(8)]
    others = [slice("pure_async", 1), slice("sync_def", 1, workload="cpu")]
    found = after(*own, *others)
    assert not any(each.valid for each in found[:8])
    assert found[8:] == others
    for n, each in enumerate(found[:8]):
        (finding,) = each.findings
        assert (finding.code, finding.level) == ("wrong_answers", "invalid")
        assert finding.message == (
            WRONG.message if n == round else "1 of 8 slices of this strategy on this workload had wrong answers"
        )


def test_the_cell_has_no_figures_then() -> None:
    slices = [judged(slice("sync_def", n, findings=(WRONG,) if n == 2 else ())) for n in (1, 2, 3)]
    spoilt = {(cell.variant, cell.workload): cell for cell in cells(RUN, without_wrong_cells(slices))}
    found = spoilt["sync_def", "io"]
    assert (found.status, found.slices, found.valid_slices) == ("measured", 3, 0)
    assert (found.capacity, found.phases) == (None, {})


def test_findings_that_were_there_stay() -> None:
    first, second = after(slice("sync_def", 1, findings=(INVALID,)), slice("sync_def", 2, findings=(WRONG,)))
    assert [finding.code for finding in first.findings] == ["made_up", "wrong_answers"]
    assert [finding.code for finding in second.findings] == ["wrong_answers"]


def test_without_a_wrong_answer_nothing_changes() -> None:
    slices = [slice("sync_def", 1), slice("sync_def", 2, findings=(INVALID,)), slice("pure_async", 1)]
    assert after(*slices) == slices
