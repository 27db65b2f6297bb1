"""Variants against each other, paired within rounds: what the machine did to both drops out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple

from harness.analysis.evidence import Comparison
from harness.analysis.slices import capacity_phase, valid_by_round
from harness.judging import stats
from harness.judging.capacities import RoundValue, fit_of
from harness.judging.figures import PhaseFigures, SliceFigures
from harness.judging.looks import look_of
from harness.judging.simultaneous import ONLY_LOOK, Look, RoundsFit
from harness.judging.stats import LogRatio
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


class CapacitySlice(NamedTuple):
    """The closed loop of a valid slice, the boot that it was measured on, and how long it all took."""

    phase: PhaseFigures
    boot: int
    elapsed_s: float


def comparisons(
    run: RunRecord, slices: Sequence[SliceFigures], causes: Mapping[tuple[str, str], str] = MappingProxyType({})
) -> tuple[Comparison, ...]:
    """Every variant with the run's baseline, on each workload and metric of the closed loop; nothing where one of them
    has no valid slice. `causes` by workload and variant."""
    if run.baseline is None:
        return ()
    return tuple(
        _comparison(run, workload.name, metric, variant, ratio, found, causes)
        for workload in run.workloads
        for metric in (CAPACITY, CPU)
        for found in [by_variant(run, slices, workload.name)]
        # Only capacities are looked at while they are measured.
        for look in [look_of(run, workload.name) if metric is CAPACITY else ONLY_LOOK]
        for variant, ratio in fit(metric, found).against(run.baseline, look=look).items()
    )


def _comparison(
    run: RunRecord,
    workload: str,
    metric: ComparedMetric,
    variant: str,
    ratio: LogRatio,
    found: Mapping[str, Mapping[int, CapacitySlice]],
    causes: Mapping[tuple[str, str], str],
) -> Comparison:
    baseline = run.baseline or ""
    verdict = stats.verdict(ratio, more_is_better=metric.more_is_better)
    more_rounds = stats.more_rounds(ratio, fresh_boots=True) if verdict == "open" else None
    round_s = sum(_usual_s(found[name]) for name in (variant, baseline))
    return Comparison(
        workload=workload,
        variant=variant,
        baseline=baseline,
        metric=metric.name,
        ratio=ratio.estimate,
        verdict=verdict,
        more_rounds=more_rounds,
        more_s=None if more_rounds is None else more_rounds * round_s,
        why=causes.get((workload, variant), "") if metric is CAPACITY else "",
    )


def _usual_s(own: Mapping[int, CapacitySlice]) -> float:
    return sum(each.elapsed_s for each in own.values()) / len(own)


def by_variant(run: RunRecord, slices: Sequence[SliceFigures], workload: str) -> dict[str, dict[int, CapacitySlice]]:
    """The closed loops of a workload's valid slices, by variant and round."""
    return {variant.name: dict(_capacities(valid_by_round(slices, variant.name, workload))) for variant in run.variants}


def _capacities(own: Mapping[int, SliceFigures]) -> Iterator[tuple[int, CapacitySlice]]:
    for round, slice in own.items():
        if (phase := capacity_phase(slice)) is not None:
            yield round, CapacitySlice(phase, slice.record.boot, slice.record.elapsed_s)


def fit(metric: ComparedMetric, found: Mapping[str, Mapping[int, CapacitySlice]]) -> RoundsFit:
    """Of the rounds in which each variant has a value."""
    return fit_of(
        {
            variant: {
                round: RoundValue(value, each.boot, metric.least(each.phase), metric.step(each.phase))
                for round, each in own.items()
                if (value := metric.value(each.phase)) is not None
            }
            for variant, own in found.items()
        }
    )


def may_be_best(fitted: RoundsFit, look: Look = ONLY_LOOK) -> set[str]:
    """All that may be the best within 5 %: Hsu's multiple comparisons with the best ("Constrained simultaneous
    confidence intervals for multiple comparisons with the best", Annals of Statistics 12, 1984). More is better.

    Out is who is worse than some other variant by more than 5 %, in one-sided intervals with itself as the control. The
    true best is left out in at most 5 % of all runs, over all looks. Without a common round nothing keeps anybody out.
    """
    return {
        variant
        for variant in fitted.names
        if not any(
            ratio.interval is not None and ratio.interval[0] > stats.SAME_WITHIN
            for ratio in fitted.against(variant, sides=1, look=look).values()
        )
    }


def largest_step(metric: ComparedMetric, own: Mapping[int, CapacitySlice]) -> float:
    """Of these slices; durations hardly differ."""
    return max((metric.step(each.phase) for each in own.values()), default=0.0)
