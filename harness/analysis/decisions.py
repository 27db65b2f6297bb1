"""Which strategy to use for a workload, what cannot be told from it, and what limits it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.comparisons import CAPACITY, against, by_variant
from harness.analysis.evidence import Cell, Comparison, Decision, Undecided
from harness.judging.ceilings import cpu_ceiling
from harness.judging.figures import TrialFigures
from harness.results.records.phase_record import PhaseKind
from harness.results.records.run_record import RunRecord
from harness.results.records.text import count

CORES_USED_UP = 0.85  # of the target's; beyond it CPU is what runs out


def decisions(
    run: RunRecord, trials: Sequence[TrialFigures], cells: Sequence[Cell], comparisons: Sequence[Comparison]
) -> tuple[Decision, ...]:
    """One for each workload that any strategy has a capacity of."""
    found = (
        _decision(run, workload.name, trials, [cell for cell in cells if cell.workload == workload.name], comparisons)
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
        always = all(cell.valid_trials == 0 for cell in silent)
        said = "no strategy gave a right answer" if always else "no strategy gave right answers in all of its trials"
        reason = (
            f"{said} while it was measured ({', '.join(cell.variant for cell in silent)}); if a request takes longer "
            "than the phases, use a profile with longer ones"
        )
        return Undecided(workload=workload, reason=reason, nobody_answered=True)
    if measured:
        return Undecided(workload=workload, reason="no strategy has a valid trial; the findings under Trials say why")
    if cells and all(cell.status == "not_applicable" for cell in cells):
        return Undecided(workload=workload, reason="no strategy has its route")
    return Undecided(workload=workload, reason="no trial got through")


def _decision(
    run: RunRecord,
    workload: str,
    trials: Sequence[TrialFigures],
    cells: Sequence[Cell],
    comparisons: Sequence[Comparison],
) -> Decision | None:
    capacities = {cell.variant: cell.capacity for cell in cells if cell.capacity is not None}
    if not capacities:
        return None
    best = max(capacities, key=lambda variant: capacities[variant].value)
    tests = {test.variant: test for test in against(best, CAPACITY, by_variant(run, trials, workload))}
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
        # Without a common block there is nothing to tell them apart by.
        if variant != best
        and (variant not in tests or tests[variant].verdict != "slower")
        # Told apart by the comparison that the gain shows: two families of tests must not contradict each other.
        and not (variant == run.baseline and gain is not None and gain.verdict == "faster")
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
        why=_why(by_name[best], baseline, run.environment.partition.target_cores),
    )


def _no_gain(run: RunRecord, workload: str, best: str, baseline: Cell | None) -> str:
    """Why the best is compared with nothing. No other baseline takes its place: its ratios would mean something else
    on this workload than on the others."""
    if run.baseline is None:
        return f"no comparison on {workload}: the run has no baseline"
    if baseline is not None and baseline.capacity is not None:
        return (
            f"no comparison of {best} on {workload}: it and the baseline {run.baseline} have no valid trials in a "
            "common block"
        )
    if baseline is None or not baseline.trials:
        reason = "was not measured there"
    elif baseline.without_answer:
        reason = f"gave no right answer in {count(baseline.without_answer, 'attempt')} there"
    else:
        reason = "has no valid trial there"
    return f"no comparison on {workload}: the baseline {run.baseline} {reason}; --baseline NAME chooses another"


def _why(best: Cell, baseline: Cell | None, target_cores: int) -> str:
    sentences = [f"{best.variant}: {', '.join(limits(best, target_cores))}."]
    if baseline is not None and baseline.capacity is not None and baseline.variant != best.variant:
        sentences.append(f"{baseline.variant}: {', '.join(limits(baseline, target_cores))}.")
    if best.capacity is not None and best.capacity.trials < 2:
        sentences.append("One block cannot tell strategies apart.")
    return " ".join(sentences)


def limits(cell: Cell, target_cores: int) -> list[str]:
    """What could have held a measured cell back in its closed loop, as figures."""
    phase = next((phase for phase in cell.phases.values() if phase.kind is PhaseKind.CAPACITY), None)
    said: list[str] = []
    if cell.capacity is not None and cell.ceiling is not None:
        share = cell.capacity.value / cell.ceiling.rps
        # A short phase can catch more answers than its share: what was in flight before it ends in it.
        how_near = f"{share:.0%} of" if share < 1 else "at"
        said.append(f"{how_near} its ceiling of {cell.ceiling.rps:.0f}/s ({cell.ceiling.because})")
    if phase is None:
        return said
    if phase.target_cores is not None:
        used = f"{phase.target_cores.value:.1f} of {target_cores} cores"
        if phase.target_cpu_s_per_1000 is not None and phase.target_cores.value >= CORES_USED_UP * target_cores:
            used += f" ({cpu_ceiling(target_cores, phase.target_cpu_s_per_1000.value).because})"
        said.append(used)
    if phase.loop_lag_p99_ms is not None:
        said.append(f"event-loop lag p99 {phase.loop_lag_p99_ms:.0f} ms")
    if phase.limiter_waiting_max:
        said.append(f"up to {phase.limiter_waiting_max} requests waiting for AnyIO's threads")
    return said or ["neither sampled nor probed"]
