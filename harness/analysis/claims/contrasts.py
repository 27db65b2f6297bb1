"""A run as claims ask it: any variant against any other one, in their common rounds. Pure.

A comparison with the run's baseline is not what most claims are about. So the same fit of all variants of a workload is
asked for another control. Nothing is fitted anew, and all that is known of how variants scatter is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.analysis.cells import JudgedSlice
from harness.analysis.claims.claim_part import Behind, Expectation, Missing, RatioPart
from harness.analysis.claims.families import ChangedParams, loops_of, settings_of, sizes_of, workers_of
from harness.analysis.comparisons import CAPACITY, CPU, CapacitySlice, ComparedMetric, by_variant, fit
from harness.analysis.evidence import Cell, CellPhase
from harness.analysis.filled_sizes import filling
from harness.analysis.quantile_comparisons import undisturbed
from harness.analysis.slices import counting
from harness.judging import stats
from harness.judging.capacities import RoundValue, Values, boots_in_mean, fit_of
from harness.judging.figures import SliceFigures
from harness.judging.looks import look_of
from harness.judging.simultaneous import FEWEST_ROUNDS, ONLY_LOOK, RoundsFit
from harness.judging.variances import UNKNOWN_BOOTS
from harness.results.records.phase_record import PhaseKind
from harness.results.records.run_record import RunRecord
from harness.results.records.slice_record import SliceSpec
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload

CONNECTIONS = "connections"  # the parameter that is the size of a pool of them
_METRICS = {CAPACITY.name: "capacity", CPU.name: "CPU time a request"}
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

    def sweeps(self, param: str, workload: Workload) -> list[list[str]]:
        """Names by the size that `param` gives, the smallest first; of each family that differs in nothing else. Sizes
        that the users cannot fill are left out."""
        return sizes_of(
            param,
            [
                variant
                for variant in self._measured(workload.name)
                if isinstance(size := variant.params.get(param), int | float)
                and filling(self.run, workload, variant, param).reaches(size)
            ],
        )

    def has_usual(self, param: str, variant: str) -> bool:
        """Whether its value is the one of the strategy's file."""
        return param not in self._changed[variant]

    def workers(self, workload: str) -> list[dict[int, str]]:
        """Names by the number of workers, of each family that differs in nothing else."""
        return workers_of(self._measured(workload), self._changed)

    def loops(self, workload: str) -> list[tuple[str, str]]:
        """Pairs that differ in the event loop only: uvloop and asyncio's own."""
        return loops_of(self._measured(workload))

    def pooled(self, workload: str) -> list[str]:
        """Those with a pool of database connections, as large as their file says, that were measured there."""
        return [
            variant.name
            for variant in self._measured(workload)
            if variant.connections and self.has_usual(CONNECTIONS, variant.name)
        ]

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

    def phase(self, workload: str, variant: str, rate: str = "") -> CellPhase | None:
        """Of its cell: the one of that rate, else the closed loop."""
        cell = self._cells.get((workload, variant))
        phases = cell.phases.values() if cell is not None else ()
        wanted = (each for each in phases if (each.name == rate if rate else each.kind is PhaseKind.CAPACITY))
        return next(wanted, None)

    def slices(self, workload: str, variant: str) -> list[SliceFigures]:
        """All that were measured of it, valid or not, but those that were measured again."""
        return [
            slice
            for slice in counting(self._figures)
            if (slice.record.spec.workload, slice.record.spec.variant) == (workload, variant)
        ]

    def undisturbed(self, workload: str) -> list[JudgedSlice]:
        """Its slices that count, of rounds that nobody disturbed."""
        return [each for each in undisturbed(self._judged) if each.figures.record.spec.workload == workload]

    def behind_capacity(self, workload: str, variant: str) -> Behind:
        """The slices that its capacity is from."""
        return self.behind(workload, [variant], sorted(self._slices(workload).get(variant, {})))

    def behind_rate(self, workload: str, variant: str, rate: str) -> Behind:
        """The slices in which it had this rate."""
        own = [each.figures for each in self.undisturbed(workload) if each.figures.record.spec.variant == variant]
        rounds = sorted({slice.record.spec.round for slice in own if slice.valid and rate in slice.phases})
        return self.behind(workload, [variant], rounds)

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

    def _fit(self, metric: ComparedMetric, workload: str) -> RoundsFit:
        key = metric.name, workload
        if key not in self._fits:
            self._fits[key] = fit(metric, self._slices(workload))
        return self._fits[key]
