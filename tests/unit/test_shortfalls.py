"""A noisy machine is no error; a strategy that fails, answers wrongly or has no valid data is one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.analysis.cells import cells
from harness.analysis.evidence import Analysis
from harness.analysis.shortfalls import disturbed, shortfalls
from harness.analysis.trials import valid_by_block
from harness.judging.figures import TrialFigures
from harness.judging.validity import DISTURBANCES, RULES
from harness.results.records.finding import Finding
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseStatus
from tests.made_trials import judged, phase, trial
from tests.synthetic_run import run_record

RUN = run_record(["sync_def"], ["io"], blocks=3, seed=1, phase_s=4.0, rates_percent=(30,), peculiar=False)


def of(*trials: TrialFigures) -> Analysis:
    measured = cells(RUN, [judged(each) for each in trials])
    return Analysis(run=RUN, trials=trials, cells=measured, comparisons=(), decisions=())


def with_findings(block: int, *codes: str, attempt: int = 1) -> TrialFigures:
    found = tuple(Finding(code, "invalid", "a test says so", "none") for code in codes)
    return trial("sync_def", block, findings=found, attempt=attempt)


GOOD = trial("sync_def", 1)


def test_attempts_that_were_disturbed_are_counted_with_their_share_of_the_time_and_are_no_shortfall() -> None:
    run = of(
        with_findings(1, "stolen_time"),
        with_findings(1, "stolen_time", "sent_late", attempt=2),
        with_findings(2, "not_steady"),
        trial("sync_def", 3),
    )
    assert shortfalls(run) == ()
    found = disturbed(run)
    assert found is not None
    assert (found.attempts, found.of_attempts, found.share) == (3, 4, 0.75)
    assert found.codes == {"stolen_time": 2, "sent_late": 1, "not_steady": 1}


def test_a_quiet_run_was_not_disturbed() -> None:
    assert disturbed(of(GOOD, trial("sync_def", 2))) is None
    assert disturbed(of()) is None


def test_a_cell_of_which_everything_was_disturbed_has_no_valid_data() -> None:
    said = shortfalls(of(with_findings(1, "stolen_time"), with_findings(2, "sent_late")))
    assert said == ("sync_def on io: no valid data (sent_late, stolen_time)",)


def test_a_wrong_answer_is_never_noise_even_where_another_attempt_gave_none() -> None:
    run = of(with_findings(1, "wrong_answers"), trial("sync_def", 1, attempt=2), trial("sync_def", 2))
    assert shortfalls(run) == ("sync_def on io: gave wrong answers under load",)
    assert disturbed(run) is None


@pytest.mark.parametrize("code", sorted({rule.__name__ for rule in RULES} - DISTURBANCES - {"trial_failed"}))
def test_what_a_strategy_did_itself_is_a_shortfall_though_other_trials_are_valid(code: str) -> None:
    (said,) = shortfalls(of(GOOD, with_findings(2, code)))
    assert said.startswith("sync_def on io: ")


def test_a_trial_that_answered_nothing_leaves_no_valid_data() -> None:
    silent = trial(
        "sync_def",
        2,
        phase(0.0, outcomes={Outcome.TIMEOUT: 64}),
        findings=(Finding("no_answer", "invalid", "none came", "longer phases"),),
    )
    assert shortfalls(of(GOOD, silent)) == ("sync_def on io: no valid data (no_answer)",)


def test_the_disturbances_are_rules() -> None:
    codes: Sequence[str] = [rule.__name__ for rule in RULES]
    assert {*codes, "service_died"} >= DISTURBANCES  # that one is seen by who measures


def crashed(block: int) -> TrialFigures:
    found = (Finding("server_died", "invalid", "it was killed by SIGSEGV", "read the log"),)
    nothing = phase(0.0, outcomes={}, status=PhaseStatus.FAILED)
    return trial("sync_def", block, nothing, status="failed", error="it was killed by SIGSEGV", findings=found)


def silent(block: int, *codes: str) -> TrialFigures:
    found = tuple(Finding(code, "invalid", "a test says so", "none") for code in ("no_answer", *codes))
    return trial(
        "sync_def", block, phase(0.0, outcomes={Outcome.TIMEOUT: 10}, status=PhaseStatus.CHOKED), findings=found
    )


def test_an_attempt_that_went_well_does_not_undo_a_crash() -> None:
    run = of(*(each for block in (1, 2, 3) for each in (crashed(block), trial("sync_def", block, attempt=2))))
    assert shortfalls(run) == ("sync_def on io: an attempt does not count (server_died)",)


def test_an_attempt_that_went_well_does_not_undo_one_that_answered_nothing() -> None:
    trials = [each for block in (1, 2, 3) for each in (silent(block), trial("sync_def", block, attempt=2))]
    run = of(*trials)
    assert run.cells[0].capacity is None
    assert valid_by_block(trials, "sync_def", "io") == {}
    assert shortfalls(run) == ("sync_def on io: no valid data (no_answer)",)


def test_a_silence_of_the_machine_is_not_the_strategys() -> None:
    trials = [silent(1, "stolen_time"), trial("sync_def", 1, attempt=2), trial("sync_def", 2)]
    assert of(*trials).cells[0].capacity is not None
    assert set(valid_by_block(trials, "sync_def", "io")) == {1, 2}
    assert shortfalls(of(*trials)) == ()
