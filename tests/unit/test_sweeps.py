"""Which size is enough: found as a set, on slices that say so, and nothing where they do not."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from harness.analysis.cells import cells
from harness.analysis.filled_sizes import Filling, filling
from harness.analysis.scalability_law import NoLaw
from harness.analysis.sweep_record import Sweep, SweepPoint
from harness.analysis.sweeps import sweeps, swept_variants
from harness.catalog.variants import variant_of
from harness.judging.figures import SliceFigures
from harness.report.sweep_charts import sweep_sentences, sweep_view
from harness.results.records.run_record import RunRecord
from harness.results.records.strategy import ServerOptions, Strategy
from tests.made_slices import INVALID, judged, phase, slice
from tests.synthetic_run import run_record

POOL = Strategy("pool", "A pool", "", "targets/pool.py", ServerOptions(), {"threads": 8, "mode": "fair"})
SIZES = (1, 4, 16, 64)


def swept_run(sizes: tuple[int, ...] = SIZES) -> RunRecord:
    made = run_record(["sync_def"], ["io"], rounds=6, seed=1, phase_s=4.0, rates_percent=(), peculiar=False)
    variants = tuple(variant_of(POOL, 2, params={"threads": size}) for size in sizes)
    return msgspec.structs.replace(made, variants=(*made.variants, *variants), strategies=(*made.strategies, POOL))


def measured(capacities: dict[str, float], scatter: float, seed: int, invalid: str = "") -> list[SliceFigures]:
    """Twelve rounds on six boots; of the variant `invalid` no slice is valid."""
    chance = np.random.default_rng(seed)
    return [
        slice(
            variant,
            round,
            phase(rps * float(chance.lognormal(0, scatter))),
            boot=1 + round % 6,
            findings=(INVALID,) if variant == invalid else (),
        )
        for round in range(1, 13)
        for variant, rps in capacities.items()
    ]


def sweep_of(
    capacities: tuple[float, ...],
    scatter: float = 0.02,
    sizes: tuple[int, ...] = SIZES,
    *,
    seed: int = 1,
    invalid: int | None = None,
) -> Sweep:
    run = swept_run(sizes)
    by_name = {f"pool[threads={size}]": rps for size, rps in zip(sizes, capacities, strict=True)}
    found = measured({"sync_def": 100.0, **by_name}, scatter, seed, f"pool[threads={invalid}]")
    (made,) = sweeps(run, found, cells(run, [judged(each) for each in found]))
    return made


def test_the_smallest_size_within_5_percent_of_the_best_is_the_knee() -> None:
    made = sweep_of((10.0, 40.0, 100.0, 101.0))
    assert (made.strategy, made.workload, made.what) == ("pool", "io", "threads")
    assert [point.size for point in made.points] == [1, 4, 16, 64]
    assert made.knee == (16.0,)
    assert made.too_large == ()
    assert sweep_sentences(made)[0] == "threads = 16 is the smallest size within 5 % of the best."
    assert "beyond" not in " ".join(sweep_sentences(made))


@pytest.mark.parametrize(
    ("variant", "of"),
    [
        ("pool", "pool"),
        ("pool[threads=4]", "pool"),
        ("pool[mode=greedy,threads=4]", "pool[mode=greedy]"),
        ("pool[threads=4] @ granian", "pool @ granian"),
        ("pool[mode=greedy,threads=4,workers=2] @ asyncio+3.13", "pool[mode=greedy,workers=2] @ asyncio+3.13"),
    ],
)
def test_it_is_told_what_was_swept_where_several_of_one_strategy_are(variant: str, of: str) -> None:
    points = tuple(SweepPoint(size, variant, None, None) for size in (4.0, 8.0))
    made = Sweep(
        workload="io",
        strategy="pool",
        what="threads",
        points=points,
        filling=Filling(64),
        knee=(),
        law=NoLaw("nothing"),
    )
    assert made.of == sweep_view(made, 2, "red").strategy == of


def test_a_size_that_costs_is_named() -> None:
    made = sweep_of((10.0, 100.0, 80.0, 60.0))
    assert made.knee == (4.0,)
    assert made.too_large == (16.0, 64.0)
    assert "Larger is worse: threads = 16, 64 lose more than 5 % for certain." in sweep_sentences(made)


def test_where_nobody_can_tell_the_knee_is_a_set() -> None:
    made = sweep_of((10.0, 97.0, 100.0, 101.0), scatter=0.15)
    assert set(made.knee) >= {4.0, 16.0}
    assert 1.0 not in made.knee
    assert "more rounds would tell which" in sweep_sentences(made)[0]


@pytest.mark.parametrize(
    ("capacities", "knee"),
    [
        ((50.0, 95.0, 97.0, 100.0), 16.0),  # 4 is 5.3 % below the best, 16 is not
        ((80.0, 96.0, 100.0, 90.0), 4.0),
        ((100.0, 100.0, 100.0, 100.0), 1.0),
        ((10.0, 40.0, 160.0, 640.0), 64.0),
    ],
)
def test_the_true_knee_is_in_the_set_in_95_of_100_runs(capacities: tuple[float, ...], knee: float) -> None:
    assert sum(knee in sweep_of(capacities, 0.08, seed=seed).knee for seed in range(20)) >= 18


def test_a_parameter_without_an_effect_is_called_that() -> None:
    made = sweep_of((100.0, 100.0, 100.0, 100.0), scatter=0.005)
    assert made.has_no_effect
    assert made.law == NoLaw("no effect of the size is seen")
    assert sweep_sentences(made) == ("threads makes no difference here: 1, 4, 16, 64 are all within 5 % of the best.",)


def test_where_slices_scatter_no_effect_is_seen_and_how_large_it_may_be_is_said() -> None:
    made = sweep_of((100.0, 100.0, 100.0, 100.0), scatter=0.2)
    assert not made.has_no_effect
    assert made.knee == (1.0, 4.0, 16.0, 64.0)
    assert made.law == NoLaw("no effect of the size is seen")
    (said,) = sweep_sentences(made)  # and no law of what is only noise
    assert said.startswith("No effect of threads is seen: each of 1, 4, 16, 64 may be within 5 % of the best. The ")
    assert said.endswith("% below it. More rounds would tell.")


@pytest.mark.parametrize("capacities", [(10.0, 40.0, 100.0, 200.0), (10.0, 40.0, 97.0, 100.0)])
def test_a_curve_that_rises_to_its_end_may_have_its_knee_beyond(capacities: tuple[float, ...]) -> None:
    made = sweep_of(capacities, scatter=0.005)
    assert made.may_rise_beyond
    assert (
        "The best may lie beyond threads = 64, the largest that 64 users can fill: measure with more users (`users` in "
        "the profile)." in sweep_sentences(made)
    )
    shorter = sweep_of(capacities[:2], scatter=0.005, sizes=(1, 4))
    assert (
        "The best may lie beyond threads = 4, the largest that was measured: measure larger ones, too (64 users can "
        "fill 64)." in sweep_sentences(shorter)
    )


def test_four_sizes_of_which_one_is_only_the_users_have_no_law() -> None:
    """64 users on 80 threads are 64 threads: 100, 200, 400 and 640 a second have a peak that is the users'."""
    made = sweep_of((100.0, 200.0, 400.0, 640.0), sizes=(10, 20, 40, 80))
    assert (made.unfilled, made.unknown, made.knee) == ((80.0,), (), (40.0,))
    assert made.law == NoLaw("it has three parameters, so 4 sizes are the fewest, and 3 known")
    said = sweep_sentences(made)
    assert said[:3] == (
        "threads = 40 is the smallest size within 5 % of the best.",
        "64 users cannot fill threads = 80, so it is left out here.",
        "The best may lie beyond threads = 40, the largest that was filled: measure larger ones, too (64 users can "
        "fill 64).",
    )
    assert "64 users fill no more" in sweep_view(made, cores=2, colour="red").svg


