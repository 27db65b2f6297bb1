"""What a bounded queue and a deadline do to the answers in time and to the latency of the others. Pure.

Each is compared with the strategy that differs from it in nothing else, and not with the run's baseline.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.analysis.cells import JudgedSlice
from harness.analysis.in_time_comparisons import in_time_values, rates_with_deadline
from harness.analysis.overload_record import EffectRatio, OverloadEffect
from harness.analysis.quantile_comparisons import of_those_that_kept_up, undisturbed
from harness.analysis.quantile_ratios import quantile_ratios
from harness.judging import stats
from harness.judging.capacities import fit_of
from harness.judging.stats import LogRatio
from harness.results.records.run_record import RunRecord
from harness.results.records.variant import Variant

_P99 = 990  # per mille
# What it is, by strategy; and the strategy that is the same without it.
_MEANS = {
    "load_shedding": ("a bounded queue", "async_thread_pool"),
    "deadline": ("a deadline", "pure_async_aiohttp"),
}


def overload_effects(run: RunRecord, slices: Sequence[JudgedSlice]) -> tuple[OverloadEffect, ...]:
    """By workload, means and rate, where both were asked; nothing where the profile has no deadline."""
    figures = [slice.figures for slice in slices]
    return tuple(
        _effect(run, slices, workload.name, phase, pair)
        for workload in run.workloads
        for pair in _pairs(run.variants)
        for phase in rates_with_deadline(figures, workload.name)
        if set(pair[1:]) <= _asked(slices, workload.name, phase)
    )


def _effect(
    run: RunRecord, slices: Sequence[JudgedSlice], workload: str, phase: str, pair: tuple[str, str, str]
) -> OverloadEffect:
    means, variant, without = pair
    values = in_time_values(run, [slice.figures for slice in slices], workload, phase)
    # Of the two alone: how the others scatter, who may be choking, says nothing about them.
    in_time = fit_of({name: values[name] for name in (variant, without)}).against(without)
    own = [slice for slice in undisturbed(slices) if slice.figures.record.spec.workload == workload]
    latencies = of_those_that_kept_up(own, phase, lambda evidence: evidence.response)
    return OverloadEffect(
        workload=workload,
        phase=phase,
        means=means,
        variant=variant,
        without=without,
        in_time=_judged(in_time.get(variant), more_is_better=True),
        p99=_judged(quantile_ratios(latencies, without, _P99).get(variant), more_is_better=False),
    )


def _judged(ratio: LogRatio | None, *, more_is_better: bool) -> EffectRatio:
    if ratio is None:
        return EffectRatio(None, "open")
    return EffectRatio(ratio.estimate, stats.verdict(ratio, more_is_better=more_is_better))


def _asked(slices: Sequence[JudgedSlice], workload: str, phase: str) -> set[str]:
    specs = [slice.figures.record.spec for slice in slices if phase in slice.figures.phases]
    return {spec.variant for spec in specs if spec.workload == workload}


def _pairs(variants: Sequence[Variant]) -> Iterator[tuple[str, str, str]]:
    """What it is, and the names of the two."""
    for variant in variants:
        means, plain = _MEANS.get(variant.strategy, ("", ""))
        for other in variants:
            if plain and other.strategy == plain and _is_alike(variant, other):
                yield means, variant.name, other.name


def _is_alike(one: Variant, other: Variant) -> bool:
    """In what runs them, and in every parameter that both have."""
    common = one.params.keys() & other.params.keys()
    return (one.server, one.workers, one.interpreter) == (other.server, other.workers, other.interpreter) and all(
        one.params[name] == other.params[name] for name in common
    )
