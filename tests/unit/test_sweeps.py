"""Which size is enough: found as a set, on slices that say so, and nothing where they do not."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from harness.analysis.cells import JudgedSlice, cells
from harness.analysis.sweep_record import Sweep
from harness.analysis.sweeps import swept_variants, sweeps
from harness.catalog.variants import variant_of
from harness.judging.figures import SliceFigures
from harness.report.sweep_charts import sentences, sweep_view
from harness.results.records.run_record import RunRecord
from harness.results.records.strategy import ServerOptions, Strategy
from tests.made_slices import phase, slice
from tests.synthetic_run import run_record

POOL = Strategy("pool", "A pool", "", "targets/pool.py", ServerOptions(), {"threads": 8, "mode": "fair"})
SIZES = (1, 4, 16, 64)


def swept_run(sizes: tuple[int, ...] = SIZES) -> RunRecord:
    made = run_record(["sync_def"], ["io"], rounds=6, seed=1, phase_s=4.0, rates_percent=(), peculiar=False)
    variants = tuple(variant_of(POOL, 2, params={"threads": size}) for size in sizes)
    return msgspec.structs.replace(made, variants=(*made.variants, *variants), strategies=(*made.strategies, POOL))


def measured(run: RunRecord, capacities: dict[str, float], scatter: float = 0.02) -> list[SliceFigures]:
    chance = np.random.default_rng(1)
    return [
        slice(variant, round, phase(rps * float(chance.lognormal(0, scatter))), boot=1 + round % 3)
        for round in range(1, 13)
        for variant, rps in capacities.items()
    ]


def sweep_of(capacities: tuple[float, ...], scatter: float = 0.02, sizes: tuple[int, ...] = SIZES) -> Sweep:
    run = swept_run(sizes)
    names = [f"pool[threads={size}]" for size in sizes]
    found = measured(run, {"sync_def": 100.0, **dict(zip(names, capacities, strict=True))}, scatter)
    (made,) = sweeps(run, found, cells(run, [JudgedSlice(each, {}) for each in found]))
    return made


def test_the_smallest_size_within_5_percent_of_the_best_is_the_knee() -> None:
    made = sweep_of((10.0, 40.0, 100.0, 101.0))
    assert (made.strategy, made.workload, made.what) == ("pool", "io", "threads")
    assert [point.size for point in made.points] == [1, 4, 16, 64]
    assert made.knee == (16.0,)
    assert made.too_large == ()
    assert sentences(made)[0] == "threads = 16 is the smallest size within 5 % of the best."


def test_a_size_that_costs_is_named() -> None:
    made = sweep_of((10.0, 100.0, 80.0, 60.0))
    assert made.knee == (4.0,)
    assert made.too_large == (16.0, 64.0)
    assert "Larger is worse: threads = 16, 64 lose more than 5 % for certain." in sentences(made)


def test_where_nobody_can_tell_the_knee_is_a_set() -> None:
    made = sweep_of((10.0, 97.0, 100.0, 101.0), scatter=0.15)
    assert set(made.knee) >= {4.0, 16.0}
    assert "more rounds would tell which" in sentences(made)[0]


def test_a_parameter_without_an_effect_is_called_that() -> None:
    made = sweep_of((100.0, 100.0, 100.0, 100.0), scatter=0.005)
    assert made.has_no_effect
    assert sentences(made)[0].startswith("The number of threads has no effect here")


def test_two_sizes_or_no_slices_are_no_sweep() -> None:
    run = swept_run((1, 4))
    found = measured(run, {"sync_def": 100.0, "pool[threads=1]": 10.0, "pool[threads=4]": 40.0})
    assert sweeps(run, found, ()) == ()
    assert sweeps(swept_run(), [], ()) == ()


def test_one_round_has_no_knee() -> None:
    run = swept_run()
    once = [slice(f"pool[threads={size}]", 1, phase(10.0 * size)) for size in SIZES]
    (made,) = sweeps(run, once, ())
    assert made.knee == ()
    assert sentences(made)[0] == "Nothing follows about threads: there are too few valid slices."


def test_workers_are_a_size_and_what_else_differs_is_another_sweep() -> None:
    by_workers = [variant_of(POOL, 2, server=ServerOptions(workers=many)) for many in (1, 2, 4)]
    other = [variant_of(POOL, 2, params={"mode": "odd"}, server=ServerOptions(workers=many)) for many in (1, 2)]
    (found,) = swept_variants([*by_workers, *other])
    assert found[0] == "workers"
    assert [size for size, _ in found[1]] == [1, 2, 4]


def test_the_chart_shows_each_size_the_cores_and_the_law() -> None:
    made = sweep_of((50.0, 160.0, 300.0, 260.0), sizes=(1, 4, 16, 64))
    view = sweep_view(made, cores=2, colour="var(--s1)")
    assert "2 cores" in view.svg
    assert all(f">{size}</text>" in view.svg for size in (1, 4, 16, 64))
    assert view.said == sentences(made)


@pytest.mark.parametrize("hostile", ["<script>", "a&b"])
def test_what_a_file_says_is_escaped_in_the_chart(hostile: str) -> None:
    made = msgspec.structs.replace(sweep_of((10.0, 40.0, 100.0, 101.0)), strategy=hostile, what=hostile)
    assert hostile not in sweep_view(made, 2, "red").svg
