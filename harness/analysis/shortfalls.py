"""What a run does not give because of a strategy, and what a noisy machine cost it. Pure.

A strategy that answered wrongly, died, or has no valid data is a shortfall; one that could not be measured at all is
known before anything is judged. A slice that other users of the machine disturbed is no shortfall while its cell has
other data: a noisy machine is not an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct

from harness.analysis.evidence import Analysis, Cell
from harness.analysis.slices import counting, disturbed_rounds, invalid_codes
from harness.judging.figures import SliceFigures
from harness.judging.validity import DISTURBANCES


class Disturbed(Struct, frozen=True):
    """The slices that were left out for nothing but disturbances, also of others in their round. `share` is of the time
    that all slices took."""

    slices: int
    of_slices: int
    share: float
    codes: dict[str, int]  # how many slices met each, the most frequent first


class OwnFailures(Struct, frozen=True):
    """The slices that the strategy itself spoilt; one that went well later does not undo it."""

    slices: int
    of_slices: int
    codes: dict[str, int]  # how many slices met each, the most frequent first


def shortfalls(analysis: Analysis) -> tuple[str, ...]:
    """One line each: a cell without valid data, a cell of which a slice failed or answered wrongly."""
    return tuple(line for cell in analysis.cells for line in _of_cell(analysis, cell))


def _of_cell(analysis: Analysis, cell: Cell) -> Iterator[str]:
    slices = _slices_of(analysis, cell.workload, cell.variant)
    name = f"{cell.variant} on {cell.workload}"
    is_wrong = any("wrong_answers" in invalid_codes(slice) for slice in slices)
    if is_wrong:
        yield f"{name}: gave wrong answers under load"
    if cell.status != "measured":
        return
    chosen = counting(slices)
    if cell.capacity is None:
        if not is_wrong:  # which is why there is none, and said above
            yield f"{name}: no valid data ({_why(slices)})"
        return
    # Of every slice, also of one that was measured again and went well then. One that failed is said by who measured
    # it.
    failed = {slice.key for slice in chosen if slice.record.status == "failed"}
    counted = [slice for slice in slices if not slice.record.spec.is_pilot and slice.key not in failed]
    own = {code for slice in counted for code in _own_codes(slice)} - {"wrong_answers"}  # said above
    if own:
        yield f"{name}: a slice does not count ({', '.join(sorted(own))})"


def own_failures(analysis: Analysis, workload: str, variant: str) -> OwnFailures:
    """Of all slices of the cell; the pilot's are not counted, they are no evidence."""
    by_slice: dict[str, set[str]] = {}
    for slice in _slices_of(analysis, workload, variant):
        if not slice.record.spec.is_pilot:
            by_slice.setdefault(slice.record.spec.id, set()).update(_own_codes(slice))
    met = Counter(code for codes in by_slice.values() for code in sorted(codes))
    return OwnFailures(sum(map(bool, by_slice.values())), len(by_slice), dict(met.most_common()))


def _own_codes(slice: SliceFigures) -> set[str]:
    """What the strategy itself did to a slice. What came with a disturbance may come from it, but no wrong answer
    does."""
    codes = invalid_codes(slice)
    return codes & {"wrong_answers"} if codes & DISTURBANCES else codes


def _slices_of(analysis: Analysis, workload: str, variant: str) -> list[SliceFigures]:
    return [
        slice
        for slice in analysis.slices
        if (slice.record.spec.workload, slice.record.spec.variant) == (workload, variant)
    ]


def disturbed(analysis: Analysis) -> Disturbed | None:
    """None when no slice was left out for a disturbance; the pilot's are not counted, they are no evidence."""
    slices = [slice for slice in analysis.slices if not slice.record.spec.is_pilot]
    rounds = disturbed_rounds(slices)
    out = [slice for slice in slices if _is_only_disturbed(slice, rounds)]
    total_s = sum(slice.record.elapsed_s for slice in slices)
    if not out or not total_s:
        return None
    met = Counter(code for slice in out for code in sorted(invalid_codes(slice)))
    share = sum(slice.record.elapsed_s for slice in out) / total_s
    return Disturbed(len(out), len(slices), share, dict(met.most_common()))


def _is_only_disturbed(slice: SliceFigures, rounds: set[tuple[str, int]]) -> bool:
    """Whether nothing but a disturbance keeps it out: its own, or one of another slice of its round."""
    if slice.valid:
        return (slice.record.spec.workload, slice.record.spec.round) in rounds
    return invalid_codes(slice) <= DISTURBANCES


def _why(slices: Sequence[SliceFigures]) -> str:
    codes = sorted({code for slice in slices for code in invalid_codes(slice)})
    return ", ".join(codes) or "its closed loop did not run"
