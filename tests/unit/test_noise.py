"""The machine's noise, from its counters."""

from __future__ import annotations

import sys
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.machine.noise import (
    QUIET_SHARE,
    CpuTimes,
    Moment,
    NoiseWatch,
    busy_share,
    canary_ms,
    difference,
    foreign_cores,
    noise_between,
    pressure_in,
    read_moment,
    steal_percent,
    wait_until_quiet,
)

shares = st.floats(0, 1)


def moment(at_s: float = 0.0, *, idle_s: float = 0.0, own_s: float = 0.0, pressure_s: float | None = None) -> Moment:
    return Moment(
        monotonic_s=at_s,
        cpu=CpuTimes(total_s=2 * at_s, idle_s=idle_s, steal_s=0.0),
        own_s=own_s,
        throttled_s=None,
        pressure_s=pressure_s,
    )


@given(idle=shares, own=shares)
def test_what_is_neither_idle_nor_ours_is_busy(idle: float, own: float) -> None:
    share = busy_share(moment(10.0), moment(12.0, idle_s=4 * idle, own_s=4 * own), cpus=2)
    assert share == pytest.approx(max(0.0, 1 - idle - own))


def test_no_time_passed_is_not_busy() -> None:
    assert busy_share(moment(1.0), moment(1.0), cpus=2) == 0.0


def test_steal_is_a_share_of_all_cpu_time() -> None:
    before = CpuTimes(total_s=100.0, idle_s=0.0, steal_s=5.0)
    assert steal_percent(before, CpuTimes(total_s=120.0, idle_s=0.0, steal_s=11.0)) == pytest.approx(30.0)
    assert steal_percent(before, CpuTimes(total_s=120.0, idle_s=0.0, steal_s=4.9)) == 0.0, "steal may be set back"
    assert steal_percent(before, CpuTimes(total_s=120.0, idle_s=0.0, steal_s=None)) is None
    assert steal_percent(before, before) is None


def test_a_counter_grows_or_is_unknown() -> None:
    assert difference(1.0, 3.5) == 2.5
    assert difference(3.5, 1.0) == 0.0
    assert difference(None, 1.0) is None
    assert difference(1.0, None) is None


def test_pressure_is_read_from_its_some_line() -> None:
    text = "some avg10=2.85 avg60=1.54 avg300=0.58 total=9676115\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
    assert pressure_in(text) == pytest.approx(9.676115)
    assert pressure_in("") is None


def test_noise_is_what_happened_between_two_moments() -> None:
    noise = noise_between(moment(10.0, pressure_s=1.0), moment(20.0, pressure_s=3.0), canary=4.0, load_1m=0.5)
    assert noise.cpu_pressure_percent == pytest.approx(20.0)
    assert (noise.canary_ms, noise.load_1m, noise.throttled_s) == (4.0, 0.5, None)


def test_waiting_ends_with_the_first_quiet_look() -> None:
    seen = [0.9, QUIET_SHARE + 0.01, QUIET_SHARE, 0.9]
    wait_until_quiet(60.0, look=lambda: seen.pop(0))
    assert seen == [0.9]


def test_a_quiet_look_that_outlasts_the_limit_is_no_busy_machine() -> None:
    def quiet() -> float:
        time.sleep(0.03)
        return 0.0

    assert wait_until_quiet(0.02, look=quiet) < 0.02


def test_waiting_ends_at_its_limit_on_a_machine_that_is_never_quiet() -> None:
    looks: list[float] = []

    def busy() -> float:
        looks.append(time.monotonic())
        return 1.0

    assert wait_until_quiet(0.02, look=busy) >= 0.02
    assert looks
    assert min(wait_until_quiet(0.0, look=busy) for _ in range(5)) < 0.02


def test_our_own_work_is_told_apart() -> None:
    before = read_moment()
    while time.process_time() < before.own_s + 0.02:
        pass
    assert read_moment().own_s >= before.own_s + 0.02


def test_the_canary_takes_about_what_one_wants_to_spend_on_it() -> None:
    assert 0.5 < min(canary_ms() for _ in range(3)) < 100


def test_a_watch_on_this_machine() -> None:
    watch = NoiseWatch()
    before = read_moment()
    noise = watch.finish()
    assert noise.canary_ms > 0
    assert noise.load_1m is not None
    assert read_moment().cpu.total_s >= before.cpu.total_s
    if sys.platform == "linux":
        assert before.cpu.steal_s is not None


def test_interrupts_are_no_other_program() -> None:
    before = moment(10.0)
    after = moment(12.0, idle_s=1.0, own_s=0.5)
    assert foreign_cores(before, after, 1.5) == pytest.approx((4.0 - 1.0 - 0.5 - 1.5) / 2)
    network = msgspec.structs.replace(after, cpu=msgspec.structs.replace(after.cpu, interrupts_s=0.8))
    assert foreign_cores(before, network, 1.5) == pytest.approx((4.0 - 1.0 - 0.5 - 1.5 - 0.8) / 2)
