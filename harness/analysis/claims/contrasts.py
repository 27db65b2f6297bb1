"""A run as claims ask it: any variant against any other one, in their common rounds. Pure.

A comparison with the run's baseline is not what most claims are about. So the same fit of all variants of a workload is
asked for another control. Nothing is fitted anew, and all that is known of how variants scatter is used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, variance

from harness.analysis.cells import JudgedSlice
from harness.analysis.claims.claim_part import Behind, Expectation, Missing, RatioPart
from harness.analysis.claims.families import ChangedParams, loops_of, settings_of, sizes_of, workers_of
from harness.analysis.comparisons import CAPACITY, CPU, CapacitySlice, ComparedMetric, by_variant, fit
from harness.analysis.evidence import Cell
from harness.analysis.quantile_comparisons import of_those_that_kept_up, rates_of, undisturbed
from harness.analysis.quantile_ratios import SliceLatencies, quantile_ratios
from harness.analysis.slices import capacity_phase, counting
from harness.judging import stats
from harness.judging.capacities import RoundValue, Values, boots_in_mean, fit_of
from harness.judging.figures import SliceFigures
from harness.judging.looks import look_of
from harness.judging.overload import is_overloaded
from harness.judging.percentiles import exact_latencies
from harness.judging.simultaneous import FEWEST_ROUNDS, ONLY_LOOK, RoundsFit
from harness.judging.variances import UNKNOWN_BOOTS, Moderated, moderated
from harness.results.histograms import merge
from harness.results.records.run_record import RunRecord
from harness.results.records.slice_record import SliceSpec
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload

_P50 = 500  # per mille
_METRICS = {CAPACITY.name: "capacity", CPU.name: "CPU time a request"}
# The least wait for a connection that is told from none, in ms.
_LEAST_WAIT_MS = 0.001

# Of the logarithms of medians: boots of one variant were found to differ by 2 to 5 % (docs/noise.md), and two equal
# values do not say that they do not.
_LEAST_SCATTER = 0.02**2

_Medians = dict[tuple[str, str, str], dict[int, float]]
_Slices = Mapping[str, Mapping[int, CapacitySlice]]


class Contrasts:
    """What can be asked of one run. `slices` and `cells` are all of the run's."""

    def __init__(self, run: RunRecord, slices: Sequence[JudgedSlice], cells: Sequence[Cell]) -> None:
        self.run = run
        self._cells = {(cell.workload, cell.variant): cell for cell in cells}
        self._judged = slices
        self._figures = [each.figures for each in slices]
        self._by_workload: dict[str, _Slices] = {}
        self._fits: dict[tuple[str, str], RoundsFit] = {}
        self._changed = {variant.name: self._params_changed(variant) for variant in run.variants}

    @property
    def cores(self) -> int:
        """Of the target."""
        return max(1, self.run.environment.partition.target_cores)

    def workload(self, name: str) -> Workload | None:
        return next((each for each in self.run.workloads if each.name == name), None)

    def alike(self, *strategies: str) -> list[tuple[str, ...]]:
        """A variant of each, alike in server, loop, parser and interpreter, and else as their files say: one tuple for
        each such setting. Where the run has none, the names of the strategies."""
        workers = {each.name: each.server.workers for each in self.run.strategies}
        changed: dict[str, ChangedParams] = {}
        for variant in self.run.variants:
            usual = workers.get(variant.strategy, 1)
            is_usual = variant.workers == (self.cores if usual == "cores" else usual)
            changed[variant.name] = {
                **self._changed[variant.name],
                **({} if is_usual else {"workers": variant.workers}),
            }
        return settings_of(strategies, self.run.variants, changed) or [strategies]

    def sweeps(self, param: str, workload: str) -> list[list[str]]:
        """Names by the size that `param` gives, the smallest first; of each family that differs in nothing else."""
        return sizes_of(param, self._measured(workload))

    def workers(self, workload: str) -> list[dict[int, str]]:
        """Names by the number of workers, of each family that differs in nothing else."""
        return workers_of(self._measured(workload), self._changed)

    def loops(self, workload: str) -> list[tuple[str, str]]:
        """Pairs that differ in the event loop only: uvloop and asyncio's own."""
        return loops_of(self._measured(workload))

    def pooled(self, workload: str) -> list[str]:
        """Those with a pool of database connections that were measured there."""
        return [variant.name for variant in self._measured(workload) if variant.connections]

    def largest_capacity(self, workload: str, variants: Sequence[str]) -> str:
        """Of the fit, in which a round that one has and another has not favours neither."""
        fitted = self._fit(CAPACITY, workload)
        return max(variants, key=lambda name: float(fitted.levels[fitted.names.index(name)]))

    def capacity(
        self, workload: str, variant: str, control: str, expects: Expectation, *, choices: int = 1
    ) -> RatioPart | Missing:
        return self._closed_loop(CAPACITY, workload, variant, control, expects, choices)

    def cpu_time(self, workload: str, variant: str, control: str, expects: Expectation) -> RatioPart | Missing:
        """A request, of the closed loop."""
        return self._closed_loop(CPU, workload, variant, control, expects, 1)

    def capacity_in_waits(self, workload: str, variant: str, expects: Expectation) -> RatioPart | Missing:
        """Against one request at a time in each worker: what is left when nothing overlaps."""
        known, found = self.workload(workload), self._slices(workload)
        if known is None or not known.waits_s:
            return self.missing(workload, variant)
        workers = {each.name: each.workers for each in self.run.variants}
        values = {
            name: {
                number: RoundValue(
                    each.phase.goodput_rps * known.waits_s / workers[name],
                    each.boot,
                    least=0.0,
                    step=known.waits_s / each.phase.duration_s / workers[name],
                )
                for number, each in own.items()
            }
            for name, own in found.items()
        }
        what = f"capacity on {workload}, {variant} over one request at a time"
        return self._over_one(what, workload, variant, values, expects, look_of(self.run, workload).alpha)

    def share_of_pool(self, workload: str, variant: str, expects: Expectation) -> RatioPart | Missing:
        """How much of the response time is the wait for a connection, in the closed loop, both in the median."""
        values: dict[str, dict[int, RoundValue]] = {}
        for name, own in self._slices(workload).items():
            for number, each in own.items():
                wait_ms, response = each.phase.pool_wait_p50_ms, each.phase.response_p50
                if wait_ms is not None and response is not None and not response.at_least:
                    share = max(wait_ms, _LEAST_WAIT_MS) / response.value_ms
                    values.setdefault(name, {})[number] = RoundValue(share, each.boot, least=0.0)
        what = f"median wait for a connection on {workload} over the median response time, {variant}"
        return self._over_one(what, workload, variant, values, expects, stats.ALPHA)

    def response_in_waits(self, workload: str, variant: str, expects: Expectation) -> RatioPart | Missing:
        """The median response time of a slice against one wait, at the slowest rate at which the variant kept up. A
        rate has few slices, so how much they scatter is drawn towards what those of all cells of the run do."""
        known = self.workload(workload)
        if known is None or not known.wait_ms:
            return self.missing(workload, variant)
        medians_ms = self._medians_ms()
        phase = next((rate for where, rate, who in medians_ms if (where, who) == (workload, variant)), None)
        if phase is None:
            said = f"{variant} kept up at no rate on {workload}"
            return self.missing(workload, variant, otherwise=said)
        own = medians_ms[workload, phase, variant]
        mean = fmean(math.log(each) for each in own.values()) - math.log(known.wait_ms)
        scatter = _scatters(medians_ms).get((workload, phase, variant))
        ratio = stats.LogRatio(mean, None, None, len(own), None)
        if scatter is not None:
            error = math.sqrt(scatter.value / len(own))
            ratio = stats.at_level(stats.LogRatio(mean, error, scatter.freedom, len(own), None), stats.ALPHA)
        what = f"median response time on {workload} at {phase}, {variant} over one wait"
        return RatioPart(what, self.behind(workload, [variant], sorted(own)), ratio, expects)

    def health(self, workload: str, variant: str, control: str, expects: Expectation) -> RatioPart | Missing:
        """The median answer time of /health in the closed loop. Checks that were given up took at least that long, so
        where the variant has any, its ratio is the least that is true."""
        found: dict[str, list[SliceLatencies]] = {}
        bounded = set()
        for slice in self._of(workload):
            spec, phase = slice.figures.record.spec, capacity_phase(slice.figures)
            if phase is None or not slice.figures.valid:
                continue
            known = slice.evidence[phase.name].health
            if known.given_up.total and spec.variant != control:
                bounded.add(spec.variant)
                known = exact_latencies(merge((known.exact, known.given_up)))
            found.setdefault(spec.variant, []).append(SliceLatencies(spec.round, slice.figures.record.boot, known))
        ratio = None
        if control in found:
            ratio = quantile_ratios(found, control, _P50).get(variant)
        if ratio is None:
            return self.missing(
                workload, variant, control, otherwise=f"too few checks of /health were answered while {workload} ran"
            )
        rounds = sorted({one.round for one in found[variant]} & {one.round for one in found[control]})
        what = f"median answer time of /health while {workload} runs at capacity, {variant} over {control}"
        if variant in bounded:
            what += " (at least: some were given up)"
        return RatioPart(
            what, self.behind(workload, [variant, control], rounds), ratio, expects, is_least=variant in bounded
        )

    def cell(self, workload: str, variant: str) -> Cell | None:
        return self._cells.get((workload, variant))

    def slices(self, workload: str, variant: str) -> list[SliceFigures]:
        """All that were measured of it, valid or not, but those that were measured again."""
        return [
            slice
            for slice in counting(self._figures)
            if (slice.record.spec.workload, slice.record.spec.variant) == (workload, variant)
        ]

    def behind_capacity(self, workload: str, variant: str) -> Behind:
        """The slices that its capacity is from."""
        return self.behind(workload, [variant], sorted(self._slices(workload).get(variant, {})))

    def behind(self, workload: str, variants: Sequence[str], rounds: Sequence[int]) -> Behind:
        return Behind(
            workload,
            tuple(rounds),
            tuple(SliceSpec(number, 0, workload, name).id for number in rounds for name in variants),
        )

    def missing(self, workload: str, *variants: str, otherwise: str = "") -> Missing:
        """Why nothing can be said of these: the first thing that they lack, or else `otherwise`."""
        absent = [name for name in variants if name not in self._changed]
        without = [name for name in variants if not self._slices(workload).get(name)]
        if self.workload(workload) is None:
            return Missing(f"{workload} was not measured")
        if absent:
            return Missing(f"{' and '.join(absent)} {'was' if len(absent) == 1 else 'were'} not measured on {workload}")
        if without:
            return Missing(
                f"{' and '.join(without)} {'has' if len(without) == 1 else 'have'} no valid slice on {workload}"
            )
        return Missing(otherwise or f"{' and '.join(variants)}: too few figures on {workload}")

    def _closed_loop(
        self,
        metric: ComparedMetric,
        workload: str,
        variant: str,
        control: str,
        expects: Expectation,
        choices: int,
    ) -> RatioPart | Missing:
        # Only capacities are looked at while they are measured.
        look = look_of(self.run, workload) if metric is CAPACITY else ONLY_LOOK
        fitted = self._fit(metric, workload)
        ratio = fitted.against(control, look=look).get(variant)
        if ratio is None:
            return self.missing(workload, variant, control)
        rounds = sorted(fitted.logs[variant].keys() & fitted.logs[control].keys())
        what = f"{_METRICS[metric.name]} on {workload}, {variant} over {control}"
        behind = self.behind(workload, [variant, control], rounds)
        return RatioPart(what, behind, ratio, expects, look.alpha, choices)

    def _over_one(
        self, what: str, workload: str, variant: str, values: Values, expects: Expectation, alpha: float
    ) -> RatioPart | Missing:
        """Of figures that are ratios already: what they are over is arithmetic, and has no scatter."""
        own = values.get(variant)
        if not own:
            return self.missing(workload, variant)
        boots = fit_of(values).boot
        of_boots = boots_in_mean([each.boot for each in own.values()], boots if boots.error else UNKNOWN_BOOTS)
        step = max(each.step for each in own.values())
        ratio = stats.welch_ratio(
            [each.value for each in own.values()], [1.0] * len(own), (step, 0.0), (of_boots, stats.MeanOfBoots())
        )
        if len(own) < FEWEST_ROUNDS:
            ratio = stats.LogRatio(ratio.mean, None, None, len(own), None)
        return RatioPart(what, self.behind(workload, [variant], sorted(own)), ratio, expects, alpha)

    def _measured(self, workload: str) -> list[Variant]:
        """Those with a capacity there."""
        found = self._slices(workload)
        return [variant for variant in self.run.variants if found.get(variant.name)]

    def _params_changed(self, variant: Variant) -> ChangedParams:
        """The parameters that are not as the strategy's file says."""
        files = {each.name: each.params for each in self.run.strategies}
        usual = {
            name: self.cores if value == "cores" else value for name, value in files.get(variant.strategy, {}).items()
        }
        return {name: value for name, value in variant.params.items() if value != usual.get(name)}

    def _slices(self, workload: str) -> _Slices:
        if workload not in self._by_workload:
            self._by_workload[workload] = by_variant(self.run, self._figures, workload)
        return self._by_workload[workload]

    def _medians_ms(self) -> _Medians:
        """Of the response times of slices, by workload, rate and variant, then by round; the slowest rates first. Only
        of those that kept up: how long an overloaded one takes to answer depends on how long the phase was."""
        found: _Medians = {}
        for workload in self.run.workloads:
            own = self._of(workload.name)
            for phase in rates_of(own):
                slow = _overloaded(own, phase)
                for name, slices in of_those_that_kept_up(own, phase, lambda evidence: evidence.response).items():
                    medians = {slice.round: slice.latencies.percentile(_P50) for slice in slices}
                    values = {number: each.value_ms for number, each in medians.items() if each is not None}
                    if values and name not in slow:
                        found[workload.name, phase, name] = values
        return found

    def _fit(self, metric: ComparedMetric, workload: str) -> RoundsFit:
        key = metric.name, workload
        if key not in self._fits:
            self._fits[key] = fit(metric, self._slices(workload))
        return self._fits[key]

    def _of(self, workload: str) -> list[JudgedSlice]:
        return [each for each in undisturbed(self._judged) if each.figures.record.spec.workload == workload]


def _overloaded(slices: Sequence[JudgedSlice], phase: str) -> set[str]:
    """Those that were so in any slice."""
    return {
        slice.figures.record.spec.variant
        for slice in slices
        if (found := slice.figures.phases.get(phase)) is not None
        and is_overloaded(found.kind, found.status, found.goodput_rps * found.duration_s, found.scheduled)
    }


def _scatters(medians: _Medians) -> dict[tuple[str, str, str], Moderated]:
    """The variance of the logarithms of each that has two or more: what its own say or more."""
    own = {
        cell: Moderated(variance(map(math.log, values.values())), len(values) - 1.0)
        for cell, values in medians.items()
        if len(values) > 1
    }
    drawn = moderated(list(own.values()), math.inf)
    return {
        cell: Moderated(max(alone.value, together.value, _LEAST_SCATTER), together.freedom)
        for (cell, alone), together in zip(own.items(), drawn, strict=True)
    }
