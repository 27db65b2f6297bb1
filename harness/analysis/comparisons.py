"""Strategies against each other, paired within blocks: what the machine did to both drops out. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from types import MappingProxyType
from typing import Literal

from harness.analysis import stats
from harness.analysis.evidence import Comparison
from harness.analysis.simultaneous import Sides, against_control
from harness.analysis.trials import capacity_phase, valid_by_block
from harness.judging.figures import PhaseFigures, TrialFigures
from harness.results.records.run_record import RunRecord

MetricName = Literal["capacity_rps", "target_cpu_s_per_1000"]


@dataclass(frozen=True)
class ComparedMetric:
    """A figure of the capacity phase. `least`: half of the least a phase could have shown, in place of a zero. `step`:
    what the figure is a multiple of."""

    name: MetricName
    more_is_better: bool
    value: Callable[[PhaseFigures], float | None]
    least: Callable[[PhaseFigures], float]
    step: Callable[[PhaseFigures], float]


CAPACITY = ComparedMetric(
    "capacity_rps",
    more_is_better=True,
    value=lambda phase: phase.goodput_rps,
    least=lambda phase: 0.5 / phase.duration_s,
    step=lambda phase: 1 / phase.duration_s,
)
# Linux tells the CPU time of a process in nanoseconds, and of children that have exited in ticks of 10 ms (`getconf
# CLK_TCK`), see harness/sampling/proc.py; elsewhere psutil reads. Half a tick is the least that we claim.
CPU = ComparedMetric(
    "target_cpu_s_per_1000",
    more_is_better=False,
    value=lambda phase: phase.target_cpu_s_per_1000,
    least=lambda phase: 0.5 * 0.01 * 1000 / max(1.0, phase.goodput_rps * phase.duration_s),
    step=lambda phase: 0.0,  # a nanosecond is none
)


def comparisons(
    run: RunRecord, trials: Sequence[TrialFigures], causes: Mapping[tuple[str, str], str] = MappingProxyType({})
) -> tuple[Comparison, ...]:
    """Every variant with the run's baseline, on each workload and metric; nothing where one of them has no valid
    trial. `causes` by workload and variant."""
    if run.baseline is None:
        return ()
    return tuple(
        Comparison(
            workload=workload.name,
            variant=variant,
            baseline=run.baseline,
            metric=metric.name,
            ratio=ratio.estimate,
            verdict=verdict,
            more_blocks=stats.more_blocks(ratio) if verdict == "open" else None,
            why=causes.get((workload.name, variant), "") if metric is CAPACITY else "",
        )
        for workload in run.workloads
        for metric in (CAPACITY, CPU)
        for variant, ratio in against(run.baseline, metric, by_variant(run, trials, workload.name)).items()
        for verdict in [stats.verdict(ratio, more_is_better=metric.more_is_better)]
    )


def by_variant(run: RunRecord, trials: Sequence[TrialFigures], workload: str) -> dict[str, Mapping[int, PhaseFigures]]:
    """The capacity phases of a workload's valid trials, by strategy and block."""
    return {
        variant.name: {
            block: phase
            for block, trial in valid_by_block(trials, variant.name, workload).items()
            if (phase := capacity_phase(trial)) is not None
        }
        for variant in run.variants
    }


def against(
    control: str, metric: ComparedMetric, phases: Mapping[str, Mapping[int, PhaseFigures]], *, sides: Sides = 2
) -> dict[str, stats.LogRatio]:
    """Each other variant over `control`, on the blocks that both have; the intervals hold at once."""
    theirs = phases.get(control, {})
    differences: dict[str, list[float]] = {}
    floors: dict[str, float] = {}
    for variant, ours in phases.items():
        pairs = _pairs(metric, ours, theirs)
        if variant != control and pairs:
            differences[variant] = [math.log(one / other) for one, other in pairs]
            steps = largest_step(metric, ours), largest_step(metric, theirs)
            floors[variant] = fmean(stats.rounding(steps[0], a) + stats.rounding(steps[1], b) for a, b in pairs)
    return against_control(differences, floors, sides=sides)


def may_be_best(metric: ComparedMetric, phases: Mapping[str, Mapping[int, PhaseFigures]]) -> set[str]:
    """All that may be the best within 5 %: Hsu's multiple comparisons with the best ("Constrained simultaneous
    confidence intervals for multiple comparisons with the best", Annals of Statistics 12, 1984). More is better.

    Out is who is worse than some other variant by more than 5 %, in one-sided intervals with itself as the control. The
    true best is left out in at most 5 % of all runs. Without a common block nothing keeps anybody out.
    """
    return {
        variant
        for variant, own in phases.items()
        if own
        and not any(
            ratio.interval is not None and ratio.interval[0] > stats.SAME_WITHIN
            for ratio in against(variant, metric, phases, sides=1).values()
        )
    }


def largest_step(metric: ComparedMetric, phases: Mapping[int, PhaseFigures]) -> float:
    """Of these phases; durations hardly differ."""
    return max((metric.step(phase) for phase in phases.values()), default=0.0)


def _pairs(
    metric: ComparedMetric, ours: Mapping[int, PhaseFigures], theirs: Mapping[int, PhaseFigures]
) -> list[tuple[float, float]]:
    pairs = []
    for block in sorted(ours.keys() & theirs.keys()):
        one, other = metric.value(ours[block]), metric.value(theirs[block])
        if one is not None and other is not None:
            pairs.append((max(one, metric.least(ours[block])), max(other, metric.least(theirs[block]))))
    return pairs
