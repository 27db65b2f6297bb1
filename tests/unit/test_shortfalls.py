"""A noisy machine is no error; a strategy that fails, answers wrongly or has no valid data is one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.analysis.cells import cells
from harness.analysis.evidence import Analysis
from harness.analysis.shortfalls import disturbed, shortfalls
from harness.analysis.slices import valid_by_round
from harness.judging.figures import SliceFigures
from harness.judging.validity import DISTURBANCES, RULES
from harness.results.records.finding import Finding
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseStatus
from tests.made_slices import judged, phase, slice
from tests.synthetic_run import run_record

RUN = run_record(["sync_def"], ["io"], rounds=3, seed=1, phase_s=4.0, rates_percent=(30,), peculiar=False)


def of(*slices: SliceFigures) -> Analysis:
    measured = cells(RUN, [judged(each) for each in slices])
    return Analysis(run=RUN, boots=(), slices=slices, cells=measured, comparisons=(), decisions=())


def with_findings(round: int, *codes: str, boot: int = 1) -> SliceFigures:
    found = tuple(Finding(code, "invalid", "a test says so", "none") for code in codes)
    return slice("sync_def", round, findings=found, boot=boot)


GOOD = slice("sync_def", 1)


def test_slices_that_were_disturbed_are_counted_with_their_share_of_the_time_and_are_no_shortfall() -> None:
    run = of(
        with_findings(1, "stolen_time"),
        with_findings(1, "stolen_time", "sent_late", boot=2),
        with_findings(2, "not_steady"),
        slice("sync_def", 3),
    )
    assert shortfalls(run) == ()
    found = disturbed(run)
    assert found is not None
    assert (found.slices, found.of_slices, found.share) == (3, 4, 0.75)
    assert found.codes == {"stolen_time": 2, "sent_late": 1, "not_steady": 1}


def test_a_quiet_run_was_not_disturbed() -> None:
    assert disturbed(of(GOOD, slice("sync_def", 2))) is None
    assert disturbed(of()) is None


def test_a_cell_of_which_everything_was_disturbed_has_no_valid_data() -> None:
    said = shortfalls(of(with_findings(1, "stolen_time"), with_findings(2, "sent_late")))
    assert said == ("sync_def on io: no valid data (sent_late, stolen_time)",)


def test_a_wrong_answer_is_never_noise_even_where_the_slice_was_measured_again() -> None:
    run = of(with_findings(1, "wrong_answers"), slice("sync_def", 1, boot=2), slice("sync_def", 2))
    assert shortfalls(run) == ("sync_def on io: gave wrong answers under load",)
    assert disturbed(run) is None


@pytest.mark.parametrize("code", sorted({rule.__name__ for rule in RULES} - DISTURBANCES - {"slice_failed"}))
def test_what_a_strategy_did_itself_is_a_shortfall_though_other_slices_are_valid(code: str) -> None:
    (said,) = shortfalls(of(GOOD, with_findings(2, code)))
    assert said.startswith("sync_def on io: ")


def test_a_slice_that_answered_nothing_leaves_no_valid_data() -> None:
    silent = slice(
        "sync_def",
        2,
        phase(0.0, outcomes={Outcome.TIMEOUT: 64}),
        findings=(Finding("no_answer", "invalid", "none came", "longer phases"),),
    )
    assert shortfalls(of(GOOD, silent)) == ("sync_def on io: no valid data (no_answer)",)


def test_what_is_left_out_with_a_disturbed_slice_of_its_round_is_said_too() -> None:
    stolen = slice("fake_async", 2, findings=(Finding("stolen_time", "invalid", "a test says so", "none"),))
    found = disturbed(of(GOOD, slice("sync_def", 2), slice("fake_async", 1), stolen))
    assert found is not None
    assert (found.slices, found.of_slices, found.share, found.codes) == (2, 4, 0.5, {"stolen_time": 1})


def test_the_disturbances_are_rules() -> None:
    codes: Sequence[str] = [rule.__name__ for rule in RULES]
    assert {*codes, "service_died", "generator_died"} >= DISTURBANCES  # these are seen by who measures


def crashed(round: int) -> SliceFigures:
    found = (Finding("server_died", "invalid", "it was killed by SIGSEGV", "read the log"),)
    nothing = phase(0.0, outcomes={}, status=PhaseStatus.FAILED)
    return slice("sync_def", round, nothing, status="failed", error="it was killed by SIGSEGV", findings=found)


def silent(round: int, *codes: str) -> SliceFigures:
    found = tuple(Finding(code, "invalid", "a test says so", "none") for code in ("no_answer", *codes))
    return slice(
        "sync_def", round, phase(0.0, outcomes={Outcome.TIMEOUT: 10}, status=PhaseStatus.CHOKED), findings=found
    )


def test_measured_again_with_success_does_not_undo_a_crash() -> None:
    run = of(*(each for round in (1, 2, 3) for each in (crashed(round), slice("sync_def", round, boot=2))))
    assert shortfalls(run) == ("sync_def on io: a slice does not count (server_died)",)


def test_measured_again_with_success_does_not_undo_a_silence() -> None:
    slices = [each for round in (1, 2, 3) for each in (silent(round), slice("sync_def", round, boot=2))]
    run = of(*slices)
    assert run.cells[0].capacity is None
    assert valid_by_round(slices, "sync_def", "io") == {}
    assert shortfalls(run) == ("sync_def on io: no valid data (no_answer)",)


def test_a_silence_of_the_machine_is_not_the_strategys() -> None:
    slices = [silent(1, "stolen_time"), slice("sync_def", 1, boot=2), slice("sync_def", 2)]
    assert of(*slices).cells[0].capacity is not None
    assert set(valid_by_round(slices, "sync_def", "io")) == {1, 2}
    assert shortfalls(of(*slices)) == ()
