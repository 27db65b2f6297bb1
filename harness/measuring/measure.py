"""The measuring loop: validate everything, check everything, then measure and save after every trial."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, time

import msgspec

from harness import plan
from harness.calibration import calibration_record as calibration
from harness.catalog.catalog import Catalog
from harness.driving.inside.protocol import Ended, Progress, Started
from harness.machine.environment import describe
from harness.measuring.preflight import preflight
from harness.measuring.retries import Retries, invalid_trials
from harness.measuring.trial import RunSetup, Trial
from harness.measuring.watcher import Watcher
from harness.results.records.errors import UsageError
from harness.results.records.machine_record import Environment
from harness.results.records.phase_record import PhaseKind
from harness.results.records.profile import Profile
from harness.results.records.run_record import Preflight, RunRecord
from harness.results.records.schema import SCHEMA_VERSION
from harness.results.records.strategy import Strategy
from harness.results.records.trial_record import TrialRecord, TrialSpec
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload
from harness.results.store import Run, StoreError
from harness.services.service import UpstreamService


@dataclass(frozen=True)
class Order:
    """What was asked for, validated: nothing is started before this exists."""

    root: Path
    profile: Profile
    strategies: tuple[Strategy, ...]
    variants: tuple[Variant, ...]
    workloads: tuple[Workload, ...]
    results: Path
    command: str
    port: int | None = None


@dataclass(frozen=True)
class Result:
    """How the run ended. `failed`: one line for each cell or trial that could not be measured."""

    run: Run
    failed: tuple[str, ...]
    elapsed_s: float
    estimate_s: float


def start_run(order: Order, watcher: Watcher) -> Result:
    """Measure what was ordered. Raises HarnessError only when nothing more can be measured."""
    environment = describe(order.root)
    run = Run.create(order.results / _run_id())
    proven = calibration.adopt(order.results, run.path, calibration.Fingerprint.of(environment))
    if proven.kind != "passed":
        watcher.noticed(proven.line)
    with run.measuring(), _setup(order.root, order.profile, environment, run, order.port) as setup:
        checked = _check_cells(order, setup, run, watcher)
        record = _planned(order, run, environment, checked)
        run.write(record)
        return _measure(run, record, setup, watcher)


def resume_run(run: Run, root: Path, port: int | None, watcher: Watcher) -> Result:
    """Finish an interrupted run: every trial that has no complete attempt, on the plan and rates it began with."""
    record = run.read()
    _refuse_other_work(record, Catalog.read(root))
    _refuse_another_machine(record, describe(root))
    with run.measuring(), _setup(root, record.profile, record.environment, run, port) as setup:
        return _measure(run, record, setup, watcher)


def _refuse_other_work(record: RunRecord, catalog: Catalog) -> None:
    """Trials of one run must have measured the same code."""
    there: tuple[Strategy | Workload, ...] = (*catalog.workloads, *catalog.strategies)
    today = {entry.path: entry.digest for entry in there}
    recorded: tuple[Strategy | Workload, ...] = (*record.workloads, *record.strategies)
    for then in recorded:
        if today.get(then.path) != then.digest:
            raise UsageError(f"--resume {record.id}: {then.path} or what it shares has changed since; start a new run")


def _refuse_another_machine(record: RunRecord, today: Environment) -> None:
    for name in ("cpu_model", "logical_cpus", "kernel", "python", "packages", "partition"):
        then, now = getattr(record.environment, name), getattr(today, name)
        if then != now:
            shown = f"{name} was {then} and is {now}" if name != "packages" else "the installed packages have changed"
            raise UsageError(f"--resume {record.id}: {shown}; start a new run")


# ------------------------------------------------------------------------------------------------- the steps


@contextlib.contextmanager
def _setup(root: Path, profile: Profile, environment: Environment, run: Run, port: int | None) -> Iterator[RunSetup]:
    """The services of a run, up and ready; gone at the end."""
    partition = environment.partition
    with UpstreamService(
        root,
        run.path / "upstream.log",
        sigma=profile.upstream_sigma,
        seed=profile.seed,
        cpus=partition.generator if partition.pinned else None,
    ) as upstream:
        upstream.wait_ready()
        yield RunSetup(root=root, profile=profile, partition=partition, upstream=upstream, port=port)


def _check_cells(order: Order, setup: RunSetup, run: Run, watcher: Watcher) -> tuple[Preflight, ...]:
    """Boot every strategy and ask it everything once: what does not work is known before anything is measured."""
    watcher.preflight_began(len(order.variants), len(order.workloads))
    return preflight(
        order.root,
        order.variants,
        order.workloads,
        partition=setup.partition,
        upstream_url=setup.upstream.url,
        folder=run.path / "preflight",
        on_result=watcher.preflight_done,
        ready_s=order.profile.ready_s,
    )


def _planned(order: Order, run: Run, environment: Environment, checked: tuple[Preflight, ...]) -> RunRecord:
    working = {(cell.workload, cell.variant) for cell in checked if cell.status == "ok"}
    cells = [(w.name, s.name) for w in order.workloads for s in order.variants if (w.name, s.name) in working]
    planned = plan.trials(cells, order.profile)
    boot_s = {cell.variant: cell.boot_s for cell in checked}
    return RunRecord(
        schema_version=SCHEMA_VERSION,
        id=run.path.name,
        created_epoch_s=time(),
        command=order.command,
        profile=order.profile,
        strategies=order.strategies,
        variants=order.variants,
        workloads=order.workloads,
        preflight=checked,
        plan=planned,
        environment=environment,
        estimate_s=plan.estimate_s(planned, order.profile, boot_s),
    )


def _measure(run: Run, record: RunRecord, setup: RunSetup, watcher: Watcher) -> Result:
    began_s = monotonic()
    failed = {f"{cell.variant} on {cell.workload}": cell.error for cell in record.preflight if cell.status == "failed"}
    retries = Retries(run, record, invalid_trials)
    todo = [spec for spec in record.plan if not _is_complete(run, spec, watcher)]
    clock = _Clock(record, todo)
    watcher.plan_ready(todo, len(record.plan) - len(todo), clock.left_s(0))
    record = msgspec.structs.replace(record, interrupted=False)
    try:
        for again, codes in retries.left_over(todo):
            watcher.retry_began(again, run.next_attempt(again), codes)
            _ended(_run_trial(run, record, again, setup, watcher), failed, watcher)
        for number, spec in enumerate(todo):
            record = _with_rates(run, record, spec)
            watcher.trial_began(spec, number + 1, len(todo), record.profile.blocks, clock.left_s(number))
            trial = _run_trial(run, record, spec, setup, watcher)
            clock.took(spec, trial.elapsed_s)
            _ended(trial, failed, watcher)
            for again, codes in retries.after(spec, todo[number + 1 :]):
                watcher.retry_began(again, run.next_attempt(again), codes)
                _ended(_run_trial(run, record, again, setup, watcher), failed, watcher)
    except BaseException:
        with contextlib.suppress(StoreError):  # the disk may be what failed; the first error is the one to show
            run.write(msgspec.structs.replace(record, interrupted=True))
        raise
    run.write(msgspec.structs.replace(record, finished_epoch_s=time()))
    lines = tuple(f"{what}: {error}" for what, error in failed.items())
    return Result(run, lines, monotonic() - began_s, clock.estimate_s)


def _ended(trial: TrialRecord, failed: dict[str, str], watcher: Watcher) -> None:
    watcher.trial_ended(trial)
    failed.pop(trial.spec.id, None)  # of an earlier attempt
    if trial.status == "failed":
        failed[trial.spec.id] = trial.error


def _run_trial(run: Run, record: RunRecord, spec: TrialSpec, setup: RunSetup, watcher: Watcher) -> TrialRecord:
    setup.upstream.check_alive()
    groups = plan.phase_groups(spec, record.profile, record.rates_rps.get(spec.workload, {}))
    duration_s = {phase.name: phase.duration_s for group in groups for phase in group}

    def on_event(event: Started | Progress | Ended) -> None:
        match event:
            case Started():
                watcher.phase_began(event.phase, duration_s.get(event.phase, 0.0))
            case Progress():
                watcher.progressed(event.goodput_rps, event.p99_ms)

    variant = next(v for v in record.variants if v.name == spec.variant)
    workload = next(w for w in record.workloads if w.name == spec.workload)
    attempt = run.new_attempt(spec)
    trial = Trial(spec, groups, variant, workload, setup, attempt, on_event).run()
    attempt.write(trial)
    return trial


def _with_rates(run: Run, record: RunRecord, spec: TrialSpec) -> RunRecord:
    """Before a workload's first measured trial: its arrival rates, from the best capacity its pilot trials found.

    Those that may be believed: a strategy that cheats must not set the rates of the honest ones.
    """
    if spec.is_pilot or spec.workload in record.rates_rps:
        return record
    pilots = [s for s in record.plan if s.is_pilot and s.workload == spec.workload]
    invalid = invalid_trials(run, pilots)
    best_rps = _best_rps(run, [s for s in pilots if s.id not in invalid]) or _best_rps(run, pilots)
    rates = plan.rates_rps(best_rps, record.profile) if best_rps else {}
    record = msgspec.structs.replace(record, rates_rps={**record.rates_rps, spec.workload: rates})
    run.write(record)
    return record


def _best_rps(run: Run, pilots: Sequence[TrialSpec]) -> float:
    best_rps = 0.0
    for pilot in pilots:
        for attempt in run.attempts(pilot):
            if attempt.is_complete:
                with contextlib.suppress(StoreError):  # cut off: it has been measured again
                    best_rps = max([best_rps, *_goodputs_rps(attempt.read())])
    return best_rps


def _goodputs_rps(trial: TrialRecord) -> list[float]:
    return [
        phase.ok_in_window / (phase.end_s - phase.start_s)
        for phase in trial.phases
        if phase.spec.kind is PhaseKind.CAPACITY and phase.end_s > phase.start_s
    ]


def _is_complete(run: Run, spec: TrialSpec, watcher: Watcher) -> bool:
    for attempt in reversed(run.attempts(spec)):
        if attempt.is_complete:
            try:
                trial = attempt.read()
            except StoreError as error:
                watcher.noticed(f"{error}; measured again")
                continue
            return trial.status == "complete"
    return False


def _run_id() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}"


class _Clock:
    """Time left: the estimate for each kind of trial until some have been seen, then their mean."""

    def __init__(self, record: RunRecord, todo: Sequence[TrialSpec]) -> None:
        self._todo = todo
        boot_s = {cell.variant: cell.boot_s for cell in record.preflight}
        self._estimates_s = [plan.estimate_s([spec], record.profile, boot_s) for spec in todo]
        self._errors_s: dict[bool, list[float]] = {True: [], False: []}

    @property
    def estimate_s(self) -> float:
        return sum(self._estimates_s)

    def took(self, spec: TrialSpec, elapsed_s: float) -> None:
        self._errors_s[spec.is_pilot].append(elapsed_s - self._estimates_s[self._todo.index(spec)])

    def left_s(self, done: int) -> float:
        mean_error_s = {kind: sum(errors) / len(errors) if errors else 0.0 for kind, errors in self._errors_s.items()}
        left = zip(self._todo[done:], self._estimates_s[done:], strict=True)
        return sum(max(0.0, seconds + mean_error_s[spec.is_pilot]) for spec, seconds in left)
