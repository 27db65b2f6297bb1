"""Measuring knows what a generator is, and nothing of the one on this machine: another one does as well."""

from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
import pytest

from harness.catalog.catalog import Catalog
from harness.catalog.variants import variant_of
from harness.driving.generator import LaunchGenerator
from harness.driving.local_generator import LocalGenerator
from harness.judging.phase_figures import phase_figures
from harness.machine.partition import detect
from harness.measuring.boot import RunSetup
from harness.measuring.known import Known
from harness.measuring.session import Session
from harness.measuring.subject import StrategyFiles
from harness.profiles.loader import load_profile
from harness.results.raw_slice import read_raw_slices
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.records.slice_record import SliceSpec
from harness.results.store import Run
from harness.services.running_services import RunningServices
from tests.thread_generator import ThreadGenerator

ROOT = Path(__file__).parents[2]
GENERATORS: dict[str, LaunchGenerator] = {"local": LocalGenerator.launch, "threads": ThreadGenerator.launch}
VARIANT = "pure_async_aiohttp"
PLAN = (
    SliceSpec(0, 0, "io", VARIANT),
    SliceSpec(1, 0, "io", VARIANT),
    SliceSpec(2, 0, "io", VARIANT, "rate-30"),
)


@pytest.mark.parametrize("name", GENERATORS)
def test_slices_by_any_generator_give_records_that_are_consistent(name: str, tmp_path: Path) -> None:
    catalog = Catalog.read(ROOT)
    (workload,), (strategy,) = catalog.select_workloads(["io"]), catalog.select_strategies([VARIANT])
    profile = msgspec.structs.replace(
        load_profile("smoke"),
        users=4,
        max_in_flight=16,
        warmup_s=0.3,
        warmup_min_s=None,
        capacity_s=1.0,
        quiet_s=0.0,
        capacity_most_s=None,
    )
    run = Run.create(tmp_path / "run")
    events: list[tuple[str, str, float]] = []

    def on_event(event: Any) -> None:
        events.append((type(event).__name__, event.phase, monotonic()))

    with RunningServices([workload], root=ROOT, log_folder=tmp_path) as services:
        services.wait_ready()
        setup = RunSetup(ROOT, profile, detect(), services, StrategyFiles(ROOT), launch_generator=GENERATORS[name])
        with Session(run, setup, workload, [variant_of(strategy, 1)], 1, Known((), ())) as session:
            for spec in PLAN:
                session.begin_round([spec], {"rate-30": 20.0})
                session.measure(spec, {"rate-30": 20.0}, on_event)

    (folder,) = run.boots("io", VARIANT)
    boot, broken = folder.read(), list[str]()
    raw_slices = read_raw_slices(run, folder, boot, broken)
    assert (boot.ended, broken) == ("stopped", [])
    assert [raw.record.spec for raw in raw_slices] == list(PLAN)
    started_s = [at_s - boot.origin_monotonic_s for kind, _, at_s in events if kind == "Started"]
    before_s = boot.boot_s
    for raw in raw_slices:
        assert (raw.record.status, raw.record.error) == ("complete", "")
        of_target = [sample for sample in raw.samples if sample.tree == "target" and sample.mark]
        marked_s = {sample.mark: sample.t_s for sample in of_target}
        assert len(of_target) == len(marked_s), "none is of another slice"
        figures = phase_figures(raw.record, boot.origin_monotonic_s, raw.histograms, raw.samples, {})
        for phase in raw.record.phases:
            assert phase.status is PhaseStatus.COMPLETE
            # On the boot's own time axis: one after the other, each where it was heard to begin, as the samples have
            # it.
            assert before_s <= phase.start_s < phase.end_s <= phase.drained_s <= boot.lived_s
            assert phase.start_s == pytest.approx(started_s.pop(0), abs=0.05)
            assert phase.start_s == pytest.approx(marked_s[f"{phase.spec.name}:start"], abs=0.05)
            before_s = phase.end_s
            if phase.spec.kind is not PhaseKind.IDLE:
                assert set(phase.outcomes) == {Outcome.OK}
                assert figures[phase.spec.name].recorded == phase.scheduled > 0
                assert phase.min_service_ms is not None
                assert phase.min_service_ms >= workload.wait_ms
                assert figures[phase.spec.name].target_cpu_s is not None, "the samples reach over the whole phase"
        before_s = max(phase.drained_s for phase in raw.record.phases)
    capacity = raw_slices[1].record.phases[-1]
    assert capacity.end_s - capacity.start_s == pytest.approx(1.0)
    assert 20 <= capacity.ok_in_window <= 40, "4 users, 0.1 s each, 1 s"
    figures = phase_figures(
        raw_slices[1].record, boot.origin_monotonic_s, raw_slices[1].histograms, raw_slices[1].samples, {}
    )
    assert (figures["capacity"].generator_cpu_s is not None) == (name == "local")
