"""The instrument against servers of known truth, through the real path: Driver, Locust, plugin, BenchUser, log."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from harness.calibration import accuracy, calibration_record, cases, throughput, wrk
from harness.calibration.accuracy import PERCENTS, nearest_rank
from harness.calibration.calibration_record import FAST_HTTP_USER, OURS, Case, Fingerprint
from harness.calibration.cases import CalibrationSetup
from harness.calibration.laws import ANSWER, FIXED_MS, FREEZE_S, QUICK_MS, Law, truth_ms
from harness.calibration.our_generator import OurGenerator
from harness.calibration.truth_server import TruthServer
from harness.machine.environment import describe
from harness.results.records.metric import Metric
from tests.bench_kit import CHECKOUT, Project
from tests.unit.test_calibration_record import GOOD, calibration


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalibrationSetup]:
    folder = tmp_path_factory.mktemp("calibration")
    with (
        TruthServer(folder / "truth.log", loop="select", cpus=None) as server,
        OurGenerator(folder, "ours", ANSWER, {"right": True}, users=256, cpus=None) as ours,
        OurGenerator(folder, "few", ANSWER, {"right": True}, users=8, cpus=None) as few,
    ):
        server.wait_ready()
        ours.wait_ready()
        few.wait_ready()
        yield CalibrationSetup(folder, server, ours, few, None, with_stock=False)


def explained(case: Case) -> str:
    return "\n".join(map(repr, (*case.figures, *case.counts, case.note)))


@pytest.mark.figure
@pytest.mark.parametrize("law", [Law.FIXED, Law.LOGNORMAL])
def test_percentiles_are_the_servers_within_two_percent(rig: CalibrationSetup, law: Law) -> None:
    """Against what the server really did to the same requests: a late server is not the instrument's error. Judged as
    `bench calibrate` judges it: by the median over its rounds."""
    case = cases.latency_case(rig, law)
    assert case.passed, explained(case)
    assert [figure.percent for figure in case.figures] == list(PERCENTS)
    for figure in case.figures:
        assert len(figure.errors_ms) == cases.LATENCY_ROUNDS
        assert figure.did_ms == pytest.approx(truth_ms(law, figure.percent / 100), rel=0.1)
        assert figure.ours_ms >= figure.did_ms - 0.2, "faster than the server: it cannot be"


@pytest.mark.figure
def test_where_two_percent_is_nothing_percentiles_are_within_a_third_of_a_millisecond(rig: CalibrationSetup) -> None:
    """At 1,000/s. The p99 is left out: on a noisy machine one request in a hundred is preempted for milliseconds.
    `bench calibrate` judges it, too."""
    case = cases.latency_case(rig, Law.QUICK)
    for figure in case.figures:
        assert figure.law_ms == QUICK_MS
        assert figure.did_ms >= QUICK_MS
        if figure.percent != 99:
            assert figure.allowed_ms == 0.3
            assert figure.passed, explained(case)


@pytest.mark.figure
def test_the_p99_of_a_server_that_freezes_is_within_three_percent(rig: CalibrationSetup) -> None:
    case = cases.freeze_case(rig)
    assert case.passed, explained(case)
    (p99,) = (figure for figure in case.figures if figure.percent == 99)
    assert p99.law_ms == pytest.approx(1350)
    assert p99.ours_ms == pytest.approx(p99.did_ms, rel=0.03)  # and of the arrivals there really were
    # The same requests, counted from the send: the case tells the two apart.
    assert case.from_send is not None
    assert case.from_send.service_ms < 0.1 * p99.ours_ms
    did_ms = {figure.percent: figure.did_ms for figure in case.figures}
    service_ms = cases.percentiles_ms(rig.few.times(Law.FREEZE, Metric.SERVICE))
    from_send = accuracy.freeze_figures(cases.law_ms(Law.FREEZE), did_ms, service_ms, {})
    assert not msgspec.structs.replace(case, figures=from_send).passed


@pytest.mark.parametrize("law", [Law.DROP, Law.WRONG])
def test_drops_and_wrong_answers_are_counted_exactly(rig: CalibrationSetup, law: Law) -> None:
    case = cases.counts_case(rig, law)
    assert case.passed, explained(case)
    assert all(count.truth > 0 for count in case.counts)


@pytest.mark.figure
def test_a_closed_loop_hides_a_freeze_that_ours_shows(rig: CalibrationSetup) -> None:
    """Why all this: stock sees a few late answers a freeze, one a user, whatever the number of people waiting."""
    stocked = replace(rig, with_stock=True)
    said, seen = cases.ask_stock(stocked, Law.FREEZE, 7)
    assert said is not None
    assert seen is not None
    assert seen.freezes_s
    assert said.requests > 100
    assert said.percentiles_ms[99.0] < 0.2 * truth_ms(Law.FREEZE, 0.99)


def test_the_truth_server_keeps_its_laws_by_its_own_clock(rig: CalibrationSetup) -> None:
    rig.server.begin(Law.FIXED)
    rig.ours.open_loop("own-clock", rig.server.address, 100.0, 1.0, 1)
    seen = rig.server.end()
    delays_ms = [delay_us / 1e3 for delay_us in seen.delays_us]
    assert len(delays_ms) == seen.answered > 50
    assert min(delays_ms) >= FIXED_MS
    assert nearest_rank(delays_ms, 50) < FIXED_MS + 1.0


def test_a_freeze_stops_everything(rig: CalibrationSetup) -> None:
    rig.server.begin(Law.FREEZE)
    phase = rig.ours.open_loop("frozen", rig.server.address, 50.0, 2.5, 1)
    ((began_s, ended_s),) = rig.server.end().freezes_s
    assert ended_s - began_s == pytest.approx(FREEZE_S, abs=0.1)
    assert phase.scheduled == sum(phase.outcomes.values())


def test_requests_that_come_in_pieces_or_together_are_each_answered_once(rig: CalibrationSetup) -> None:
    rig.server.begin(Law.WRONG)
    with socket.create_connection(rig.server.address, timeout=5) as connection:
        request = b"GET /answer HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.sendall(request[:20])
        connection.sendall(request[20:] + request + request[:5])
        connection.sendall(request[5:])
        received = b""
        while received.count(b'{"right":true}') < 3:
            part = connection.recv(4096)
            assert part, received
            received += part
    assert rig.server.end().answered == 3


@pytest.mark.figure
def test_throughput_is_counted_by_the_server_for_all_alike(tmp_path: Path) -> None:
    speeds = throughput.measure(tmp_path, lambda line: None, server_cpus=None, generator_cpus=None, rounds=1)
    by_name = {speed.generator: speed.rps for speed in speeds}
    assert list(by_name)[:2] == [OURS, FAST_HTTP_USER]
    assert by_name[OURS] > by_name[FAST_HTTP_USER] > 0


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
    assert "The load generator was proven on this machine" in report


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
def test_the_cpu_of_wrk_is_measured_while_it_runs(rig: CalibrationSetup) -> None:
    rig.server.begin(Law.FIXED)  # next to nothing to do: 40 requests a second
    idle = wrk.run_wrk(rig.folder, rig.server.url + ANSWER, connections=2, duration_s=1, cpus=None)
    rig.server.begin(Law.FAST)
    busy = wrk.run_wrk(rig.folder, rig.server.url + ANSWER, connections=20, duration_s=1, cpus=None)
    assert idle.cores < 0.2
    assert idle.cores < busy.cores <= 1.2
    assert busy.rps > idle.rps
    assert 1.0 <= busy.elapsed_s < 5.0
