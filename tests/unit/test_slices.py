"""Which slices count, where a round that was cut off was measured again."""

from __future__ import annotations

from harness.analysis.slices import capacity_phase, counting, valid_by_round
from harness.results.records.finding import Finding
from harness.results.records.phase_record import PhaseStatus
from tests.made_slices import INVALID, phase, slice


def test_of_those_measured_again_the_last_one_counts_whether_it_is_valid_or_not() -> None:
    """The first ones are minutes away from the rest of their round; and nobody chooses the one that he likes."""
    slices = [
        slice("a", 1, boot=1, findings=(INVALID,)),
        slice("a", 1, boot=2),
        slice("a", 2, boot=1),
        slice("a", 2, boot=2, findings=(INVALID,)),
        slice("b", 1, boot=1),
    ]
    chosen = [(figures.record.spec.variant, figures.record.boot, figures.valid) for figures in counting(slices)]
    assert chosen == [("a", 2, True), ("a", 2, False), ("b", 1, True)]


def test_a_round_in_which_the_machine_was_disturbed_is_left_out_for_all_its_variants() -> None:
    stolen = Finding("stolen_time", "invalid", "44 %", "a quieter machine")
    busy = Finding("generator_busy", "invalid", "97 %", "fewer users")
    slices = [
        *(slice("a", n, findings=(stolen,) if n == 2 else ()) for n in (1, 2, 3)),
        *(slice("b", n, findings=(busy,) if n == 3 else ()) for n in (1, 2, 3)),
        slice("b", 2, workload="cpu"),
    ]
    assert set(valid_by_round(slices, "a", "io")) == {1, 3}, "b made the generator busy: nothing to do with a"
    assert set(valid_by_round(slices, "b", "io")) == {1}
    assert set(valid_by_round(slices, "b", "cpu")) == {2}


def test_the_pilot_only_sets_the_rates() -> None:
    assert counting([slice("a", 0)]) == ()


def test_a_cells_valid_slices_are_found_by_round() -> None:
    slices = [
        slice("a", 1),
        slice("a", 2, findings=(INVALID,)),
        slice("a", 3),
        slice("b", 2),
        slice("a", 2, workload="cpu"),
    ]
    assert set(valid_by_round(slices, "a", "io")) == {1, 3}


def test_a_closed_loop_that_choked_is_measured_and_one_that_failed_is_not() -> None:
    assert capacity_phase(slice("a", 1, phase(10.0, status=PhaseStatus.CHOKED))) is not None
    assert capacity_phase(slice("a", 1, phase(10.0, status=PhaseStatus.FAILED))) is None
    assert capacity_phase(slice("a", 1, phase(10.0, rate_rps=10.0))) is None
