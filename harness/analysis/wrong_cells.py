"""A strategy that answers wrongly now and then is wrong, also in the slices in which nobody noticed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from harness.analysis.cells import JudgedSlice
from harness.analysis.slices import invalid_codes
from harness.judging.context import invalid
from harness.results.records.text import count

_WRONG = "wrong_answers"


def without_wrong_cells(slices: Sequence[JudgedSlice]) -> list[JudgedSlice]:
    """A cell of which any slice had wrong answers has no valid slice: a slice is short, so one wrong answer in five
    hundred is in few of them."""
    wrong = Counter(_cell(slice) for slice in slices if _WRONG in invalid_codes(slice.figures))
    of = Counter(map(_cell, slices))
    return [
        _spoilt(slice, wrong[_cell(slice)], of[_cell(slice)])
        if wrong[_cell(slice)] and _WRONG not in invalid_codes(slice.figures)
        else slice
        for slice in slices
    ]


def _cell(slice: JudgedSlice) -> tuple[str, str]:
    return slice.figures.record.spec.workload, slice.figures.record.spec.variant


def _spoilt(slice: JudgedSlice, wrong: int, of: int) -> JudgedSlice:
    finding = invalid(
        _WRONG,
        f"{wrong} of {count(of, 'slice')} of this strategy on this workload had wrong answers",
        "do requests share state in the strategy?",
    )
    figures = msgspec.structs.replace(slice.figures, findings=(*slice.figures.findings, finding), valid=False)
    return replace(slice, figures=figures)
