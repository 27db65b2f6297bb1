"""Measuring knows what a generator is, and nothing of the one on this machine: another one does as well."""

from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
import pytest

from harness import plan
from harness.catalog.catalog import Catalog
from harness.catalog.variants import variant_of
from harness.driving.generator import LaunchGenerator
from harness.driving.local_generator import LocalGenerator
from harness.judging.phase_figures import phase_figures
from harness.machine.partition import detect
from harness.measuring.trial import RunSetup, Trial
from harness.profiles.loader import load_profile
from harness.results import histograms
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.records.sample import Sample
from harness.results.records.trial_record import TrialSpec
from harness.results.store import Attempt, Run, read_lines
from harness.services.running_services import RunningServices
from tests.thread_generator import ThreadGenerator

ROOT = Path(__file__).parents[2]
GENERATORS: dict[str, LaunchGenerator] = {"local": LocalGenerator.launch, "threads": ThreadGenerator.launch}


def heard(events: list[tuple[str, str, float]]) -> Any:
    def on_event(event: Any) -> None:
        events.append((type(event).__name__, event.phase, monotonic()))

    return on_event


@pytest.mark.parametrize("name", GENERATORS)
def test_a_trial_by_any_generator_gives_a_record_that_is_consistent(name: str, tmp_path: Path) -> None:
    catalog = Catalog.read(ROOT)
    (workload,), (strategy,) = catalog.select_workloads(["io"]), catalog.select_strategies(["pure_async_aiohttp"])
    profile = msgspec.structs.replace(
        load_profile("smoke"), users=4, max_in_flight=16, warmup_s=0.3, warmup_min_s=None, capacity_s=1.0, quiet_s=0.0
    )
    spec = TrialSpec(block=1, position=0, workload="io", variant=strategy.name)
    groups = plan.phase_groups(spec, profile, {plan.rate_name(rate.percent): 20.0 for rate in profile.rates})
    run = Run.create(tmp_path / "run")
    attempt: Attempt = run.new_attempt(spec)
    events: list[tuple[str, str, float]] = []
    with RunningServices([workload], root=ROOT, log_folder=tmp_path) as services:
        services.wait_ready()
        setup = RunSetup(ROOT, profile, detect(), services, launch_generator=GENERATORS[name])
        trial = Trial(spec, groups, variant_of(strategy, 1), workload, setup, attempt, heard(events)).run()

    assert (trial.status, trial.error) == ("complete", "")
    assert [phase.spec.name for phase in trial.phases] == [phase.name for group in groups for phase in group]
    started_s = {phase: at_s - trial.origin_monotonic_s for kind, phase, at_s in events if kind == "Started"}
    samples = read_lines(attempt.samples_path, Sample)
    marked_s = {sample.mark: sample.t_s for sample in samples if sample.tree == "target"}
    figures = phase_figures(trial, histograms.read_histograms(attempt.latency_path), samples, {})
    before_s = trial.servers[0].ready_at_s
    for phase in trial.phases:
        assert phase.status is PhaseStatus.COMPLETE
        # On the trial's own time axis: one after the other, each where it was heard to begin, as the samples have it.
        assert before_s <= phase.start_s < phase.end_s <= phase.drained_s <= trial.elapsed_s
        assert phase.start_s == pytest.approx(started_s[phase.spec.name], abs=0.05)
        assert phase.start_s == pytest.approx(marked_s[f"{phase.spec.name}:start"], abs=0.05)
        before_s = phase.end_s
        if phase.spec.kind is not PhaseKind.IDLE:
            assert set(phase.outcomes) == {Outcome.OK}
            assert figures[phase.spec.name].recorded == phase.scheduled > 0
            assert phase.min_service_ms is not None
            assert phase.min_service_ms >= workload.wait_ms
            assert figures[phase.spec.name].target_cpu_s is not None, "the samples reach over the whole phase"
    capacity = next(phase for phase in trial.phases if phase.spec.kind is PhaseKind.CAPACITY)
    assert 20 <= capacity.ok_in_window <= 40, "4 users, 0.1 s each, 1 s"
    assert (figures["capacity"].generator_cpu_s is not None) == (name == "local")
