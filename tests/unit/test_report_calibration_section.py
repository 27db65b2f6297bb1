"""The report says whether the load generator was proven, and shows the table."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.analysis.analyse import analyse
from harness.calibration import calibration_record
from harness.calibration.calibration_record import Calibration
from harness.report import page
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
    assert text.count("The load generator was not proven on this machine") == 2  # the banner, and where it is described


def test_a_failed_calibration_warns_with_what_failed(run: Run) -> None:
    text = html(run, calibration(LATE))
    assert text.count("The load generator failed its calibration on this machine (fixed p99: +1.80 ms") == 2
    assert "<b>failed</b>" in text


def test_a_good_one_is_shown_without_a_warning(run: Run) -> None:
    proof = calibration(GOOD, counts=(msgspec.structs.replace(EXACT, what="<dropped>"),))
    text = html(run, proof)
    assert text.count("The load generator was proven on this machine. Calibrated 2027-01-15") == 1
    assert "+0.60 ms (+0.50 to +0.70)" in text
    assert "39 of 40" in text
    assert "&lt;dropped&gt;" in text
    assert "not proven" not in text


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
    assert "not proven" not in text


def test_it_is_the_same_page_each_time(run: Run) -> None:
    assert html(run, calibration(GOOD)) == html(run, None)
