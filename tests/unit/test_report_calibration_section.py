"""The report says how exact the load generator was, beside the figures and in a table of its own."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from harness.analysis.analyse import analyse
from harness.calibration import calibration_record
from harness.calibration.calibration_record import Calibration
from harness.judging.figures import Percentile
from harness.report import page
from harness.report.calibration_section import too_close_line
from harness.results.store import Run
from tests.synthetic_run import write_synthetic_run
from tests.unit.test_calibration_record import CHECKED, EXACT, GOOD, LATE, SPEEDS, calibration


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return write_synthetic_run(tmp_path / "run", strategies=("sync_def", "pure_async"), workloads=("io",))


def html(run: Run, proof: Calibration | None) -> str:
    if proof is not None:
        calibration_record.write_calibration(run.path, proof)
    return page.render(run, analyse(run))


def test_a_run_without_a_calibration_warns(run: Run) -> None:
    text = html(run, None)
    assert (
        text.count("The load generator was not calibrated on this machine") == 2
    )  # the banner, and where it is described


def test_a_failed_calibration_warns_with_what_failed(run: Run) -> None:
    text = html(run, calibration(LATE))
    assert text.count("The load generator failed its calibration on this machine (fixed at 100/s: p99 +1.80 ms") == 2
    assert "<b>failed</b>" in text


def test_a_good_one_is_shown_without_a_warning(run: Run) -> None:
    proof = calibration(GOOD, counts=(msgspec.structs.replace(EXACT, what="<dropped>"),))
    text = html(run, proof)
    assert text.count("The load generator was calibrated on this machine. Calibrated 2027-01-15") == 1
    assert "<td>+0.60</td><td>+0.50 to +0.70</td><td>0.72</td>" in text
    assert "39 of 40" in text
    assert "&lt;dropped&gt;" in text
    assert "not calibrated" not in text


def test_how_exact_it_was_stands_beside_the_percentiles_of_open_loops(run: Run) -> None:
    text = html(run, calibration(GOOD))
    charts, tables = 3, 3  # one a rate; the capacity's closed loop has none
    # p50 and p90 have that of the next higher percentile that was calibrated.
    said = "The load generator&#39;s own uncertainty on this machine: p50 ±"
    assert text.count(said) == charts + tables
    one = r"±[0-9.]+( to ±[0-9.]+)? ms"
    assert re.search(rf"on this machine: p50 {one}, p90 {one}, p99 {one}\.", text)
    assert "own uncertainty" not in html(run, msgspec.structs.replace(calibration(GOOD), cases=()))


def test_a_disturbed_machine_is_an_uncertainty_and_no_warning(run: Run) -> None:
    wide = msgspec.structs.replace(GOOD, errors_ms=(0.1, 0.2, 9.0), uncertainty_ms=28.0)
    text = html(run, calibration(wide))
    assert "Its own uncertainty, at worst: p99 ±28 ms." in text
    assert "other tenants of the host took 3.1 % of the CPU time" in text
    assert "What would make it more exact: end chrome" in text
    assert "failed its calibration" not in text


def test_a_run_with_a_calibration_of_an_older_release_still_has_a_report(run: Run) -> None:
    (run.path / calibration_record.FILE).write_text('{"schema_version": 2, "cases": [{"law": "fixed"}]}')
    text = page.render(run, analyse(run))
    assert "schema_version 2 is not 3; run `bench calibrate` again" in text
    assert "own uncertainty" not in text


def test_what_ended_a_case_early_is_in_the_table(run: Run) -> None:
    cut = msgspec.structs.replace(calibration(GOOD).cases[0], error="truth server: it has ended")
    text = html(run, msgspec.structs.replace(calibration(GOOD), cases=(cut,)))
    assert '<td colspan="8"><b>failed</b> truth server: it has ended</td>' in text


def test_throughput_and_cross_check_are_shown_with_their_moment(run: Run) -> None:
    proof = msgspec.structs.replace(
        calibration(GOOD),
        throughput=SPEEDS,
        throughput_epoch_s=1.7e9,
        cross_check=CHECKED,
        cross_check_epoch_s=1.8e9,
    )
    text = html(run, proof)
    assert "of a fast server: ours 25,000, FastHttpUser 5,000, wrk 100,000 (2023-11-14" in text
    assert "The capacity of pure_async /health over 4 connections: ours 3,990 requests/s" in text
    assert "wrk 4,000, -0.2 % (-1.9 to +1.2 %) over 3 pairs" in text
    assert "within the 5 % allowed" in text
    unjudged = msgspec.structs.replace(CHECKED, passed=None, why_not="wrk was the limit")
    text = html(run, msgspec.structs.replace(proof, cross_check=unjudged))
    assert "not judged: wrk was the limit" in text
    old = msgspec.structs.replace(CHECKED, interval=None)
    assert "wrk 4,000, -0.2 % over 3 pairs" in html(run, msgspec.structs.replace(proof, cross_check=old))
    assert "not calibrated" not in text


def test_it_is_the_same_page_each_time(run: Run) -> None:
    assert html(run, calibration(GOOD)) == html(run, None)


def test_a_latency_within_the_instruments_uncertainty_is_not_called_another() -> None:
    def figure(value_ms: float, *, at_least: bool = False) -> Percentile:
        return Percentile(value_ms, at_least, 200)

    shown = {
        99.0: {
            "sync_def": figure(50.0),
            "near": figure(50.5),
            "far": figure(60.0),
            "late": figure(50.1, at_least=True),
        },
    }
    proof = calibration(GOOD)  # it has a p99 only
    assert too_close_line(proof, 200.0, shown, "sync_def") == (
        "Not told from sync_def's, because the difference is within it: p99 of near."
    )
    assert too_close_line(None, 200.0, shown, "sync_def") == ""
    assert too_close_line(proof, 200.0, {99.0: {"near": figure(50.0)}}, "sync_def") == ""
    bound = {99.0: {"sync_def": figure(50, at_least=True), "near": figure(50)}}
    assert too_close_line(proof, 200.0, bound, "sync_def") == ""
