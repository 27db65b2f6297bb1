"""Sweeps: one strategy with several sizes of one thing, which size is enough, and whether a law describes them. Pure.

Any run has a sweep whose variants are one strategy that differs in one number only: a pool's threads, a server's
workers. `bench sweep` measures such runs.

The knee is the smallest size within 5 % of the best. It is a set, like the best itself: a size may be the knee when it
may be within 5 % of the best (Hsu, see `harness.analysis.comparisons.may_be_best`), and no smaller one surely is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from harness.analysis.comparisons import CAPACITY, by_variant, fit, may_be_best
from harness.analysis.evidence import Cell
from harness.analysis.scalability import scalability_law
from harness.analysis.sweep_record import Sweep, SweepPoint
from harness.judging import stats
from harness.judging.estimate import Estimate
from harness.judging.figures import SliceFigures
from harness.judging.looks import look_of
from harness.judging.simultaneous import Look, RoundsFit
from harness.results.records.run_record import RunRecord
from harness.results.records.variant import Variant

FEWEST_SIZES = 3


def sweeps(run: RunRecord, slices: Sequence[SliceFigures], cells: Sequence[Cell]) -> tuple[Sweep, ...]:
    """Of each workload and each strategy that was measured in `FEWEST_SIZES` sizes of one thing or more."""
    found = []
    for what, variants in swept_variants(run.variants):
        for workload in run.workloads:
            own = {variant.name: size for size, variant in variants}
            values = {name: each for name, each in by_variant(run, slices, workload.name).items() if name in own}
            if sum(bool(each) for each in values.values()) < FEWEST_SIZES:
                continue
            capacities = {c.variant: c.capacity for c in cells if c.workload == workload.name}
            fitted = fit(CAPACITY, values)
            found.append(_sweep(workload.name, what, variants, fitted, look_of(run, workload.name), capacities))
    return tuple(found)


def swept_variants(variants: Sequence[Variant]) -> Iterator[tuple[str, list[tuple[float, Variant]]]]:
    """What was varied, and the variants by ascending size: those of one strategy that are alike in all but that."""
    groups: dict[tuple[str, str, bytes], dict[float, Variant]] = {}
    for variant in variants:
        for what, size, rest in _numbers(variant):
            groups.setdefault((variant.strategy, what, rest), {}).setdefault(size, variant)
    for (_, what, _), by_size in groups.items():
        if len(by_size) >= FEWEST_SIZES:
            yield what, sorted(by_size.items())


def _numbers(variant: Variant) -> Iterator[tuple[str, float, bytes]]:
    """Each number that may be varied, and all the rest of the variant."""
    for name, value in variant.params.items():
        if isinstance(value, int | float):
            rest = {other: each for other, each in variant.params.items() if other != name}
            yield name, float(value), _rest(variant, rest, variant.workers)
    yield "workers", float(variant.workers), _rest(variant, variant.params, 0)


def _rest(variant: Variant, params: dict[str, int | float | str], workers: int) -> bytes:
    server = msgspec.structs.replace(variant.server, workers=1)
    return msgspec.json.encode((sorted(params.items()), server, workers, variant.interpreter))


def _sweep(
    workload: str,
    what: str,
    variants: Sequence[tuple[float, Variant]],
    fitted: RoundsFit,
    look: Look,
    capacities: dict[str, Estimate | None],
) -> Sweep:
    may = may_be_best(fitted, look)
    surely = {name for name in fitted.names if _is_surely_near_the_best(fitted, name, look)}
    points = tuple(
        SweepPoint(size, variant.name, capacities.get(variant.name), variant.name in may, variant.name in surely)
        for size, variant in variants
    )
    enough = next((point.size for point in points if point.is_surely), math.inf)
    is_known = fitted.freedom > 0 and fitted.is_connected()
    return Sweep(
        workload=workload,
        strategy=variants[0][1].strategy,
        what=what,
        points=points,
        knee=tuple(point.size for point in points if point.may_be_best and point.size <= enough) if is_known else (),
        law=scalability_law({size: variant.name for size, variant in variants}, fitted),
    )


def _is_surely_near_the_best(fitted: RoundsFit, name: str, look: Look) -> bool:
    """No other can be more than 5 % better."""
    others = fitted.against(name, sides=1, look=look)
    return len(others) == len(fitted.names) - 1 and all(
        ratio.interval is not None and ratio.interval[1] <= stats.SAME_WITHIN for ratio in others.values()
    )
