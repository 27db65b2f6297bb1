"""Strategies against each other, paired within blocks: what the machine did to both drops out. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from harness.analysis import stats
from harness.analysis.evidence import Comparison
from harness.analysis.simultaneous import RoundsFit
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
        for variant, ratio in fit(metric, by_variant(run, trials, workload.name)).against(run.baseline).items()
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


def fit(metric: ComparedMetric, phases: Mapping[str, Mapping[int, PhaseFigures]]) -> RoundsFit:
    """Of the blocks in which each variant has a value."""
    values = {
        variant: {
            block: max(value, metric.least(phase))
            for block, phase in blocks.items()
            if (value := metric.value(phase)) is not None
        }
        for variant, blocks in phases.items()
    }
    logs = {variant: {block: math.log(value) for block, value in found.items()} for variant, found in values.items()}
    floors = {
        variant: max(
            (stats.rounding(largest_step(metric, phases[variant]), value) for value in found.values()), default=0.0
        )
        for variant, found in values.items()
    }
    return RoundsFit.of(logs, floors)


def may_be_best(fitted: RoundsFit) -> set[str]:
    """All that may be the best within 5 %: Hsu's multiple comparisons with the best ("Constrained simultaneous
    confidence intervals for multiple comparisons with the best", Annals of Statistics 12, 1984). More is better.

    Out is who is worse than some other variant by more than 5 %, in one-sided intervals with itself as the control. The
    true best is left out in at most 5 % of all runs. Without a common block nothing keeps anybody out.
    """
    return {
        variant
        for variant in fitted.names
        if not any(
            ratio.interval is not None and ratio.interval[0] > stats.SAME_WITHIN
            for ratio in fitted.against(variant, sides=1).values()
        )
    }


def largest_step(metric: ComparedMetric, phases: Mapping[int, PhaseFigures]) -> float:
    """Of these phases; durations hardly differ."""
    return max((metric.step(phase) for phase in phases.values()), default=0.0)
