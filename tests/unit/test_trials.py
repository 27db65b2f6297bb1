"""Which attempt at a trial counts."""

from __future__ import annotations

from harness.analysis.trials import capacity_phase, counting, valid_by_block
from harness.results.records.phase_record import PhaseStatus
from tests.made_trials import INVALID, phase, trial


def test_the_last_valid_attempt_counts_and_else_the_last() -> None:
    trials = [
        trial("a", 1, attempt=1, findings=(INVALID,)),
        trial("a", 1, attempt=2),
        trial("a", 1, attempt=3),
        trial("a", 1, attempt=4, findings=(INVALID,)),
        trial("b", 1, attempt=1, findings=(INVALID,)),
        trial("b", 1, attempt=2, findings=(INVALID,)),
    ]
    chosen = [(figures.record.spec.variant, figures.record.attempt) for figures in counting(trials)]
    assert chosen == [("a", 3), ("b", 2)]


def test_the_pilot_only_sets_the_rates() -> None:
    assert counting([trial("a", 0)]) == ()


def test_a_cells_valid_trials_are_found_by_block() -> None:
    trials = [
        trial("a", 1),
        trial("a", 2, findings=(INVALID,)),
        trial("a", 3),
        trial("b", 2),
        trial("a", 2, workload="cpu"),
    ]
    assert set(valid_by_block(trials, "a", "io")) == {1, 3}


def test_a_closed_loop_that_choked_is_measured_and_one_that_failed_is_not() -> None:
    assert capacity_phase(trial("a", 1, phase(10.0, status=PhaseStatus.CHOKED))) is not None
    assert capacity_phase(trial("a", 1, phase(10.0, status=PhaseStatus.FAILED))) is None
    assert capacity_phase(trial("a", 1, phase(10.0, rate_rps=10.0))) is None
