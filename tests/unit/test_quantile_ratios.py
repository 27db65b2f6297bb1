"""Ratios of quantiles are those of the distributions added up; their intervals hold all at once, and say nothing where
too little is known.

Synthetic runs: sessions of some rounds, in which each variant answers 30 to 60 requests a slice. Variants have effects
of boots and of slices of their own; sessions and rounds have some for all of them; a few slices meet a slow spell.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import stdtrit

from harness.analysis.quantile_ratios import SliceLatencies, quantile_ratios
from harness.judging import stats
from harness.judging.percentiles import Latencies, exact_latencies, pool
from harness.results.histograms import Histogram

Slices = dict[str, list[SliceLatencies]]


def histogram(times_us: Sequence[int] | NDArray[np.int64]) -> Histogram:
    values_us, counts = np.unique(np.asarray(times_us, np.int64), return_counts=True)
    return Histogram(values_us, counts.astype(np.int64))


def slice_of(round: int, boot: int, times_us: Sequence[int] | NDArray[np.int64]) -> SliceLatencies:
    return SliceLatencies(round, boot, exact_latencies(histogram(times_us)))


def drawn(seed: int = 1, variants: int = 3, boots: int = 3, rounds: int = 3, scale: float = 1.0) -> Slices:
    """`rounds` in each boot; the first variant is `v0`."""
    return synthetic(np.random.default_rng(seed), Kind(boots, rounds, 40, scale=scale), variants, {})


# --------------------------------------------------------------------------------------------------------- the ratio


@given(st.lists(st.lists(st.integers(1, 2000), min_size=10, max_size=40), min_size=4, max_size=6))
def test_the_ratio_is_of_the_quantiles_of_all_slices_added_up(times_us: list[list[int]]) -> None:
    half = len(times_us) // 2
    slices = {
        "a": [slice_of(at, at, own) for at, own in enumerate(times_us[:half])],
        "b": [slice_of(at, at, own) for at, own in enumerate(times_us[half : 2 * half])],
    }
    a, b = (pool(one.latencies for one in own).percentile(500) for own in slices.values())
    assert a is not None and b is not None
    found = quantile_ratios(slices, "b", 500)["a"]
    assert found.estimate.value == pytest.approx(a.value_ms / b.value_ms)
    assert found.count == half


@given(st.integers(0, 1000), st.sampled_from([500, 990]), st.integers(2, 4))
def test_two_variants_swapped_give_the_inverse(seed: int, permille: int, boots: int) -> None:
    slices = drawn(seed, variants=2, boots=boots)
    there, back = quantile_ratios(slices, "v0", permille)["v1"], quantile_ratios(slices, "v1", permille)["v0"]
    assert there.mean == pytest.approx(-back.mean, abs=1e-12)
    assert (there.error, there.critical) == pytest.approx((back.error, back.critical))


def test_the_order_of_slices_and_variants_changes_nothing() -> None:
    slices = drawn(2, variants=4)
    turned = {variant: own[::-1] for variant, own in reversed(slices.items())}
    one, other = quantile_ratios(slices, "v0", 990), quantile_ratios(turned, "v0", 990)
    for variant, ratio in one.items():
        assert ratio.mean == other[variant].mean
        assert ratio.interval == pytest.approx(other[variant].interval)


def test_only_common_rounds_count() -> None:
    """The last session was ten times as slow, and one variant was not there."""
    slices = drawn(3, boots=4)
    for variant, own in slices.items():
        slices[variant] = [slower(one, 10) if one.boot == 3 else one for one in own]
    slices["v1"] = [one for one in slices["v1"] if one.boot != 3]
    ratio = quantile_ratios(slices, "v0", 500)["v1"]
    assert (ratio.count, ratio.interval is None) == (9, False)
    assert ratio.mean == pytest.approx(0, abs=0.4)


# ------------------------------------------------------------------------------------------------------- how sure


def test_two_alone_have_the_variance_of_all_resamples_of_sessions() -> None:
    """All 27 ways to draw three of three sessions, one after another."""
    slices = drawn(4, variants=2)
    logs = []
    for picked in itertools.product(range(3), repeat=3):
        values = []
        for own in slices.values():
            found = pool(one.latencies for session in picked for one in own if one.boot == session).percentile(990)
            assert found is not None
            values.append(math.log(found.value_ms))
        logs.append(values[1] - values[0])
    ratio = quantile_ratios(slices, "v0", 990)["v1"]
    assert ratio.error == pytest.approx(math.sqrt(np.var(logs) * 3 / 2))
    assert ratio.freedom == 2.0
    assert ratio.critical == pytest.approx(float(stdtrit(2, 0.975)), rel=1e-3)


def test_what_a_session_does_to_all_of_them_makes_no_interval_wider() -> None:
    calm = drawn(5, variants=4)
    slow = {variant: [slower(one, 2) if one.boot == 1 else one for one in own] for variant, own in calm.items()}
    reach = [
        max(ratio.critical * ratio.error for ratio in found.values() if ratio.critical and ratio.error)
        for found in (quantile_ratios(each, "v0", 500) for each in (calm, slow))
    ]
    assert reach[1] < 1.5 * reach[0]


def test_a_server_replaced_within_a_session_is_no_unit_of_its_own() -> None:
    """As long as some server of any variant leads from each round to the next."""
    slices = drawn(6)
    lives = {"v0": (0, 0, 1), "v1": (0, 1, 1), "v2": (0, 1, 2)}
    replaced = {
        variant: [replace(one, boot=3 * one.boot + life) for one, life in zip(own, 3 * lives[variant], strict=True)]
        for variant, own in slices.items()
    }
    assert quantile_ratios(replaced, "v0", 990) == quantile_ratios(slices, "v0", 990)


def test_equal_answers_are_the_same_and_never_more_exact_than_their_histograms() -> None:
    slices = {variant: [slice_of(at, at, [1000] * 50) for at in range(3)] for variant in ("a", "b", "c")}
    for ratio in quantile_ratios(slices, "a", 990).values():
        assert stats.verdict(ratio, more_is_better=False) == "same"
        assert ratio.error is not None and ratio.error >= math.sqrt(2 / 12) * 1e-3


def test_more_sessions_than_can_all_be_resampled_give_the_same_figures_again() -> None:
    slices = drawn(7, boots=9, rounds=1)
    found = quantile_ratios(slices, "v0", 990)
    assert found == quantile_ratios(slices, "v0", 990)
    assert all(ratio.interval for ratio in found.values())


# ------------------------------------------------------------------------------------------- where nothing can be said


@pytest.mark.parametrize(("permille", "samples", "compared"), [(500, 19, 0), (500, 20, 1), (990, 99, 0), (990, 100, 1)])
def test_too_few_samples_have_no_ratio(permille: int, samples: int, compared: int) -> None:
    few = [slice_of(at, at, range(1, 1 + part)) for at, part in enumerate((samples // 2, samples - samples // 2))]
    many = [slice_of(at, at, range(1, 400)) for at in range(2)]
    for slices in ({"a": few, "b": many}, {"a": many, "b": few}):
        assert len(quantile_ratios(slices, "a", permille)) == compared


def test_without_a_baseline_or_a_common_round_there_is_no_ratio() -> None:
    slices = drawn()
    assert quantile_ratios(slices, "nobody", 500) == {}
    assert quantile_ratios({**slices, "v1": []}, "v0", 500).keys() == {"v2"}
    assert quantile_ratios({**slices, "v0": []}, "v0", 500) == {}
    apart = [replace(one, round=one.round + 100, boot=one.boot + 100) for one in slices["v1"]]
    assert quantile_ratios({**slices, "v1": apart}, "v0", 500).keys() == {"v2"}


def test_one_session_has_a_ratio_and_leaves_the_verdict_open() -> None:
    slices = drawn(boots=1, rounds=8, scale=5.0)
    for ratio in quantile_ratios(slices, "v0", 500).values():
        assert ratio.interval is None
        assert stats.verdict(ratio, more_is_better=False) == "open"


def test_a_quantile_that_is_a_lower_bound_has_no_ratio() -> None:
    slices = drawn()
    gave_up = {**slices, "v1": [given_up(one, 2) for one in slices["v1"]]}
    assert quantile_ratios(gave_up, "v0", 990).keys() == {"v2"}
    assert quantile_ratios(gave_up, "v0", 500).keys() == {"v1", "v2"}  # the median does not lie among them
    assert quantile_ratios({**gave_up, "v0": gave_up["v1"]}, "v0", 990) == {}


def test_a_quantile_that_is_a_lower_bound_in_one_session_has_no_interval() -> None:
    slices = drawn()
    # The p99 of 363 is the longest of the others; that of 123 is one that was given up.
    slices["v1"] = [given_up(one, 1) if one.boot == 0 else one for one in slices["v1"]]
    found = quantile_ratios(slices, "v0", 990)
    assert found["v1"].interval is None
    assert found["v2"].interval is not None


def slower(one: SliceLatencies, times: int) -> SliceLatencies:
    exact = one.latencies.exact
    return replace(one, latencies=exact_latencies(Histogram(exact.values_us * times, exact.counts)))


def given_up(one: SliceLatencies, requests: int) -> SliceLatencies:
    """`requests` more than it had, given up after 10 s."""
    return replace(one, latencies=Latencies(one.latencies.exact, histogram([10_000_000] * requests)))


# ---------------------------------------------------------------------------------------------------- many runs

RUNS = 250


class Kind(NamedTuple):
    """Of synthetic runs. Standard deviations of logarithms: `spread` of a slice's answers, `boots_differ` and
    `slices_differ` of a variant's (drawn for each variant from these ranges), `for_all` of sessions and of rounds.
    `spells`: the share of slices that are 1.4 times as slow."""

    boots: int
    rounds: int
    answers: int
    permille: int = 990
    spread: float = 0.5
    boots_differ: tuple[float, float] = (0.05, 0.15)
    slices_differ: tuple[float, float] = (0.05, 0.15)
    for_all: float = 0.1
    spells: float = 0.05
    missing: float = 0.0
    groups: int = 1  # of variants that do not live at the same time, each beside the baseline
    loud_baseline: float = 1.0  # times the effects of its boots and slices
    scale: float = 1.0


def synthetic(random: np.random.Generator, kind: Kind, variants: int, effects: Mapping[str, float]) -> Slices:
    slices: Slices = {}
    sessions = kind.boots * kind.groups
    by_session = np.repeat(random.normal(0, kind.for_all, sessions), kind.rounds)
    level = math.log(kind.scale * 50_000) + by_session + random.normal(0, kind.for_all, sessions * kind.rounds)
    for name in (f"v{at}" for at in range(variants)):
        loud = kind.loud_baseline if name == "v0" else 1.0
        own = np.repeat(random.normal(0, loud * random.uniform(*kind.boots_differ), sessions), kind.rounds)
        own += random.normal(0, loud * random.uniform(*kind.slices_differ), len(own)) + level + effects.get(name, 0.0)
        own += math.log(1.4) * (random.random(len(own)) < kind.spells)
        times_us = np.exp(own[:, None] + random.normal(0, kind.spread, (len(own), kind.answers)))
        slices[name] = [
            slice_of(at, at // kind.rounds, row)
            for at, row in enumerate(times_us.astype(np.int64))
            if random.random() >= kind.missing
            and (name == "v0" or at // kind.rounds % kind.groups == int(name[1:]) % kind.groups)
        ]
    return slices


class Seen(NamedTuple):
    """Of many runs with nine variants, one of them twice as slow as all others. Shares."""

    false: float  # runs in which any of the eight simultaneous intervals lacks the truth
    covered: float  # truths that are in the interval of their ratio alone
    found: float  # runs that call the slow one slower
    intervals: float  # ratios that have one
    reach: float  # of the simultaneous interval: how many times the ratio, in the middle


def many(kind: Kind, variants: int = 9) -> Seen:
    random = np.random.default_rng(20261128)
    effects = {"v1": math.log(2)}
    false, found, covered, reach = [], [], [], []
    for _ in range(RUNS):
        ratios = quantile_ratios(synthetic(random, kind, variants, effects), "v0", kind.permille)
        is_false = False
        for name, ratio in ratios.items():
            if ratio.interval is None or ratio.freedom is None or ratio.error is None:
                continue
            off = abs(ratio.mean - effects.get(name, 0.0))
            covered.append(off <= stdtrit(ratio.freedom, 0.975) * ratio.error)
            reach.append(ratio.interval[1] - ratio.mean)
            is_false |= not ratio.interval[0] <= effects.get(name, 0.0) <= ratio.interval[1]
        false.append(is_false)
        found.append("v1" in ratios and stats.verdict(ratios["v1"], more_is_better=False) == "slower")
    return Seen(
        float(np.mean(false)),
        float(np.mean(covered)),
        float(np.mean(found)),
        len(covered) / (RUNS * (variants - 1)),
        math.exp(float(np.median(reach))),
    )


KINDS = {
    "p99, 2 boots of 2 slices of 30": (Kind(2, 2, 30), 0.0),
    "p99, 2 boots of 4 slices": (Kind(2, 4, 50), 0.2),
    "p99, 3 boots of 3 slices": (Kind(3, 3, 50), 0.45),
    "p99, 3 boots of 4 slices of 60": (Kind(3, 4, 60), 0.6),
    "p99, 3 boots of 4 slices, a long tail": (Kind(3, 4, 60, spread=1.0), 0.2),
    "p50, 2 boots of 3 slices": (Kind(2, 3, 40, permille=500), 0.5),
    "p50, 3 boots of 3 slices": (Kind(3, 3, 40, permille=500), 0.9),
    "p50, 3 boots, which differ more than slices": (
        Kind(3, 3, 40, permille=500, boots_differ=(0.15, 0.15), slices_differ=(0.05, 0.05)),
        0.7,
    ),
    "p50, 4 boots of 4 slices, of which a third is missing": (Kind(4, 4, 40, permille=500, missing=0.33), 0.5),
    "p50, 3 boots of 3 slices, in two groups": (Kind(3, 3, 40, permille=500, groups=2), 0.6),
}


@pytest.mark.parametrize("name", KINDS)
def test_in_95_of_100_runs_all_intervals_hold_and_a_doubled_latency_is_found(name: str) -> None:
    kind, least_found = KINDS[name]
    seen = many(kind)
    print(f"\n{name}: {seen}")
    assert seen.false <= 0.05
    assert seen.covered >= 0.93
    assert seen.found >= least_found


def test_the_interval_of_a_lone_variant_holds_too() -> None:
    seen = many(Kind(3, 3, 50), variants=2)
    print(f"\nalone: {seen}")
    assert seen.false <= 0.05
    assert seen.found >= 0.4


def test_with_a_baseline_five_times_as_loud_as_the_others_a_few_runs_more_are_wrong() -> None:
    """Its scatter is in every ratio, and three boots tell little of it. If the others could narrow it, every tenth run
    would be wrong."""
    alike = (0.1, 0.1)
    seen = many(Kind(3, 3, 60, permille=500, boots_differ=alike, slices_differ=alike, spells=0.0, loud_baseline=5.0))
    print(f"\na loud baseline: {seen}")
    assert seen.false <= 0.08
