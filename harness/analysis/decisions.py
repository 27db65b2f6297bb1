"""Which strategy to use for a workload, what may be as good, and what limits it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from harness.analysis.comparisons import CAPACITY, by_variant, fit, may_be_best
from harness.analysis.evidence import Cell, Comparison, Decision, Undecided
from harness.judging.estimate import Estimate
from harness.judging.figures import SliceFigures
from harness.judging.looks import look_of
from harness.judging.simultaneous import RoundsFit
from harness.results.records.run_record import RunRecord
from harness.results.records.text import count


def decisions(
    run: RunRecord,
    slices: Sequence[SliceFigures],
    cells: Sequence[Cell],
    comparisons: Sequence[Comparison],
    causes: Mapping[tuple[str, str], str] = MappingProxyType({}),
) -> tuple[Decision, ...]:
    """One for each workload that any strategy has a capacity of. `causes` by workload and variant."""
    found = (
        _decision(run, workload.name, slices, [c for c in cells if c.workload == workload.name], comparisons, causes)
        for workload in run.workloads
    )
    return tuple(decision for decision in found if decision is not None)


def undecided(run: RunRecord, cells: Sequence[Cell], decided: Sequence[Decision]) -> tuple[Undecided, ...]:
    """The other workloads, and why."""
    names = {decision.workload for decision in decided}
    return tuple(
        _undecided(workload.name, [cell for cell in cells if cell.workload == workload.name])
        for workload in run.workloads
        if workload.name not in names
    )


def _undecided(workload: str, cells: Sequence[Cell]) -> Undecided:
    measured = [cell for cell in cells if cell.status == "measured"]
    silent = [cell for cell in measured if cell.without_answer]
    if silent and len(silent) == len(measured):
        always = all(cell.valid_slices == 0 for cell in silent)
        said = "no strategy gave a right answer" if always else "no strategy gave right answers in all of its slices"
        reason = (
            f"{said} while it was measured ({', '.join(cell.variant for cell in silent)}); if a request takes longer "
            "than the phases, use a profile with longer ones"
        )
        return Undecided(workload=workload, reason=reason, nobody_answered=True)
    if measured:
        return Undecided(workload=workload, reason="no strategy has a valid slice; the findings under Slices say why")
    if cells and all(cell.status == "not_applicable" for cell in cells):
        return Undecided(workload=workload, reason="no strategy has its route")
    return Undecided(workload=workload, reason="no slice got through")


def _decision(
    run: RunRecord,
    workload: str,
    slices: Sequence[SliceFigures],
    cells: Sequence[Cell],
    comparisons: Sequence[Comparison],
    causes: Mapping[tuple[str, str], str],
) -> Decision | None:
    capacities = {cell.variant: cell.capacity for cell in cells if cell.capacity is not None}
    if not capacities:
        return None
    fitted = fit(CAPACITY, by_variant(run, slices, workload))
    may_win = may_be_best(fitted, look_of(run, workload)) & capacities.keys() or set(capacities)
    best = max(sorted(may_win), key=_levels(fitted, {name: capacities[name] for name in may_win}).__getitem__)
    gain = next(
        (
            comparison
            for comparison in comparisons
            if (comparison.workload, comparison.variant, comparison.metric) == (workload, best, CAPACITY.name)
        ),
        None,
    )
    tied = tuple(
        variant
        for variant in capacities
        if variant != best
        # The intervals with the best are one-sided, and so a little narrower than the one that the gain shows: what is
        # open there must not be decided here.
        and (
            variant in may_win
            or variant not in fitted.names  # all its rounds were disturbed: nothing keeps it out
            or (variant == run.baseline and gain is not None and gain.verdict in ("open", "same"))
        )
    )
    by_name = {cell.variant: cell for cell in cells}
    baseline = by_name.get(run.baseline or "")
    return Decision(
        workload=workload,
        best=best,
        tied=tied,
        capacity=capacities[best],
        gain=gain,
        no_gain_because="" if gain is not None or best == run.baseline else _no_gain(run, workload, best, baseline),
        avoid=_slower(workload, comparisons),
        why=_why(by_name[best], run.baseline, causes),
    )


def _slower(workload: str, comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    found = [made for made in comparisons if (made.workload, made.metric) == (workload, CAPACITY.name)]
    slower = [made for made in found if made.verdict == "slower"]
    return tuple(sorted(slower, key=lambda made: made.ratio.value))


def _levels(fitted: RoundsFit, capacities: Mapping[str, Estimate]) -> dict[str, float]:
    """By variant. Of the fit, in which a round that one variant has and another has not favours neither, so that the
    best cannot be slower than another in the very comparison that is shown. Without common rounds of the raw means."""
    if fitted.is_connected() and capacities.keys() <= set(fitted.names):
        return dict(zip(fitted.names, fitted.levels.tolist(), strict=True))
    return {variant: capacity.value for variant, capacity in capacities.items()}


def _no_gain(run: RunRecord, workload: str, best: str, baseline: Cell | None) -> str:
    """Why the best is compared with nothing. No other baseline takes its place: its ratios would mean something else
    on this workload than on the others."""
    if run.baseline is None:
        return f"no comparison on {workload}: the run has no baseline"
    if baseline is not None and baseline.capacity is not None:
        return (
            f"no comparison of {best} on {workload}: it and the baseline {run.baseline} have no valid slices in a "
            "common round"
        )
    if baseline is None or not baseline.slices:
        reason = "was not measured there"
    elif baseline.without_answer:
        reason = f"gave no right answer in {count(baseline.without_answer, 'slice')} there"
    else:
        reason = "has no valid slice there"
    return f"no comparison on {workload}: the baseline {run.baseline} {reason}; --baseline NAME chooses another"


def _why(best: Cell, baseline: str | None, causes: Mapping[tuple[str, str], str]) -> str:
    said = [causes.get((best.workload, name), "") for name in dict.fromkeys([best.variant, baseline]) if name]
    if best.capacity is not None and best.capacity.slices < 2:
        said.append("One round cannot tell strategies apart.")
    return " ".join(filter(None, said))