def test_sizes_that_cannot_be_filled_are_no_part_of_the_best_whatever_they_reach() -> None:
    made = sweep_of((50.0, 100.0, 130.0, 20.0), sizes=(1, 4, 128, 256))
    assert (made.unfilled, made.knee, made.too_large) == ((128.0, 256.0), (4.0,), ())
    assert "64 users cannot fill threads = 128, 256, so they are left out here." in sweep_sentences(made)


@pytest.mark.parametrize(
    ("sizes", "why"), [((1, 128, 256), "only threads = 1 was filled"), ((128, 256), "none of its sizes was filled")]
)
def test_where_hardly_a_size_can_be_filled_nothing_follows(sizes: tuple[int, ...], why: str) -> None:
    made = sweep_of((100.0, 50.0, 10.0)[: len(sizes)], sizes=sizes)
    assert made.knee == ()
    assert sweep_sentences(made)[0] == f"Nothing follows about threads: {why}."
    assert sweep_view(made, cores=2, colour="red").said == sweep_sentences(made)


def test_what_fills_a_size_is_what_a_request_needs_of_it() -> None:
    """64 users, or 192 calls of them at once; 40 places in each worker, where requests wait."""
    run = swept_run()
    io = run.workloads[0]
    cpu, fanout = msgspec.structs.replace(io, wait_ms=0.0, calls=0), msgspec.structs.replace(io, calls=3)
    db = msgspec.structs.replace(io, calls=0, queries=1)
    pool = variant_of(POOL, 2)
    two = msgspec.structs.replace(pool, workers=2, in_flight=40, connections=15)
    many = msgspec.structs.replace(two, in_flight=1024, connections=None)
    asked = [
        (io, pool, "threads", 64),
        (fanout, pool, "threads", 192),
        (io, two, "threads", 32),
        (io, pool, "mode_ms", None),
        (io, two, "workers", 2),
        (cpu, two, "workers", 64),
        (db, two, "workers", 5),
        (io, many, "workers", 64),
    ]
    assert [filling(run, *each).most for *each, _ in asked] == [most for *_, most in asked]
    by_name = Strategy("pool", "", "", "p", ServerOptions(), {"places": 8}, in_flight_param="places")
    named = msgspec.structs.replace(run, strategies=(by_name,))
    assert filling(named, io, pool, "places").most == 64
    by_name = msgspec.structs.replace(by_name, in_flight_param=None, connections_param="places")
    named = msgspec.structs.replace(run, strategies=(by_name,))
    assert filling(named, fanout, pool, "places").most == 64
    fewer = msgspec.structs.replace(run.profile, users_by_workload={"io": 16})
    assert filling(msgspec.structs.replace(run, profile=fewer), cpu, pool, "threads").most == 16


