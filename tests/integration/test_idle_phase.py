"""A pilot that cannot end with an idle phase. What an idle app costs: tests/figures/test_idle_cost.py."""

from __future__ import annotations

from pathlib import Path

from harness.results.records.phase_record import PhaseKind, PhaseStatus
from tests import peculiar_targets as targets
from tests.bench_kit import TINY, Project


def test_a_pilot_that_chokes_goes_without_an_idle_phase_and_has_not_failed(tmp_path: Path) -> None:
    project = Project(tmp_path, [], TINY)
    project.target("hangs", targets.HANGS)
    project.run()
    project.assert_nothing_is_left()
    pilot, capacity = project.slices().values()
    assert (pilot.status, pilot.error) == ("complete", "")
    idle = pilot.phases[-1]
    assert (idle.spec.kind, idle.status, idle.reason) == (
        PhaseKind.IDLE,
        PhaseStatus.SKIPPED,
        "the server had choked before",
    )
    assert (capacity.status, capacity.error) == ("failed", "hangs: a fresh server choked on one user; see its log")
