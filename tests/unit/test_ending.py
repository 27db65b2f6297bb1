"""The exit code says whether a strategy failed, answered wrongly or has no valid data; noise is none of these."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import typer

from harness.cli.ending import finish
from harness.measuring.measure import Result
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseRecord
from harness.results.records.slice_record import SliceRecord
from harness.results.store import Run
from tests.synthetic_run import write_synthetic_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return write_synthetic_run(
        tmp_path / "run", strategies=["sync_def", "pure_async"], workloads=["io"], rounds=3, phase_s=1.0, peculiar=False
    )


def change(run: Run, variant: str, how: Callable[[SliceRecord], SliceRecord], rounds: int = 1) -> None:
    """Of this many measured slices."""
    left = rounds
    for boot in run.boots("io", variant):
        record = boot.read()
        slices = []
        for slice in record.slices:
            is_changed = left > 0 and not slice.spec.is_pilot
            slices.append(how(slice) if is_changed else slice)
            left -= is_changed
        boot.write(msgspec.structs.replace(record, slices=tuple(slices)))


def stolen(record: SliceRecord) -> SliceRecord:
    assert record.noise is not None
    return msgspec.structs.replace(record, noise=msgspec.structs.replace(record.noise, steal_percent=44.0))


def answered_wrongly(record: SliceRecord) -> SliceRecord:
    def once(phase: PhaseRecord) -> PhaseRecord:
        ok = phase.outcomes.get(Outcome.OK, 0)
        return msgspec.structs.replace(
            phase, outcomes={**phase.outcomes, Outcome.OK: ok - 1, Outcome.WRONG_ANSWER: 1} if ok else phase.outcomes
        )

    return msgspec.structs.replace(record, phases=tuple(map(once, record.phases)))


def code_of(run: Run, failed: tuple[str, ...] = (), errors: tuple[str, ...] = ()) -> int:
    try:
        finish(Result(run, failed, 61.0, 60.0), errors, as_json=False)
    except typer.Exit as ended:
        return ended.exit_code
    return 0


def test_a_quiet_run_is_fine_and_says_nothing_more(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(run) == 0
    assert capsys.readouterr().err == ""


def test_slices_that_were_disturbed_are_one_line_and_no_error(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    change(run, "sync_def", stolen, rounds=2)
    assert code_of(run) == 0
    said = capsys.readouterr()
    assert said.err == ""
    # Of each of the two: six rounds of the closed loop, six of rates. Two rounds were disturbed.
    assert "disturbed: 4 of 24 slices left out, 22 % of the time (stolen_time 2)" in said.out.splitlines()


def test_a_cell_without_any_valid_slice_is_an_error(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    change(run, "sync_def", stolen, rounds=12)
    assert code_of(run) == 3
    assert capsys.readouterr().err == "problem: sync_def on io: no valid data (stolen_time)\n"


def test_a_wrong_answer_is_an_error_however_rare(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    change(run, "pure_async", answered_wrongly)
    assert code_of(run) == 3
    assert capsys.readouterr().err == "problem: pure_async on io: gave wrong answers under load\n"


def test_what_was_not_measured_and_broken_files_are_errors(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(run, failed=("dies on io: exited with 7",)) == 3
    assert code_of(run, errors=("targets/odd.py:3: no app",)) == 3
    said = capsys.readouterr().err.splitlines()
    assert said == ["not measured: dies on io: exited with 7", "not measured: targets/odd.py:3: no app"]
