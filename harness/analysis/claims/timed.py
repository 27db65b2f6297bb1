"""Parts of claims that are about times: at a rate, of `/health`, and of the wait for a connection. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from statistics import fmean, variance

from harness.analysis.cells import JudgedSlice
from harness.analysis.claims.claim_part import Expectation, Missing, RatioPart
from harness.analysis.claims.contrasts import Contrasts
from harness.analysis.quantile_comparisons import rates_of
from harness.analysis.quantile_ratios import SliceLatencies, quantile_ratios
from harness.analysis.slices import capacity_phase
from harness.judging import stats
from harness.judging.figures import PhaseFigures
from harness.judging.overload import is_overloaded
from harness.judging.percentiles import exact_latencies, pool
from harness.judging.variances import Moderated, moderated
from harness.results.histograms import merge
from harness.results.records.workload import Workload

_P50 = 500  # per mille
# The least wait for a connection that is told from none, in ms.
_LEAST_WAIT_MS = 0.001
# Of the logarithms of medians: boots of one variant were found to differ by 2 to 5 % (docs/noise.md), and two equal
# values do not say that they do not.
_LEAST_SCATTER = 0.02**2

_Rate = tuple[str, str, str]  # workload, phase, variant
_Values = dict[_Rate, dict[int, float]]  # then by round


def median_in_waits(run: Contrasts, workload: str, variant: str, expects: Expectation) -> RatioPart | Missing:
    """The median response time of a slice against one wait, at the slowest rate at which the variant kept up: how long
    an overloaded one takes to answer depends on how long the phase was."""
    known = run.workload(workload)
    if known is None or not known.wait_ms:
        return run.missing(workload, variant)
    values = _at_rates(run, lambda figures: _median_ms(figures) / known.wait_ms)
    slow = _overloaded(run)
    rate = next((each for each in values if (each[0], each[2]) == (workload, variant) and each not in slow), None)
    if rate is None:
        measured = any(where == workload for where, _, _ in values)
        why = f"{variant} kept up at no rate on {workload}" if measured else f"no rate was measured on {workload}"
        return run.missing(workload, variant, otherwise=why)
    what = f"median response time on {workload} at {rate[1]}, {variant} over one wait"
    return _over_one(run, what, rate, values, expects)


def pool_share(run: Contrasts, workload: str, phase: str, variant: str, expects: Expectation) -> RatioPart | Missing:
    """How much of the response time at a rate is the wait for a connection, both in the median. Whoever is overloaded
    waits the longer the longer the phase is, so then it is the least."""
    values, rate = _at_rates(run, _waited), (workload, phase, variant)
    if rate not in values:
        return run.missing(workload, variant, otherwise=f"too few answers of {variant} on {workload} at {phase}")
    is_least = rate in _overloaded(run)
    what = f"median wait for a connection on {workload} at {phase} over the median response time, {variant}"
    return _over_one(run, what, rate, values, expects, is_least=is_least)


def rates_measured(run: Contrasts, workload: Workload) -> list[str]:
    """The slowest first."""
    return rates_of(run.undisturbed(workload.name))


def health_ratio(
    run: Contrasts, workload: str, variant: str, control: str, expects: Expectation
) -> RatioPart | Missing:
    """The median answer time of /health in the closed loop. Checks that were given up took at least that long, so where
    the variant has any, its ratio is the least that is true. The control's may not be so many that its median is one of
    them: then the ratio would be the most, and says nothing."""
    found: dict[str, list[SliceLatencies]] = {}
    bounded = set()
    for slice in run.undisturbed(workload):
        spec, phase = slice.figures.record.spec, capacity_phase(slice.figures)
        if phase is None or not slice.figures.valid:
            continue
        known = slice.evidence[phase.name].health
        if known.given_up.total and spec.variant != control:
            bounded.add(spec.variant)
            known = exact_latencies(merge((known.exact, known.given_up)))
        found.setdefault(spec.variant, []).append(SliceLatencies(spec.round, slice.figures.record.boot, known))
    ratio, why = None, f"too few checks of /health were answered while {workload} ran"
    if control in found:
        ratio = quantile_ratios(found, control, _P50).get(variant)
        usual = pool(slice.latencies for slice in found[control]).percentile(_P50)
        if usual is not None and usual.at_least:
            why = f"too many checks of /health by {control} were given up while {workload} ran"
    if ratio is None:
        return run.missing(workload, variant, control, otherwise=why)
    rounds = sorted({one.round for one in found[variant]} & {one.round for one in found[control]})
    what = f"median answer time of /health while {workload} runs at capacity, {variant} over {control}"
    if variant in bounded:
        what += " (at least: some were given up)"
    behind = run.behind(workload, [variant, control], rounds)
    return RatioPart(what, behind, ratio, expects, is_least=variant in bounded)


def _median_ms(figures: PhaseFigures) -> float:
    """NaN: too few, or only a bound is known."""
    found = figures.response_p50
    return math.nan if found is None or found.at_least else found.value_ms


def _waited(figures: PhaseFigures) -> float:
    wait_ms = figures.pool_wait_p50_ms
    return math.nan if wait_ms is None else max(wait_ms, _LEAST_WAIT_MS) / _median_ms(figures)


def _at_rates(run: Contrasts, value: Callable[[PhaseFigures], float]) -> _Values:
    """By workload, the slowest rates first."""
    found: _Values = {}
    for rate, slice, figures in _phases(run):
        if slice.figures.valid and not math.isnan(each := value(figures)):
            found.setdefault(rate, {})[slice.figures.record.spec.round] = each
    return found


def _overloaded(run: Contrasts) -> set[_Rate]:
    """Those that were so in any slice."""
    return {
        rate
        for rate, _, found in _phases(run)
        if is_overloaded(found.kind, found.status, found.goodput_rps * found.duration_s, found.scheduled)
    }


def _phases(run: Contrasts) -> Iterator[tuple[_Rate, JudgedSlice, PhaseFigures]]:
    for workload in run.run.workloads:
        own = run.undisturbed(workload.name)
        for phase in rates_of(own):
            for slice in own:
                if (found := slice.figures.phases.get(phase)) is not None:
                    yield (workload.name, phase, slice.figures.record.spec.variant), slice, found


def _over_one(
    run: Contrasts, what: str, rate: _Rate, values: _Values, expects: Expectation, *, is_least: bool = False
) -> RatioPart:
    """Of figures that are ratios already. A rate has few slices, so how much they scatter is drawn towards what those
    of all cells of the run do."""
    own, scatter = values[rate], _scatters(values).get(rate)
    mean = fmean(map(math.log, own.values()))
    ratio = stats.LogRatio(mean, None, None, len(own), None)
    if scatter is not None:
        error = math.sqrt(scatter.value / len(own))
        ratio = stats.at_level(stats.LogRatio(mean, error, scatter.freedom, len(own), None), stats.ALPHA)
    workload, _, variant = rate
    return RatioPart(what, run.behind(workload, [variant], sorted(own)), ratio, expects, is_least=is_least)


def _scatters(values: Mapping[_Rate, Mapping[int, float]]) -> dict[_Rate, Moderated]:
    """The variance of the logarithms of each that has two or more: what its own say or more."""
    own = {
        rate: Moderated(variance(map(math.log, each.values())), len(each) - 1.0)
        for rate, each in values.items()
        if len(each) > 1
    }
    drawn = moderated(list(own.values()), math.inf)
    return {
        rate: Moderated(max(alone.value, together.value, _LEAST_SCATTER), together.freedom)
        for (rate, alone), together in zip(own.items(), drawn, strict=True)
    }
