"""Strategies are compared round by round, on valid slices, and corrected for how many there are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.comparisons import CAPACITY, by_variant, comparisons, fit, may_be_best
from harness.analysis.evidence import Comparison
from harness.judging.figures import SliceFigures
from harness.results.records.outcome import Outcome
from tests.made_slices import INVALID, phase, slice
from tests.synthetic_run import run_record

NAMES = ["sync_def", "pure_async", "fake_async"]
RUN = run_record(NAMES, ["io"], rounds=4, seed=1, phase_s=4.0, rates_percent=(30,), peculiar=False)
MACHINE = (1.0, 0.5, 2.0, 0.7)  # its speed in each round


def rounds(variant: str, rps: float, scatter: tuple[float, ...] = (1.0, 1.01, 0.99, 1.0)) -> list[SliceFigures]:
    return [
        slice(
            variant,
            n + 1,
            phase(rps * machine * noise, target_cpu_s_per_1000=1e3 / (rps * machine * noise)),
            boot=1 + n // 2,
        )
        for n, (machine, noise) in enumerate(zip(MACHINE, scatter, strict=True))
    ]


def by_name(slices: list[SliceFigures], metric: str = "capacity_rps") -> dict[str, Comparison]:
    return {found.variant: found for found in comparisons(RUN, slices) if found.metric == metric}


def test_what_the_machine_did_to_both_drops_out() -> None:
    found = by_name(rounds("sync_def", 100.0) + rounds("pure_async", 130.0, (1.0, 1.0, 1.0, 1.01)))
    assert set(found) == {"pure_async"}
    gain = found["pure_async"]
    assert gain.ratio.value == pytest.approx(1.3, rel=0.02)
    # The machine alone varies by a factor of 4. What is left is what two boots of each may differ by.
    assert gain.ratio.low is not None and gain.ratio.low > 1.1
    assert (gain.verdict, gain.baseline, gain.ratio.slices) == ("faster", "sync_def", 4)


def test_less_cpu_a_request_is_faster_and_its_ratio_still_of_the_cost() -> None:
    found = by_name(rounds("sync_def", 100.0) + rounds("pure_async", 200.0), "target_cpu_s_per_1000")["pure_async"]
    assert found.ratio.value == pytest.approx(0.5, rel=0.02)
    assert found.verdict == "faster"


def test_only_rounds_with_two_valid_slices_count() -> None:
    slices = [
        *rounds("sync_def", 100.0),
        slice("pure_async", 1, phase(200.0)),
        slice("pure_async", 2, phase(9000.0), findings=(INVALID,)),
    ]
    found = by_name(slices)["pure_async"]
    assert found.ratio.slices == 1
    assert (found.ratio.low, found.verdict, found.more_rounds) == (None, "open", None)


def test_variants_that_scatter_alike_know_their_scatter_better_together() -> None:
    """Three rounds of one comparison say little of its scatter; seven others of the same scatter say what it is."""
    figures = {"sync_def": (100.0, 104.0, 99.0), "pure_async": (138.5, 134.8, 149.5)}
    others = {f"other{n}": ((99.0, 103.0, 101.0), (106.0, 98.0, 103.0))[n % 2] for n in range(7)}
    run = run_record([*figures, *others], ["io"], rounds=3, seed=1, phase_s=4.0, rates_percent=(30,), peculiar=False)

    def gain(of: dict[str, tuple[float, ...]]) -> Comparison:
        slices = [slice(name, round, phase(rps)) for name, both in of.items() for round, rps in enumerate(both, 1)]
        found = comparisons(run, slices)
        return next(c for c in found if (c.variant, c.metric) == ("pure_async", "capacity_rps"))

    alone, among = gain(figures), gain(figures | others)
    assert (alone.verdict, among.verdict) == ("open", "faster")
    assert among.ratio.value == pytest.approx(alone.ratio.value)


def test_who_is_worse_than_another_by_more_than_5_percent_may_not_be_the_best() -> None:
    close = rounds("pure_async", 130.0) + rounds("fake_async", 127.0)
    phases = by_variant(RUN, rounds("sync_def", 100.0) + close, "io")
    assert may_be_best(fit(CAPACITY, phases)) == {"pure_async", "fake_async"}


def test_one_round_keeps_nobody_from_being_the_best() -> None:
    slices = [slice("sync_def", 1, phase(100.0)), slice("pure_async", 1, phase(9000.0))]
    assert may_be_best(fit(CAPACITY, by_variant(RUN, slices, "io"))) == {"sync_def", "pure_async"}


def test_without_the_baseline_there_is_nothing_to_compare_with() -> None:
    assert comparisons(RUN, rounds("pure_async", 100.0)) == ()
    assert comparisons(RUN, []) == ()


@pytest.mark.parametrize("silent_rounds", [(1, 2, 3, 4), (2,)])
def test_what_nobody_was_answered_by_is_not_compared(silent_rounds: tuple[int, ...]) -> None:
    """Also where the other rounds were answered: they do not speak for that one."""
    silent = phase(0.0, target_cpu_s_per_1000=None, outcomes={Outcome.TIMEOUT: 64})
    stuck = [slice("fake_async", n, silent if n in silent_rounds else phase(90.0)) for n in (1, 2, 3, 4)]
    found = comparisons(RUN, rounds("sync_def", 100.0) + stuck)
    assert [comparison for comparison in found if comparison.variant == "fake_async"] == []


@given(st.floats(1, 1e4), st.floats(1, 1e4))
def test_whoever_is_the_baseline_the_other_one_gets_the_mirrored_ratio(one: float, other: float) -> None:
    phases = by_variant(RUN, rounds("sync_def", one) + rounds("pure_async", other, (1.1, 1.0, 0.95, 1.02)), "io")
    there = fit(CAPACITY, phases).against("sync_def")["pure_async"]
    back = fit(CAPACITY, phases).against("pure_async")["sync_def"]
    assert there.interval is not None and back.interval is not None
    assert there.interval == pytest.approx((-back.interval[1], -back.interval[0]))
