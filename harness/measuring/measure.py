"""The measuring loop: validate everything, check everything, then measure and save after every slice."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from time import monotonic, time

import msgspec

from harness import plan
from harness.calibration import calibration_record as calibration
from harness.catalog.catalog import Catalog
from harness.driving.load import Ended, Progress, Started
from harness.judging.time_spent import time_spent_s
from harness.machine import instrument
from harness.machine.affinity import kept_off_the_target
from harness.machine.environment import describe
from harness.machine.free_memory import free_memory_bytes
from harness.measuring.applicable import UnusableSelectionError, require_applicable, require_baseline, require_budget
from harness.measuring.arrival_rates import with_rates
from harness.measuring.boot import RunSetup
from harness.measuring.database_room import with_room
from harness.measuring.further import further_sessions, looked, with_further
from harness.measuring.known import Known
from harness.measuring.memory_groups import ConnectionNeeds, connections_line, memory_groups, memory_line
from harness.measuring.preflight import preflight
from harness.measuring.progress import by_session, failures, to_measure
from harness.measuring.resumable import refuse_to_mix
from harness.measuring.session import Session
from harness.measuring.subject import StrategyFiles, Subject
from harness.measuring.watcher import Watcher
from harness.results.raw_slice import recorded_boots
from harness.results.records.baseline import default_baseline
from harness.results.records.boot_record import BootRecord
from harness.results.records.errors import UsageError
from harness.results.records.machine_record import Environment
from harness.results.records.profile import Profile
from harness.results.records.run_record import Preflight, RunRecord
from harness.results.records.schema import SCHEMA_VERSION
from harness.results.records.slice_record import SliceSpec
from harness.results.records.strategy import Strategy
from harness.results.records.variant import Variant
from harness.results.records.workload import Workload
from harness.results.store import Run, only_measuring
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
    must_fit: bool = False  # the profile's budget was asked for: less than the least is refused
    own: Mapping[str, str] = field(default_factory=dict)  # addresses of services that somebody already has
    subject: Subject | None = None  # None: the strategy files of `root`
    brought: Path | None = None  # a folder whose files belong to the run, too
    can_resume: bool = True


@dataclass(frozen=True)
class Result:
    """How the run ended. `failed`: one line for each cell or slice that could not be measured."""

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
        if order.brought is not None:
            shutil.copytree(order.brought, run.path, dirs_exist_ok=True)
        record = _ordered(order, run, environment)
        run.write(record)
        return _finish(run, record, order, watcher)


def resume_run(
    run: Run, root: Path, port: int | None, watcher: Watcher, own: Mapping[str, str] | None = None
) -> Result:
    """Finish an interrupted run: every slice of its plan that is missing, and what is still open after that. `own`:
    services that somebody already has, the same ones as then."""
    with only_measuring(run.path.resolve().parent):
        if run.app_path.exists():
            raise UsageError(f"--resume {run.path}: is a run of somebody's own app; measure it again with `bench app`")
        record = run.read()
        refuse_to_mix(record, Catalog.read(root), describe(root), own or {})
        order = Order(
            root=root,
            profile=record.profile,
            strategies=record.strategies,
            variants=record.variants,
            workloads=record.workloads,
            results=run.path.parent,
            command=record.command,
            port=port,
            own=own or {},
        )
        return _finish(run, record, order, watcher)


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
        own_services=tuple(sorted(order.own)),
    )


def _finish(run: Run, record: RunRecord, order: Order, watcher: Watcher) -> Result:
    """Measures everything that the run still needs."""
    began_s = monotonic()
    try:
        with _setup(run, record, order) as setup:
            if not record.preflight:
                record = _planned(record, _checked(run, record, setup, watcher), setup, watcher)
                if order.must_fit:
                    require_budget(record)
                run.write(record)
            return _measure(run, record, setup, watcher, began_s)
    except KeyboardInterrupt:
        if order.can_resume:
            watcher.noticed(f"finish it with `bench run --resume {run.path}`")
        raise
    except UnusableSelectionError:
        run.discard()  # nothing was measured, and nothing of it can be
        raise


@contextlib.contextmanager
def _setup(run: Run, record: RunRecord, order: Order) -> Iterator[RunSetup]:
    """Starts the services that the workloads need, and keeps the harness on CPUs where it disturbs no target. Undone at
    the end."""
    profile, partition = record.profile, record.environment.partition
    with (
        kept_off_the_target(partition),
        RunningServices(
            record.workloads,
            root=order.root,
            log_folder=run.path,
            wait_sigma=profile.upstream_sigma,
            seed=profile.seed,
            cpus=partition.generator if partition.pinned else None,
            services_folder=order.services_folder,
            own=order.own,
        ) as services,
    ):
        services.check_parameters(record.variants)
        services.wait_ready()
        subject = order.subject or StrategyFiles(order.root)
        yield RunSetup(order.root, profile, partition, services, subject, order.port)


def _checked(run: Run, record: RunRecord, setup: RunSetup, watcher: Watcher) -> tuple[Preflight, ...]:
    """Boot every variant and send it every request once, before anything is measured."""
    folder = run.path / "preflight"
    shutil.rmtree(folder, ignore_errors=True)  # of a check that was interrupted
    watcher.preflight_began(len(record.variants), len(record.workloads))
    checked = preflight(
        setup.subject,
        record.variants,
        record.workloads,
        partition=setup.partition,
        services=setup.services,
        folder=folder,
        on_result=watcher.preflight_done,
        ready_s=record.profile.ready_s,
    )
    require_applicable(checked, record.workloads)
    require_baseline(record.baseline, checked, record.workloads)
    return checked


def _planned(record: RunRecord, checked: tuple[Preflight, ...], setup: RunSetup, watcher: Watcher) -> RunRecord:
    """The plan for what works, and the baseline."""
    names = [v.name for v in record.variants]
    answering = {cell.variant for cell in checked if cell.status == "ok"}
    baseline = record.baseline or default_baseline([name for name in names if name in answering])
    roomy = with_room(checked, record.variants, baseline, setup.services.connections_allowed())
    for cell in (cell for cell in roomy if cell not in checked):
        watcher.preflight_done(cell)
    working = {(cell.workload, cell.variant) for cell in roomy if cell.status == "ok"}
    need_bytes = {cell.variant: cell.pss_bytes for cell in checked if cell.pss_bytes is not None}
    free_bytes = free_memory_bytes()
    groups = {}
    for workload in record.workloads:
        if there := [name for name in names if (workload.name, name) in working]:
            allowed_bytes = record.profile.memory_share * free_bytes
            needs = ConnectionNeeds(
                {v.name: v.all_connections for v in record.variants if v.name in there},
                setup.services.connections_allowed(),
            )
            groups[workload.name] = memory_groups(there, baseline, need_bytes, allowed_bytes, needs)
            if line := connections_line(needs):
                watcher.said(line)
    known = Known(roomy, ())
    profile = record.profile
    planned = plan.sessions(groups, profile, known)
    while profile.budget_s and profile.more_sessions and plan.estimate_s(planned, profile, known) > profile.budget_s:
        fewer = {workload: many - 1 for workload, many in profile.more_sessions.items() if many > 1}
        profile = msgspec.structs.replace(profile, more_sessions=fewer)
        planned = plan.sessions(groups, profile, known)
    if groups:
        most = max((sorted({n for g in found for n in g}) for found in groups.values()), key=len)
        allowed_bytes, many = profile.memory_share * free_bytes, max(map(len, groups.values()))
        watcher.said(memory_line(most, need_bytes, free_bytes, allowed_bytes, many))
    first_s = plan.estimate_s(planned, profile, known)
    return msgspec.structs.replace(
        record,
        profile=profile,
        preflight=roomy,
        plan=planned,
        baseline=baseline,
        service_cores=setup.services.most_cores(setup.partition.cores_beside_target),
        estimate_s=max(first_s, profile.budget_s) if planned else 0.0,
    )


def _measure(run: Run, record: RunRecord, setup: RunSetup, watcher: Watcher, began_s: float) -> Result:
    """`began_s`: when this began, with the pre-flight check; the budget is for all of it."""
    failed = {f"{cell.variant} on {cell.workload}": cell.error for cell in record.preflight if cell.status == "failed"}
    boots = _recorded(run, record, watcher)
    slices = (slice for boot in boots for slice in boot.slices)
    known = Known(record.preflight, slices, record.profile.others_most_cores)
    todo = to_measure(record, boots)
    failed |= failures(boots, todo)
    spent_s = time_spent_s(boots)
    checked_s = monotonic() - began_s
    estimate_s = max(plan.estimate_s(todo, record.profile, known), record.profile.budget_s - spent_s - checked_s)
    watcher.plan_ready(todo, len(record.plan) - len(todo), estimate_s)
    if record.finished_epoch_s is not None:
        record = msgspec.structs.replace(record, finished_epoch_s=None)
        run.write(record)
    while True:
        for specs in by_session(todo):
            record = _measure_session(run, record, specs, setup, known, failed, watcher)
        left_s = record.profile.budget_s - spent_s - (monotonic() - began_s)
        further = further_sessions(record, _recorded(run, record, watcher), known, left_s)
        if further is None:
            break
        watcher.sessions_added(further.workload, further.open, len(further.slices))
        todo = list(further.slices)
        record = with_further(record, further)
        run.write(record)
    looks = looked(record, _recorded(run, record, watcher))
    run.write(msgspec.structs.replace(record, looks=looks, finished_epoch_s=time()))
    lines = tuple(f"{what}: {error}" for what, error in failed.items())
    return Result(run, lines, monotonic() - began_s, checked_s + estimate_s)


def _measure_session(
    run: Run,
    record: RunRecord,
    specs: Sequence[SliceSpec],
    setup: RunSetup,
    known: Known,
    failed: dict[str, str],
    watcher: Watcher,
) -> RunRecord:
    """All slices of one session, round by round."""
    workload = next(w for w in record.workloads if w.name == specs[0].workload)
    names = dict.fromkeys(spec.variant for spec in specs)
    variants = [variant for variant in record.variants if variant.name in names]
    setup.services.check_alive()  # before it boots anything
    watcher.session_began(workload.name, specs[0].session, len(variants))
    with Session(run, setup, workload, variants, specs[0].session, known) as session:
        for _, in_round in groupby(specs, key=lambda spec: spec.round):
            slices = list(in_round)
            if slices[0].phase != plan.CAPACITY_PHASE:
                record = with_rates(run, record, workload.name)
            session.begin_round(slices, record.rates_rps.get(workload.name, {}))
            for spec in slices:
                setup.services.check_alive()
                _measure_slice(session, record, spec, failed, watcher)
    return record


def _measure_slice(
    session: Session, record: RunRecord, spec: SliceSpec, failed: dict[str, str], watcher: Watcher
) -> None:
    def on_event(event: Started | Progress | Ended) -> None:
        match event:
            case Started():
                watcher.phase_began(event.phase)
            case Progress():
                watcher.progressed(event.goodput_rps, event.p99_ms)

    watcher.slice_began(spec)
    measured = session.measure(spec, record.rates_rps.get(spec.workload, {}), on_event)
    if measured is None:
        return
    watcher.slice_ended(measured)
    if measured.status == "failed":
        failed[spec.cell] = measured.error


def _recorded(run: Run, record: RunRecord, watcher: Watcher) -> list[BootRecord]:
    """Every boot on disk; what cannot be read is measured again."""
    broken: list[str] = []
    boots = [boot for _, boot in recorded_boots(run, record, broken)]
    for line in broken:
        watcher.noticed(f"{line}; measured again")
    return boots


def _run_id() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}"
