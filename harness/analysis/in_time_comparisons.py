"""Answers within the profile's deadline, at the arrival rates that all variants got: paired within rounds. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.analysis.evidence import Comparison
from harness.analysis.slices import valid_by_round
from harness.judging import stats
from harness.judging.capacities import RoundValue, Values, fit_of
from harness.judging.figures import SliceFigures
from harness.results.records.phase_record import PhaseStatus
from harness.results.records.run_record import RunRecord
from harness.results.records.text import count

IN_TIME = "in_time_rps"


def in_time_comparisons(run: RunRecord, slices: Sequence[SliceFigures]) -> tuple[Comparison, ...]:
    """Every variant with the run's baseline, by workload and rate, e.g. `in_time_rps@rate-150`; nothing where the
    profile has no deadline. More is better."""
    if run.baseline is None:
        return ()
    return tuple(
        Comparison(
            workload=workload.name,
            variant=variant,
            baseline=run.baseline,
            metric=f"{IN_TIME}@{phase}",
            ratio=ratio.estimate,
            verdict=stats.verdict(ratio),
            why="; ".join(filter(None, (_zeros(name, values[name]) for name in (variant, run.baseline)))),
        )
        for workload in run.workloads
        for phase in rates_with_deadline(slices, workload.name)
        for values in [in_time_values(run, slices, workload.name, phase)]
        for variant, ratio in fit_of(values).against(run.baseline).items()
    )


def rates_with_deadline(slices: Sequence[SliceFigures], workload: str) -> list[str]:
    """The names of the phases in which answers in time were counted, the slowest first."""
    found = {
        phase.name: phase.offered_rps or 0.0
        for slice in slices
        if slice.record.spec.workload == workload
        for phase in slice.phases.values()
        if phase.in_time_rps is not None
    }
    return sorted(found, key=found.__getitem__)


def in_time_values(run: RunRecord, slices: Sequence[SliceFigures], workload: str, phase: str) -> Values:
    """By variant and round, of the valid slices. None of a variant that skipped the rate once, since it had choked
    there: the slices in which it was asked do not speak for the others. Half of the least that a phase could have shown
    stands in for a zero."""
    return {variant.name: _values(valid_by_round(slices, variant.name, workload), phase) for variant in run.variants}


def _values(own: Mapping[int, SliceFigures], phase: str) -> dict[int, RoundValue]:
    asked = {number: slice for number, slice in own.items() if phase in slice.phases}
    if any(slice.phases[phase].status is PhaseStatus.SKIPPED for slice in asked.values()):
        return {}
    return {
        number: RoundValue(in_time_rps, slice.record.boot, 0.5 / duration_s, 1 / duration_s)
        for number, slice in asked.items()
        for in_time_rps, duration_s in [(slice.phases[phase].in_time_rps, slice.phases[phase].duration_s)]
        if in_time_rps is not None and duration_s > 0
    }


def _zeros(name: str, values: Mapping[int, RoundValue]) -> str:
    """What stands behind a ratio that no division gives."""
    none = sum(each.value == 0 for each in values.values())
    if not none:
        return ""
    where = f"in {none} of {count(len(values), 'slice')}" if none < len(values) else "at all"
    return f"{name} answered nothing in time {where}: half an answer stands in for it"
