"""The instrument with servers that behave in a known way, on the real path: Driver, Locust, plugin, BenchUser, log.

What is asserted here holds on a machine where others take CPU now and then: counts, structure, ratios within a run.
Milliseconds are in `tests/figures/test_calibration_accuracy.py`.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from harness.calibration import accuracy, calibration_record, cases, wrk
from harness.calibration.accuracy import PERCENTS, nearest_rank
from harness.calibration.calibration_record import Fingerprint
from harness.calibration.cases import CalibrationSetup
from harness.calibration.laws import ANSWER, FIXED_MS, FREEZE_S, Law
from harness.calibration.our_generator import OurGenerator
from harness.machine.environment import describe
from harness.results.records.metric import Metric
from tests.bench_kit import CHECKOUT, Project
from tests.calibration_kit import calibration_setup, explained
from tests.unit.test_calibration_record import GOOD, calibration


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalibrationSetup]:
    with calibration_setup(tmp_path_factory.mktemp("calibration")) as made:
        yield made


@pytest.mark.parametrize(("law", "rate_rps"), [(Law.LOGNORMAL, cases.LOW_RPS), (Law.QUICK, cases.HIGH_RPS)])
def test_each_percentile_gets_an_uncertainty_from_its_rounds(
    setup: CalibrationSetup, law: Law, rate_rps: float
) -> None:
    case = cases.latency_case(setup, law, rate_rps, allowed_ms=None, rounds=2)
    assert not case.error
    assert [figure.percent for figure in case.figures] == list(PERCENTS)
    for figure in case.figures:
        assert figure.uncertainty_ms is not None
        assert figure.uncertainty_ms >= max(map(abs, figure.errors_ms))
        assert len(figure.errors_ms) == 2
        assert figure.did_ms >= 0.9 * figure.law_ms, "the law was in force"
        # A generator that starts a second later or misses a tenth of the wait would show.
        assert figure.ours_ms / figure.did_ms > 0.9, explained(case)


def test_a_freeze_is_seen_that_counting_from_the_send_would_hide(setup: CalibrationSetup) -> None:
    case = cases.freeze_case(setup, cycles=1)
    (p99,) = (figure for figure in case.figures if figure.percent == 99)
    assert p99.ours_ms > 0.9 * p99.did_ms > 0.9 * 900, explained(case)
    # The same requests, counted from the send: the case tells the two apart.
    assert case.from_send is not None
    assert case.from_send.service_ms < 0.5 * p99.ours_ms
    did_ms = {figure.percent: figure.did_ms for figure in case.figures}
    service_ms = cases.percentiles_ms(setup.few.times(Law.FREEZE, Metric.SERVICE), "freeze")
    from_send = accuracy.freeze_figures(cases.law_ms(Law.FREEZE), did_ms, service_ms, {})
    assert not msgspec.structs.replace(case, figures=from_send).passed


@pytest.mark.parametrize("law", [Law.DROP, Law.WRONG])
def test_drops_and_wrong_answers_are_counted_exactly(setup: CalibrationSetup, law: Law) -> None:
    case = cases.counts_case(setup, law)
    assert case.passed, explained(case)
    assert all(count.truth > 0 for count in case.counts)


def test_without_one_right_answer_the_case_says_so_and_the_next_one_goes_on(setup: CalibrationSetup) -> None:
    """An instrument that expects another answer finds every one wrong; it was an IndexError once."""
    with OurGenerator(setup.folder, "mistaken", ANSWER, {"right": "another"}, users=8, cpus=None) as mistaken:
        mistaken.wait_ready()
        blind = CalibrationSetup(setup.folder, setup.server, mistaken, mistaken, None, with_stock=False)
        case = cases.latency_case(blind, Law.QUICK, cases.HIGH_RPS, allowed_ms=2.5, rounds=1)
    assert case.failures == ("quick at 1000/s: round 1: not one right answer was received",)
    assert not case.figures
    again = cases.counts_case(setup, Law.WRONG)
    assert not again.error


def test_a_known_server_that_dies_ends_in_findings_and_keeps_what_was_measured(tmp_path: Path) -> None:
    """The real command, and the real server killed after the first case."""
    project = Project(tmp_path, ["pure_async"])
    with project.start("calibrate") as command:
        deadline = threading.Timer(90, command.kill)  # for the line that is waited for, too
        deadline.start()
        try:
            assert command.stderr is not None
            first = command.stderr.readline()
            assert first.startswith("drop at 200/s"), first
            module = ["-m", "harness.calibration.truth_process"]  # its supervisor has this further back
            (server,) = (one for one in project.processes() if one.cmdline()[1:3] == module)
            os.kill(server.pid, signal.SIGKILL)
            out, rest = command.communicate(timeout=60)
        finally:
            deadline.cancel()
            command.kill()
    assert command.returncode == 1, out + rest
    assert "Traceback" not in rest
    kept = calibration_record.read_calibration(tmp_path / "results")
    assert kept is not None
    assert kept.cases[0].law == Law.DROP
    assert all(count.truth > 0 for count in kept.cases[0].counts)
    assert len(kept.cases) == 9
    assert all("truth server" in case.error for case in kept.cases[1:])
    failed = [line for line in out.splitlines() if line.startswith("FAILED: ")]
    assert [line.partition(": ")[2] for line in failed] == list(kept.failures)
    assert len(failed) >= 8
    project.assert_nothing_is_left()


def test_the_truth_server_keeps_its_laws_by_its_own_clock(setup: CalibrationSetup) -> None:
    setup.server.begin(Law.FIXED)
    setup.ours.open_loop("own-clock", setup.server.address, 100.0, 1.0, 1)
    seen = setup.server.end()
    delays_ms = [delay_us / 1e3 for delay_us in seen.delays_us]
    assert len(delays_ms) == seen.answered > 50
    assert min(delays_ms) >= FIXED_MS
    assert nearest_rank(delays_ms, 50) < 1.2 * FIXED_MS


def test_a_freeze_stops_everything(setup: CalibrationSetup) -> None:
    setup.server.begin(Law.FREEZE)
    phase = setup.ours.open_loop("frozen", setup.server.address, 50.0, 2.5, 1)
    ((began_s, ended_s),) = setup.server.end().freezes_s
    assert ended_s - began_s >= FREEZE_S
    assert phase.scheduled == sum(phase.outcomes.values())


def test_requests_that_come_in_pieces_or_together_are_each_answered_once(setup: CalibrationSetup) -> None:
    setup.server.begin(Law.WRONG)
    with socket.create_connection(setup.server.address, timeout=5) as connection:
        request = b"GET /answer HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.sendall(request[:20])
        connection.sendall(request[20:] + request + request[:5])
        connection.sendall(request[5:])
        received = b""
        while received.count(b'{"right":true}') < 3:
            part = connection.recv(4096)
            assert part, received
            received += part
    assert setup.server.end().answered == 3


def test_a_run_takes_its_machines_calibration_along(tmp_path: Path) -> None:
    project = Project(tmp_path, ["pure_async_aiohttp"])
    (tmp_path / "results").mkdir()
    machine = Fingerprint.of(describe(tmp_path))
    calibration_record.write_calibration(
        tmp_path / "results", msgspec.structs.replace(calibration(GOOD), machine=machine)
    )
    ended = project.run()
    assert ended.measured_everything, ended.err + ended.out
    assert "The load generator" not in ended.out
    assert calibration_record.adopted(project.run_folder)[1].kind == "passed"
    report = (project.run_folder / "report.html").read_text()
    assert "The load generator was calibrated on this machine" in report


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--against", "siege"], "--against siege"),
        (["--against", "wrk"], "wrk is not installed"),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "harness", "calibrate", *arguments, "--results", str(tmp_path / "results")],
        cwd=CHECKOUT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "results").exists()


@pytest.mark.skipif(not wrk.is_installed(), reason="wrk is not installed")
def test_the_cpu_of_wrk_is_measured_while_it_runs(setup: CalibrationSetup) -> None:
    setup.server.begin(Law.FIXED)  # next to nothing to do: 40 requests a second
    idle = wrk.run_wrk(setup.folder, setup.server.url + ANSWER, connections=2, duration_s=1, cpus=None)
    setup.server.begin(Law.FAST)
    busy = wrk.run_wrk(setup.folder, setup.server.url + ANSWER, connections=20, duration_s=1, cpus=None)
    assert idle.cores < busy.cores <= 1.5
    assert busy.rps > idle.rps
    assert 1.0 <= busy.elapsed_s < 5.0
