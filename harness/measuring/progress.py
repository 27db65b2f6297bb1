"""What a run has measured so far, and what of its plan is left. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from harness.results.records.boot_record import BootRecord
from harness.results.records.finding import CUT_OFF
from harness.results.records.run_record import RunRecord
from harness.results.records.slice_record import SliceRecord, SliceSpec


def to_measure(record: RunRecord, boots: Iterable[BootRecord]) -> list[SliceSpec]:
    """The slices of the plan that belong to a round which is not complete.

    A round that was cut off is measured again as a whole: its slices must be close to each other in time. What there
    is of it is kept, and the later slice of a variant counts. A slice in which a service or the generator died is no
    part of a complete round: the strategy is not to blame.
    """
    slices = (slice for boot in boots for slice in boot.slices)
    done = {(*_round_of(slice.spec), slice.spec.variant) for slice in slices if not _was_cut_off(slice)}
    complete = {
        round
        for round, specs in groupby(record.plan, key=_round_of)
        if all((*round, spec.variant) in done for spec in specs)
    }
    return [
        spec
        for spec in record.plan
        if _round_of(spec) not in complete
        # The rates are not known: nobody gave a right answer.
        and not (spec.phase.startswith("rate") and record.rates_rps.get(spec.workload) == {})
    ]


def _round_of(spec: SliceSpec) -> tuple[str, int, int]:
    """With its session: groups of variants that do not live side by side have a pilot each, all of round 0."""
    return spec.workload, spec.session, spec.round


def failures(boots: Iterable[BootRecord], todo: Iterable[SliceSpec]) -> dict[str, str]:
    """Why a slice failed, by cell, of those that are not measured again. `boots` of a cell are oldest first."""
    again = set(todo)
    last = {slice.spec: slice for boot in boots for slice in boot.slices}
    return {spec.cell: slice.error for spec, slice in last.items() if slice.status == "failed" and spec not in again}


def _was_cut_off(slice: SliceRecord) -> bool:
    return any(event.code in CUT_OFF for event in slice.events)


def by_session(specs: Iterable[SliceSpec]) -> list[Sequence[SliceSpec]]:
    """In the same order."""
    return [tuple(found) for _, found in groupby(specs, key=lambda spec: (spec.workload, spec.session))]
