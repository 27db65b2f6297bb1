"""Strategies against each other, paired within blocks: what the machine did to both drops out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis import stats
from harness.analysis.evidence import Comparison
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


@dataclass(frozen=True)
class PairedTest:
    """One strategy against another on one metric, already corrected for the others of its family."""

    variant: str
    ratio: stats.LogRatio
    p_value: float | None
    verdict: stats.Verdict


def comparisons(run: RunRecord, trials: Sequence[TrialFigures]) -> tuple[Comparison, ...]:
    """Every variant with the run's baseline, on each workload and metric; nothing where one of them has no valid
    trial."""
    if run.baseline is None:
        return ()
    return tuple(
        Comparison(
            workload=workload.name,
            variant=test.variant,
            baseline=run.baseline,
            metric=metric.name,
            ratio=test.ratio.estimate,
            p_value=test.p_value,
            verdict=test.verdict,
            more_blocks=stats.more_blocks(test.ratio, len(tests)) if test.verdict == "inconclusive" else None,
        )
        for workload in run.workloads
        for metric in (CAPACITY, CPU)
        for tests in [against(run.baseline, metric, by_variant(run, trials, workload.name))]
        for test in tests
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
    baseline: str, metric: ComparedMetric, phases: Mapping[str, Mapping[int, PhaseFigures]]
) -> tuple[PairedTest, ...]:
    """Each other strategy over `baseline`, on the blocks that both have; Holm-corrected together."""
    ratios: dict[str, stats.LogRatio] = {}
    for variant, blocks in phases.items():
        theirs = phases.get(baseline, {})
        pairs = _pairs(metric, blocks, theirs)
        if variant != baseline and pairs:
            ratios[variant] = stats.paired_ratio(pairs, (largest_step(metric, blocks), largest_step(metric, theirs)))
    corrected = stats.holm([ratio.p_value for ratio in ratios.values()])
    return tuple(
        PairedTest(variant, ratio, p, stats.verdict(ratio, p, more_is_better=metric.more_is_better))
        for (variant, ratio), p in zip(ratios.items(), corrected, strict=True)
    )


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
