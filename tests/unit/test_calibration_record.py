"""What a calibration says, where it is believed, and what a run takes along."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from harness.calibration import calibration_record, result_table
from harness.calibration.calibration_record import Calibration, Fingerprint
from harness.calibration.case_record import Case, Count, FromSend, QuantileError
from harness.calibration.comparison_record import CrossCheck, Speed
from harness.calibration.conditions import Conditions, OtherProcess, conditions_lines
from harness.machine import instrument
from harness.machine.environment import describe
from harness.results.records.noise_record import Noise
from harness.results.store import StoreError

MACHINE = Fingerprint(
    host="0123456789ab",
    cpu_model="CPU",
    available_cpus=2,
    logical_cpus=2,
    kernel="6.1",
    pinning=False,
    python="CPython 3.11",
    packages={"locust": "2.47"},
    instrument="abc",
)
GOOD = QuantileError(
    percent=99,
    law_ms=50,
    did_ms=50.2,
    ours_ms=50.8,
    stock_ms=60,
    errors_ms=(0.5, 0.6, 0.7),
    uncertainty_ms=0.72,
    allowed_ms=1.0,
)
LATE = msgspec.structs.replace(GOOD, ours_ms=52.0, errors_ms=(0.4, 1.8, 2.9), uncertainty_ms=2.9)
UNJUDGED = msgspec.structs.replace(LATE, allowed_ms=None)
EXACT = Count(what="dropped", truth=12, ours=12, stock_truth=40, stock=39)
CHECKED = CrossCheck(
    other="wrk",
    route="pure_async /health",
    connections=4,
    ours_rps=3_990,
    other_rps=4_000,
    ratio=0.9975,
    ratios=(0.99, 0.9975, 1.01),
    interval=(0.981, 1.012),
    generator_cores=0.4,
    server_cores=0.99,
    other_generator_cores=0.1,
    other_server_cores=1.0,
    passed=True,
)
SPEEDS = (
    Speed(generator="ours", rps=25_000, slices_rps=(24_000, 25_000, 26_000)),
    Speed(generator="FastHttpUser", rps=5_000, slices_rps=(5_000,)),
    Speed(generator="wrk", rps=100_000, slices_rps=(100_000,)),
)
MISSED = msgspec.structs.replace(EXACT, ours=11)


DISTURBED = Conditions(
    noise=Noise(steal_percent=3.14, load_1m=1.9, canary_ms=4.0, cpu_pressure_percent=23.0),
    others=(OtherProcess("chrome", 0.3), OtherProcess("idle", 0.01)),
    available_cpus=(0, 1),
)


def calibration(*figures: QuantileError, counts: tuple[Count, ...] = ()) -> Calibration:
    return Calibration(
        schema_version=calibration_record.CALIBRATION_SCHEMA_VERSION,
        created_epoch_s=1.8e9,
        elapsed_s=60,
        machine=MACHINE,
        cases=(Case(law="fixed", title="every answer takes 50 ms", rate_rps=100, figures=figures, counts=counts),),
        smallest_wait_ms=50,
        smallest_wait_of="scenarios/fanout.py",
        conditions=DISTURBED,
    )


def test_it_passes_when_everything_judged_is_within_its_bound() -> None:
    assert calibration(GOOD, UNJUDGED, counts=(EXACT,)).passed
    late = calibration(GOOD, LATE)
    assert not late.passed
    assert late.failures == ("fixed at 100/s: p99 +1.80 ms, allowed 1.00 ms",)
    assert calibration(GOOD, counts=(MISSED,)).failures == ("fixed at 100/s: dropped: 11 counted, 12 happened",)


def test_a_freeze_that_could_not_show_coordinated_omission_fails() -> None:
    blind = FromSend(percent=99, service_ms=1345, most_ms=135)
    case = Case(law="freeze", title="stands still", rate_rps=200, figures=(GOOD,), from_send=blind)
    assert not case.passed
    found = msgspec.structs.replace(calibration(), cases=(case,))
    (failure,) = found.failures
    assert failure.startswith("freeze at 200/s: p99 1345 ms from the send, allowed 135 ms")
    assert "p99 from the send" in "\n".join(result_table.lines(found))


@pytest.mark.parametrize(
    ("passed", "said"),
    [(True, "within 5 %"), (False, "NOT within 5 %"), (None, "not judged: wrk was the limit")],
)
def test_a_cross_check_says_nothing_about_latencies(passed: bool | None, said: str) -> None:
    check = msgspec.structs.replace(
        CHECKED, ratio=0.94, interval=(0.93, 0.952), passed=passed, why_not="wrk was the limit"
    )
    found = msgspec.structs.replace(calibration(GOOD), cross_check=check)
    assert found.passed
    (line,) = (line for line in result_table.lines(found) if line.startswith("pure_async /health, 4 connections: ours"))
    assert line.endswith(said)


def test_written_and_read_again_it_is_the_same(tmp_path: Path) -> None:
    written = calibration(GOOD, counts=(EXACT,))
    calibration_record.write_calibration(tmp_path, written)
    assert calibration_record.read_calibration(tmp_path) == written
    assert calibration_record.calibration_state(tmp_path, MACHINE).kind == "passed"


def test_a_plain_calibration_keeps_the_throughput_and_the_cross_check_before_it() -> None:
    earlier = msgspec.structs.replace(
        calibration(GOOD),
        created_epoch_s=1.7e9,
        throughput=SPEEDS,
        throughput_epoch_s=1.6e9,
        cross_check=CHECKED,
        cross_check_epoch_s=1.7e9,
    )
    kept = calibration_record.completed(calibration(GOOD), earlier)
    assert (kept.created_epoch_s, kept.cases) == (1.8e9, calibration(GOOD).cases)
    assert (kept.throughput, kept.throughput_epoch_s) == (SPEEDS, 1.6e9)
    assert (kept.cross_check, kept.cross_check_epoch_s) == (CHECKED, 1.7e9)
    said = [line for line in result_table.lines(kept) if "kept from" in line]
    assert [line[12:22] for line in said] == ["2020-09-13", "2023-11-14"]
    assert not [line for line in result_table.lines(earlier) if "kept from 2023" in line], (
        "its own is not an earlier one"
    )


def test_what_was_measured_again_replaces_the_one_before() -> None:
    slower = (msgspec.structs.replace(SPEEDS[0], rps=20_000), *SPEEDS[1:])
    earlier = msgspec.structs.replace(calibration(GOOD), throughput=SPEEDS, throughput_epoch_s=1.7e9)
    new = msgspec.structs.replace(calibration(GOOD), throughput=slower, throughput_epoch_s=1.8e9)
    assert calibration_record.completed(new, earlier) == new
    assert calibration_record.completed(new, None) == new


def test_nothing_is_kept_of_another_machine_or_instrument() -> None:
    other = msgspec.structs.replace(MACHINE, instrument="old")
    earlier = msgspec.structs.replace(calibration(GOOD), machine=other, throughput=SPEEDS, cross_check=CHECKED)
    assert calibration_record.completed(calibration(GOOD), earlier) == calibration(GOOD)


def test_none_is_said_so(tmp_path: Path) -> None:
    found = calibration_record.calibration_state(tmp_path, MACHINE)
    assert found.kind == "missing"
    assert "bench calibrate" in found.line


@pytest.mark.parametrize("content", [b"", b"[]", b'{"schema_version": 99}', b'{"schema_version": 2}', b"\xff"])
def test_a_damaged_or_foreign_one_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / calibration_record.FILE).write_bytes(content)
    with pytest.raises(StoreError, match=r"bench calibrate"):
        calibration_record.read_calibration(tmp_path)
    assert calibration_record.calibration_state(tmp_path, MACHINE).kind == "missing"
    assert calibration_record.adopt(tmp_path, tmp_path, MACHINE).kind == "missing"
    assert calibration_record.adopted(tmp_path)[1].kind == "missing"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cpu_model", "other"),
        ("instrument", "new"),
        ("packages", {}),
        ("host", "other"),
        ("pinning", True),
        ("available_cpus", 1),
        ("quota_cores", 1.5),
    ],
)
def test_one_of_another_machine_or_instrument_is_not_believed(tmp_path: Path, name: str, value: object) -> None:
    calibration_record.write_calibration(tmp_path, calibration(GOOD))
    other = msgspec.structs.replace(MACHINE, **{name: value})
    found = calibration_record.adopt(tmp_path, tmp_path / "nowhere", other)
    assert found.kind == "missing"
    assert name.replace("_", " ") in found.line


@pytest.mark.parametrize(("figure", "kind"), [(GOOD, "passed"), (LATE, "failed")])
def test_a_run_takes_it_along_passed_or_failed(tmp_path: Path, figure: QuantileError, kind: str) -> None:
    run = tmp_path / "run"
    run.mkdir()
    calibration_record.write_calibration(tmp_path, calibration(figure))
    assert calibration_record.adopt(tmp_path, run, MACHINE).kind == kind
    (tmp_path / calibration_record.FILE).unlink()
    assert calibration_record.adopted(run)[0] == calibration(figure)
    assert calibration_record.adopted(run)[1].kind == kind


def test_the_fingerprint_knows_this_machine_and_this_instrument() -> None:
    found = Fingerprint.of(describe(Path(__file__).parents[2]))
    assert found.logical_cpus >= 1
    assert found.packages["locust"]
    assert len(found.instrument) == 16
    assert found.differences(found) == ()


@pytest.mark.parametrize("machine_id", ["4f1c0b6a52d94b7c8f6e1d2a3b4c5d6e\n", None])
def test_the_host_is_known_by_a_digest_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine_id: str | None
) -> None:
    here = describe(Path(__file__).parents[2])
    file = tmp_path / "machine-id"
    monkeypatch.setattr(calibration_record, "_MACHINE_ID", file)
    monkeypatch.setattr("platform.node", lambda: "eniac")
    if machine_id is not None:
        file.write_text(machine_id)
    found = Fingerprint.of(here)
    said = msgspec.json.encode(found).decode()
    assert "4f1c0b6a" not in said
    assert "eniac" not in said
    assert len(found.host) == 12
    assert Fingerprint.of(here) == found
    file.write_text("another")
    assert Fingerprint.of(here).differences(found) == ("host",)
    file.unlink()
    monkeypatch.setattr("platform.node", lambda: "colossus")
    assert "host" in Fingerprint.of(here).differences(found)


def test_a_change_to_any_code_that_a_figure_passes_through_is_another_instrument(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = describe(Path(__file__).parents[2])
    copy = tmp_path / "harness"
    shutil.copytree(Path(calibration_record.__file__).parents[1], copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(instrument, "_HARNESS", copy)
    before = Fingerprint.of(here)
    for name in (
        "results/histograms.py",
        "driving/inside/kernel_stamps.py",
        "results/records/schedule.py",
        "driving/local_generator.py",
        "driving/shares.py",
        "driving/inside/client.py",
        "judging/percentiles.py",
    ):
        with (copy / name).open("a") as file:
            file.write("# changed\n")
        after = Fingerprint.of(here)
        assert after.differences(before) == ("instrument",), name
        before = after


def test_the_table_shows_every_figure_and_what_failed() -> None:
    shown = msgspec.structs.replace(
        calibration(LATE, counts=(EXACT,)),
        throughput=SPEEDS,
        cross_check=CHECKED,
    )
    text = "\n".join(result_table.lines(shown))
    assert "every answer takes 50 ms" in text
    assert "+1.80" in text
    assert "+0.40 to +2.90" in text
    assert "FAILED" in text
    assert "39 of 40" in text
    assert "25,000" in text
    assert "5.00" in text
    assert "0.25" in text
    assert "-0.2 % (-1.9 to +1.2 %), median of 3 pairs; within 5 %" in text
    assert text.splitlines()[-1] == "NOT calibrated (60 s)"
    assert "FAILED: fixed at 100/s: p99 +1.80 ms, allowed 1.00 ms" in text.splitlines()
    assert list(result_table.calibration_verdict(calibration(GOOD))) == [
        "the load generator's own uncertainty on this machine, at worst: p99 ±0.72 ms",
        "An error above 2.50 ms is a failure: 1/20 of the smallest wait of any workload (50 ms in scenarios/fanout.py)",
        "calibrated (60 s)",
    ]


def test_what_ended_a_case_early_is_a_failure_and_what_it_had_measured_is_kept() -> None:
    cut = Case(law="fixed", title="x", rate_rps=100, figures=(GOOD,), error="truth server: it has ended")
    found = msgspec.structs.replace(calibration(), cases=(cut,), errors=("throughput: no figures",))
    assert found.failures == ("fixed at 100/s: truth server: it has ended", "throughput: no figures")
    text = "\n".join(result_table.lines(found))
    assert "50.80" in text
    assert "  ended early: truth server: it has ended" in text.splitlines()


def test_what_else_was_running_and_what_would_help_is_said_plainly() -> None:
    seen, help_ = conditions_lines(DISTURBED)
    assert "other tenants of the host took 3.1 % of the CPU time" in seen
    assert "other programs used 0.31 of 2 CPUs (chrome 0.30)" in seen
    assert "in 23 % of the time a process had to wait for a CPU" in seen
    assert "load average 1.9 on 2 CPUs" in seen
    assert "server and generator shared CPU 0, 1" in seen
    assert "end chrome" in help_
    assert "a host with fewer tenants" in help_
    assert "4 or more CPUs" in help_


def test_a_quiet_machine_with_cpus_for_each_needs_no_help() -> None:
    quiet = Noise(steal_percent=0.1, load_1m=0.2, canary_ms=4.0, cpu_pressure_percent=1.0)
    found = Conditions(noise=quiet, others=(), available_cpus=(0, 1, 2, 3), server_cpus=(1, 2, 3), generator_cpus=(0,))
    (line,) = conditions_lines(found)
    assert line.startswith("While it ran: nothing else used the machine")
    assert "server on CPU 1, 2, 3, generator on CPU 0" in line
