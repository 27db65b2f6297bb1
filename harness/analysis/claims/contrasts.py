"""A run as claims ask it: any variant against any other one, in their common rounds. Pure.

A comparison with the run's baseline is not what most claims are about. So the same fit of all variants of a workload is
asked for another control. Nothing is fitted anew, and all that is known of how variants scatter is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.analysis.cells import JudgedSlice, PhaseEvidence
from harness.analysis.claims.claim_part import CountPart, Expectation, Missing, RatioPart, Shows, Behind
from harness.analysis.claims.families import loops_of, sizes_of, workers_of
from harness.analysis.comparisons import CAPACITY, CPU, CapacitySlice, ComparedMetric, by_variant, fit
from harness.analysis.evidence import Cell
from harness.analysis.quantile_comparisons import of_those_that_kept_up, rates_of, undisturbed
from harness.analysis.quantile_ratios import SliceLatencies, quantile_ratios
from harness.analysis.slices import capacity_phase, counting
from harness.judging import stats
from harness.judging.looks import look_of
from harness.judging.percentiles import Latencies, exact_latencies
from harness.judging.simultaneous import ONLY_LOOK, RoundsFit
from harness.results.histograms import merge
from harness.results.records.outcome import error_count
from harness.results.records.phase_record import PhaseKind
from harness.results.records.run_record import RunRecord
from harness.results.records.slice_record import SliceSpec
from harness.results.records.text import count
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload

# Of the time. Where the loop cannot run for so long, it is what requests wait for (as in `harness.analysis.causes`).
_BLOCKED_SHARE = 0.5
_SOME_ERRORS = 0.01  # of the requests; with so many a monitor sees them
_P50 = 500  # per mille
_METRICS = {CAPACITY.name: "capacity", CPU.name: "CPU time a request"}

_Slices = Mapping[str, Mapping[int, CapacitySlice]]


class Contrasts:
    """What can be asked of one run. `cells` and `slices` are all of the run's."""

    def __init__(self, run: RunRecord, slices: Sequence[JudgedSlice], cells: Sequence[Cell] = ()) -> None:
        self.run = run
        self._cells = {(cell.workload, cell.variant): cell for cell in cells}
        self._judged = slices
        self._figures = [each.figures for each in slices]
        self._by_workload: dict[str, _Slices] = {}
        self._fits: dict[tuple[str, str], RoundsFit] = {}

    @property
    def cores(self) -> int:
        """Of the target."""
        return max(1, self.run.environment.partition.target_cores)

    @property
    def workloads(self) -> tuple[Workload, ...]:
        return self.run.workloads

    def workload(self, name: str) -> Workload | None:
        return next((each for each in self.run.workloads if each.name == name), None)

    def usual(self, strategy: str) -> str:
        """The variant that stands for a strategy: the one with nothing changed, else the only one. A name that is not
        in the run where there is none."""
        names = [variant.name for variant in self.run.variants if variant.strategy == strategy]
        return names[0] if len(names) == 1 else strategy

    def has(self, variant: str) -> bool:
        return any(each.name == variant for each in self.run.variants)

    def sweeps(self, param: str, workload: str) -> list[list[str]]:
        """Names by the size that `param` gives, the smallest first; of each family that differs in nothing else."""
        return sizes_of(param, self._measured(workload))

    def workers(self, workload: str) -> list[dict[int, str]]:
        """Names by the number of workers, of each family that differs in nothing else."""
        changed = {variant.name: self._changed(variant) for variant in self.run.variants}
        return workers_of(self._measured(workload), changed)

    def loops(self, workload: str) -> list[tuple[str, str]]:
        """Pairs that differ in the event loop only: uvloop and asyncio's own."""
        return loops_of(self._measured(workload))

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
        known, found = self.workload(workload), self._slices(workload).get(variant, {})
        what = f"capacity on {workload}, {variant} over one wait after the other"
        if known is None or not known.waits_s or not found:
            return self._missing(workload, variant)
        workers = next(each.workers for each in self.run.variants if each.name == variant)
        values = [each.phase.goodput_rps * known.waits_s / workers for each in found.values()]
        step = max(known.waits_s / each.phase.duration_s for each in found.values()) / workers
        # The other side is arithmetic, and has no scatter.
        ratio = stats.welch_ratio(values, [1.0] * len(values), (step, 0.0))
        alpha = look_of(self.run, workload).alpha
        return RatioPart(what, self._source(workload, [variant], list(found)), ratio, expects, alpha)

    def latency(self, workload: str, variant: str, control: str, expects: Expectation) -> RatioPart | Missing:
        """The median response time, at the slowest rate at which both kept up."""
        own = self._of(workload)
        for phase in rates_of(own):
            found = of_those_that_kept_up(own, phase, _response)
            ratio = quantile_ratios(found, control, _P50).get(variant) if control in found else None
            if ratio is not None:
                rounds = _common(found, variant, control)
                what = f"median response time on {workload} at {phase}, {variant} over {control}"
                return RatioPart(what, self._source(workload, [variant, control], rounds), ratio, expects)
        return self._missing(workload, variant, control)

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
            if known.given_up.total:
                bounded.add(spec.variant)
            least = exact_latencies(merge((known.exact, known.given_up)))
            found.setdefault(spec.variant, []).append(SliceLatencies(spec.round, slice.figures.record.boot, least))
        ratio = None
        if control in found and control not in bounded:
            ratio = quantile_ratios(found, control, _P50).get(variant)
        if ratio is None:
            return Missing(f"{workload}: too few checks of /health under load, of {variant} and {control}")
        source = self._source(workload, [variant, control], _common(found, variant, control))
        what = f"median answer time of /health while {workload} runs at capacity, {variant} over {control}"
        return RatioPart(what, source, ratio, expects, is_least=variant in bounded)

    def errors(self, workload: str, variant: str) -> CountPart | Missing:
        """Requests that failed, under any load: for the claim where there is none, against it where there are many. An
        answer that came too late is no error."""
        specs = [
            (slice, phase)
            for slice in counting(self._figures)
            if (slice.record.spec.workload, slice.record.spec.variant) == (workload, variant)
            for phase in slice.phases.values()
            if phase.kind.is_load
        ]
        requests = sum(sum(phase.outcomes.values()) for _, phase in specs)
        if not requests:
            return self._missing(workload, variant)
        many = sum(error_count(phase.outcomes) for _, phase in specs)
        shows: Shows = "for" if not many else ("against" if many >= _SOME_ERRORS * requests else "neither")
        rounds = {slice.record.spec.round for slice, _ in specs}
        source = self._source(workload, [variant], sorted(rounds))
        counted = f"{count(many, 'error')} in {count(requests, 'request')}"
        return CountPart(f"errors on {workload}, {variant}", source, counted, shows)

    def free_loop(self, workload: str, variant: str) -> CountPart | Missing:
        """For the claim where the event loop could run most of the time, under full load."""
        cell = self._cells.get((workload, variant))
        phases = [phase for phase in cell.phases.values() if phase.kind is PhaseKind.CAPACITY] if cell else []
        share = phases[0].loop_blocked_share if phases else None
        if share is None:
            return self._missing(workload, variant)
        return CountPart(
            f"event loop on {workload}, {variant}",
            self._source(workload, [variant], list(self._slices(workload).get(variant, {}))),
            f"it could not run in {share:.0%} of the time",
            "for" if share < _BLOCKED_SHARE else "against",
        )

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
        ratio = self._fit(metric, workload).against(control, look=look).get(variant)
        if ratio is None:
            return self._missing(workload, variant, control)
        found = self._slices(workload)
        rounds = sorted(found[variant].keys() & found[control].keys())
        what = f"{_METRICS[metric.name]} on {workload}, {variant} over {control}"
        source = self._source(workload, [variant, control], rounds)
        return RatioPart(what, source, ratio, expects, look.alpha, choices)

    def _measured(self, workload: str) -> list[Variant]:
        """Those with a capacity there."""
        found = self._slices(workload)
        return [variant for variant in self.run.variants if found.get(variant.name)]

    def _changed(self, variant: Variant) -> dict[str, int | float | str]:
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

    def _fit(self, metric: ComparedMetric, workload: str) -> RoundsFit:
        key = metric.name, workload
        if key not in self._fits:
            self._fits[key] = fit(metric, self._slices(workload))
        return self._fits[key]

    def _of(self, workload: str) -> list[JudgedSlice]:
        return [each for each in undisturbed(self._judged) if each.figures.record.spec.workload == workload]

    def _source(self, workload: str, variants: Sequence[str], rounds: Sequence[int]) -> Behind:
        return Behind(
            workload,
            tuple(rounds),
            tuple(SliceSpec(number, 0, workload, name).id for number in rounds for name in variants),
        )

    def _missing(self, workload: str, *variants: str) -> Missing:
        if self.workload(workload) is None:
            return Missing(f"{workload} was not measured")
        known = {variant.name for variant in self.run.variants}
        absent = [name for name in variants if name not in known]
        if absent:
            return Missing(f"{' and '.join(absent)} {'was' if len(absent) == 1 else 'were'} not measured")
        has = "has" if len(variants) == 1 else "have"
        return Missing(f"{' and '.join(variants)} {has} no valid slices for it on {workload}")


def _response(evidence: PhaseEvidence) -> Latencies:
    return evidence.response


def _common(found: Mapping[str, Sequence[SliceLatencies]], one: str, other: str) -> list[int]:
    return sorted({slice.round for slice in found[one]} & {slice.round for slice in found[other]})
