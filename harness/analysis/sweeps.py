"""Sweeps: one strategy with several sizes of one thing, which size is enough, and whether a law describes them. Pure.

Any run has a sweep whose variants are one strategy that differs in one number only: a pool's threads, a server's
workers. `bench sweep` measures such runs.

The knee is the smallest size within 5 % of the best. It is a set, as the best itself is: a size may be the knee when it
may be within 5 % of the best, and no smaller one is for certain. Both are read off intervals that hold at once
(`harness.analysis.gaps`). So the true knee of the measured sizes is in the set with 95 % confidence.

A size that the users cannot fill is no larger than the largest that they can. It is left out of all that
(`harness.analysis.filled_sizes`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from harness.analysis.comparisons import CAPACITY, by_variant, fit
from harness.analysis.evidence import Cell
from harness.analysis.filled_sizes import WORKERS_SIZE, Filling, filling
from harness.analysis.gaps import gaps
from harness.analysis.scalability_law import NoLaw
from harness.analysis.sweep_record import Sweep, SweepPoint
from harness.judging.estimate import Estimate
from harness.judging.figures import SliceFigures
from harness.judging.looks import look_of
from harness.judging.simultaneous import Look, RoundsFit
from harness.results.records.run_record import RunRecord
from harness.results.records.variant import Variant

FEWEST_SIZES = 2


def sweeps(run: RunRecord, slices: Sequence[SliceFigures], cells: Sequence[Cell]) -> tuple[Sweep, ...]:
    """Of each workload and each strategy that was planned in several sizes of one thing, where one of them at least has
    a valid slice, be it in a round that is left out."""
    found = []
    for what, variants in swept_variants(run.variants):
        own = {variant.name for _, variant in variants}
        for workload in run.workloads:
            filled = filling(run, workload, variants[0][1], what)
            values = {name: each for name, each in by_variant(run, slices, workload.name).items() if name in own}
            capacities = {cell.variant: cell.capacity for cell in cells if cell.workload == workload.name}
            if any(values.values()) or any(capacities.get(name) for name in own):
                counted = {variant.name: values[variant.name] for size, variant in variants if filled.reaches(size)}
                look = look_of(run, workload.name)
                found.append(_sweep(workload.name, what, filled, variants, fit(CAPACITY, counted), look, capacities))
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
    yield WORKERS_SIZE, float(variant.workers), _rest(variant, variant.params, 0)


def _rest(variant: Variant, params: Mapping[str, int | float | str], workers: int) -> bytes:
    server = msgspec.structs.replace(variant.server, workers=1)
    return msgspec.json.encode((sorted(params.items()), server, workers, variant.interpreter))


def _sweep(
    workload: str,
    what: str,
    filling: Filling,
    variants: Sequence[tuple[float, Variant]],
    fitted: RoundsFit,
    look: Look,
    capacities: Mapping[str, Estimate | None],
) -> Sweep:
    """`fitted`: of the sizes that the users can fill."""
    known = gaps(fitted, look)
    points = tuple(
        SweepPoint(size, variant.name, capacities.get(variant.name), known.get(variant.name))
        for size, variant in variants
    )
    made = Sweep(
        workload=workload,
        strategy=variants[0][1].strategy,
        what=what,
        filling=filling,
        points=points,
        knee=_knee(points),
        law=NoLaw("no effect of the size is seen"),
    )
    if not made.has_an_effect:  # a law of chance
        return made
    from harness.analysis.scalability import scalability_law  # noqa: PLC0415 - with scipy.optimize, see `critical`

    law = scalability_law({point.size: point.variant for point in made.filled}, fitted)
    return msgspec.structs.replace(made, law=law)


def _knee(points: Sequence[SweepPoint]) -> tuple[float, ...]:
    """Nothing, where nothing keeps any size apart from any other: then there is no interval at all."""
    known = [(point.size, point.gap) for point in points if point.gap is not None]
    if len(known) < FEWEST_SIZES or all(math.isinf(gap.high) for _, gap in known):
        return ()
    enough = next((size for size, gap in known if gap.is_near), math.inf)
    return tuple(size for size, gap in known if gap.may_be_near and size <= enough)