@pytest.mark.parametrize("size", SIZES)
def test_a_size_without_a_valid_slice_is_named(size: int) -> None:
    made = sweep_of((10.0, 40.0, 100.0, 101.0), invalid=size)
    assert made.unknown == (size,)
    assert size not in made.knee
    assert f"Nothing is known of threads = {size} (no valid slice): better or worse." in sweep_sentences(made)
    assert f"{size}: no capacity" in sweep_view(made, cores=2, colour="red").svg


def test_no_effect_is_not_said_where_a_size_is_missing() -> None:
    assert not sweep_of((100.0, 100.0, 100.0, 100.0), scatter=0.005, invalid=4).has_no_effect


def test_two_sizes_are_a_sweep_without_a_law() -> None:
    made = sweep_of((10.0, 40.0), sizes=(1, 4))
    assert made.knee == (4.0,)
    assert isinstance(made.law, NoLaw)


def test_one_size_or_no_slices_are_no_sweep() -> None:
    run = swept_run((1,))
    assert sweeps(run, measured({"sync_def": 100.0, "pool[threads=1]": 10.0}, 0.02, 1), ()) == ()
    assert sweeps(swept_run(), [], ()) == ()


def test_one_round_or_one_size_that_worked_has_no_knee() -> None:
    run = swept_run()
    once = [slice(f"pool[threads={size}]", 1, phase(10.0 * size)) for size in SIZES]
    (made,) = sweeps(run, once, ())
    assert made.knee == ()
    assert sweep_sentences(made)[0] == "Nothing follows about threads: there are too few valid slices."
    (alone,) = sweeps(run, measured({"pool[threads=4]": 40.0}, 0.02, 1), ())
    assert (alone.knee, alone.unknown) == ((), (1.0, 16.0, 64.0))


def test_workers_are_a_size_and_what_else_differs_is_another_sweep() -> None:
    by_workers = [variant_of(POOL, 2, server=ServerOptions(workers=many)) for many in (1, 2, 4)]
    other = [variant_of(POOL, 2, params={"mode": "odd"}, server=ServerOptions(workers=many)) for many in (1,)]
    (found,) = swept_variants([*by_workers, *other])
    assert found[0] == "workers"
    assert [size for size, _ in found[1]] == [1, 2, 4]


def test_the_chart_shows_each_size_the_cores_and_the_law() -> None:
    made = sweep_of((50.0, 160.0, 300.0, 260.0), sizes=(1, 4, 16, 64))
    view = sweep_view(made, cores=2, colour="var(--s1)")
    assert "2 cores" in view.svg
    assert all(f">{size}</text>" in view.svg for size in (1, 4, 16, 64))
    assert view.said == sweep_sentences(made)


def test_a_size_of_nothing_is_drawn_too() -> None:
    made = sweep_of((50.0, 60.0, 70.0, 80.0), sizes=(0, 1, 2, 3))
    assert ">0</text>" in sweep_view(made, cores=2, colour="red").svg


@pytest.mark.parametrize("hostile", ["<script>", "a&b"])
def test_what_a_file_says_is_escaped_in_the_chart(hostile: str) -> None:
    made = msgspec.structs.replace(sweep_of((10.0, 40.0, 100.0, 101.0)), strategy=hostile, what=hostile)
    assert hostile not in sweep_view(made, 2, "red").svg
