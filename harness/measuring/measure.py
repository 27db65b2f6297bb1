"""The measuring loop: validate everything, check everything, then measure and save after every trial."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, time

import msgspec

from harness import plan
from harness.calibration import calibration_record as calibration
from harness.catalog.catalog import Catalog
from harness.driving.load import Ended, Progress, Started
from harness.machine import instrument
from harness.machine.affinity import kept_off_the_target
from harness.machine.environment import describe
from harness.measuring.applicable import UnusableSelectionError, require_applicable, require_baseline
from harness.measuring.arrival_rates import with_rates
from harness.measuring.preflight import preflight
from harness.measuring.resumable import refuse_to_mix
from harness.measuring.retries import Retries, invalid_trials
from harness.measuring.time_left import TimeLeft
from harness.measuring.trial import RunSetup, Trial
from harness.measuring.watcher import Watcher
from harness.results.records.baseline import default_baseline
from harness.results.records.machine_record import Environment
from harness.results.records.profile import Profile
from harness.results.records.run_record import Preflight, RunRecord
from harness.results.records.schema import SCHEMA_VERSION
from harness.results.records.strategy import Strategy
from harness.results.records.trial_record import TrialRecord, TrialSpec
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload
from harness.results.store import Run, StoreError, only_measuring
from harness.services.running_services import RunningServices
from harness.services.service_files import SERVICES_FOLDER


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
    baseline: str | None = None  # one of `variants`; None: the first of the documented order
    port: int | None = None
    services_folder: Path = SERVICES_FOLDER


@dataclass(frozen=True)
class Result:
    """How the run ended. `failed`: one line for each cell or trial that could not be measured."""

    run: Run
    failed: tuple[str, ...]
    elapsed_s: float
    estimate_s: float


def start_run(order: Order, watcher: Watcher) -> Result:
    """Measure what was ordered. Raises UsageError when there is nothing to measure, HarnessError when nothing more can
    be measured."""
    environment = describe(order.root)
    with only_measuring(order.results):
        run = Run.create(order.results / _run_id())
        proven = calibration.adopt(order.results, run.path, calibration.Fingerprint.of(environment))
        if proven.kind != "passed":
            watcher.noticed(proven.line)
        record = _ordered(order, run, environment)
        run.write(record)
        return _finish(run, record, order.root, order.port, watcher, order.services_folder)


def resume_run(run: Run, root: Path, port: int | None, watcher: Watcher) -> Result:
    """Finish an interrupted run: every trial that has no complete attempt, on the plan and rates it began with."""
    with only_measuring(run.path.resolve().parent):
        record = run.read()
        refuse_to_mix(record, Catalog.read(root), describe(root))
        return _finish(run, record, root, port, watcher)


# ------------------------------------------------------------------------------------------------- the steps


def _ordered(order: Order, run: Run, environment: Environment) -> RunRecord:
    """The record of a run before anything is started."""
    return RunRecord(
        schema_version=SCHEMA_VERSION,
        id=run.path.name,
        created_epoch_s=time(),
        command=order.command,
        profile=order.profile,
        strategies=order.strategies,
        variants=order.variants,
        workloads=order.workloads,
        baseline=order.baseline,
        environment=environment,
        instrument=instrument.digest_of(instrument.MEASURING),
    )


def _finish(
    run: Run,
    record: RunRecord,
    root: Path,
    port: int | None,
    watcher: Watcher,
    services_folder: Path = SERVICES_FOLDER,
) -> Result:
    """Measures everything that the run still needs."""
    try:
        with _setup(root, record, run, port, services_folder) as setup:
            if not record.preflight:
                record = _planned(record, _checked(run, record, setup, watcher))
                run.write(record)
            return _measure(run, record, setup, watcher)
    except KeyboardInterrupt:
        watcher.noticed(f"finish it with `bench run --resume {run.path}`")
        raise
    except UnusableSelectionError:
        run.discard()  # nothing was measured, and nothing of it can be
        raise


@contextlib.contextmanager
def _setup(root: Path, record: RunRecord, run: Run, port: int | None, services_folder: Path) -> Iterator[RunSetup]:
    """Starts the services that the workloads need, and keeps the harness on CPUs where it disturbs no target. Undone at
    the end."""
    profile, partition = record.profile, record.environment.partition
    with (
        kept_off_the_target(partition),
        RunningServices(
            record.workloads,
            root=root,
            log_folder=run.path,
            wait_sigma=profile.upstream_sigma,
            seed=profile.seed,
            cpus=partition.generator if partition.pinned else None,
            services_folder=services_folder,
        ) as services,
    ):
        services.check_parameters(record.variants)
        services.wait_ready()
        yield RunSetup(root=root, profile=profile, partition=partition, services=services, port=port)


def _checked(run: Run, record: RunRecord, setup: RunSetup, watcher: Watcher) -> tuple[Preflight, ...]:
    """Boot every variant and send it every request once, before anything is measured."""
    folder = run.path / "preflight"
    shutil.rmtree(folder, ignore_errors=True)  # of a check that was interrupted
    watcher.preflight_began(len(record.variants), len(record.workloads))
    checked = preflight(
        setup.root,
        record.variants,
        record.workloads,
        partition=setup.partition,
        services_environment=setup.services.environment,
        folder=folder,
        on_result=watcher.preflight_done,
        ready_s=record.profile.ready_s,
    )
    require_applicable(checked, record.workloads)
    require_baseline(record.baseline, checked, record.workloads)
    return checked


def _planned(record: RunRecord, checked: tuple[Preflight, ...]) -> RunRecord:
    """The plan for what works, and the baseline."""
    working = {(cell.workload, cell.variant) for cell in checked if cell.status == "ok"}
    cells = [(w.name, v.name) for w in record.workloads for v in record.variants if (w.name, v.name) in working]
    planned = plan.trials(cells, record.profile)
    ready = {variant for _, variant in cells}
    return msgspec.structs.replace(
        record,
        preflight=checked,
        plan=planned,
        baseline=record.baseline or default_baseline([v.name for v in record.variants if v.name in ready]),
        estimate_s=plan.estimate_s(planned, record.profile, {cell.variant: cell.boot_s for cell in checked}),
    )


def _measure(run: Run, record: RunRecord, setup: RunSetup, watcher: Watcher) -> Result:
    began_s = monotonic()
    failed = {f"{cell.variant} on {cell.workload}": cell.error for cell in record.preflight if cell.status == "failed"}
    retries = Retries(run, record, invalid_trials)
    todo = [spec for spec in record.plan if not _is_complete(run, spec, watcher)]
    clock = TimeLeft(record, todo)
    watcher.plan_ready(todo, len(record.plan) - len(todo), clock.left_s(0))
    if record.finished_epoch_s is not None:
        record = msgspec.structs.replace(record, finished_epoch_s=None)
        run.write(record)
    for again, codes in retries.left_over(todo):
        watcher.retry_began(again, run.next_attempt(again), codes)
        _ended(_run_trial(run, record, again, setup, watcher), failed, watcher)
    for number, spec in enumerate(todo):
        record = with_rates(run, record, spec)
        watcher.trial_began(spec, number + 1, len(todo), record.profile.blocks, clock.left_s(number))
        trial = _run_trial(run, record, spec, setup, watcher)
        clock.took(spec, trial.elapsed_s)
        _ended(trial, failed, watcher)
        for again, codes in retries.after(spec, todo[number + 1 :]):
            watcher.retry_began(again, run.next_attempt(again), codes)
            _ended(_run_trial(run, record, again, setup, watcher), failed, watcher)
    run.write(msgspec.structs.replace(record, finished_epoch_s=time()))
    lines = tuple(f"{what}: {error}" for what, error in failed.items())
    return Result(run, lines, monotonic() - began_s, clock.estimate_s)


def _ended(trial: TrialRecord, failed: dict[str, str], watcher: Watcher) -> None:
    watcher.trial_ended(trial)
    failed.pop(trial.spec.id, None)  # of an earlier attempt
    if trial.status == "failed":
        failed[trial.spec.id] = trial.error


def _run_trial(run: Run, record: RunRecord, spec: TrialSpec, setup: RunSetup, watcher: Watcher) -> TrialRecord:
    setup.services.check_alive()
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
