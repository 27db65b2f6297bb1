"""What an app uses while nobody asks is no cost of its requests."""

from __future__ import annotations

import sys

import pytest

from harness.analysis.analyse import analyse
from harness.analysis.evidence import Analysis
from harness.judging.figures import PhaseFigures
from harness.machine.partition import available_cpus
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.store import Run
from tests import peculiar_targets as targets
from tests.bench_kit import PARTITIONED, TINY, Project

PROFILE = (
    TINY.replace("rates = [{ percent = 30, duration_s = 0.4 }]", "rates = [{ percent = 25, duration_s = 1.5 }]")
    .replace("users = 8", "users = 64")
    .replace("max_in_flight = 32", "max_in_flight = 64")
    .replace("sessions = 1", "sessions = 2")
    .replace("pilot_idle_s = 0.3", "pilot_idle_s = 1.0")
    .replace("quiet_s = 0.0", "quiet_s = 1.0")
)

WORKS_CORES = 0.2


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """On a CPU of its own. Otherwise the target has the lowest priority, and gets less CPU the more others work."""
    apart = sys.platform == "linux" and len(available_cpus()) > 1
    command = PARTITIONED if apart else ("-m", "harness")
    project = Project(tmp_path_factory.mktemp("idle"), [], PROFILE, command=command)
    project.target("at_rest", targets.works_while_idle(0.0))
    project.target("works", targets.works_while_idle(WORKS_CORES))
    ended = project.run()
    assert ended.code in (0, 3), ended.err
    return analyse(Run.open(project.run_folder))


def at_the_rate(analysis: Analysis, variant: str) -> list[PhaseFigures]:
    return [
        slice.phases["rate-25"]
        for slice in analysis.slices
        if slice.record.spec.variant == variant and "rate-25" in slice.phases
    ]


@pytest.mark.measures
def test_an_app_that_works_on_its_own_has_the_same_cpu_per_request(analysis: Analysis) -> None:
    works, at_rest = (at_the_rate(analysis, variant) for variant in ("works", "at_rest"))
    assert len(works) == len(at_rest) == 2

    def ratio(of: list[float], to: list[float]) -> float:
        return sum(of) / sum(to)

    def gross_s(phases: list[PhaseFigures]) -> list[float]:
        return [(phase.target_cpu_s or 0.0) / phase.outcomes[Outcome.OK] for phase in phases]

    def net_s(phases: list[PhaseFigures]) -> list[float]:
        return [phase.target_cpu_s_per_1000 or 0.0 for phase in phases]

    assert ratio(gross_s(works), gross_s(at_rest)) > 2, "what the thread uses is most of it"
    assert 0.6 < ratio(net_s(works), net_s(at_rest)) < 1.6


@pytest.mark.measures
def test_the_idle_cost_is_shown_apart(analysis: Analysis) -> None:
    cells = {cell.variant: cell for cell in analysis.cells}
    assert cells["works"].idle_cores == pytest.approx(WORKS_CORES + (cells["at_rest"].idle_cores or 0.0), abs=0.05)
    assert 0.002 < (cells["at_rest"].idle_cores or 0.0) < 0.08, "the process and the checks of /health"


@pytest.mark.measures
def test_a_pilot_without_load_is_no_missing_data(analysis: Analysis) -> None:
    pilots = [slice for slice in analysis.slices if slice.record.spec.is_pilot]
    for pilot in pilots:
        idle = pilot.phases["idle"]
        assert (idle.kind, idle.status, idle.scheduled) == (PhaseKind.IDLE, PhaseStatus.COMPLETE, 0)
        assert not [finding for finding in pilot.findings if finding.message.startswith("idle:")]
