"""What is said of arrivals that are known to be right, late, fewer, or of another law."""

from random import Random

import pytest

from harness.driving.inside.arrival_log import MOST, SentTimes
from harness.judging.arrival_figures import FEWEST, arrival_figures, by_phase
from harness.results.records.arrival_times import Arrivals
from harness.results.records.phase_record import PhaseKind, PhaseSpec
from harness.results.records.schedule import schedule

RATE_RPS = 100.0
CONSTANT = PhaseSpec("rate-30", PhaseKind.RATE, 10.0, 64, rate_rps=RATE_RPS, arrivals="constant", seed=3)
POISSON = PhaseSpec("rate-30", PhaseKind.RATE, 10.0, 64, rate_rps=RATE_RPS, arrivals="poisson", seed=3)


def intended_us(spec: PhaseSpec) -> list[int]:
    assert spec.rate_rps is not None
    return [round(s * 1e6) for s in schedule(spec.arrivals, spec.rate_rps, spec.duration_s, spec.seed)]


def arrivals(spec: PhaseSpec, sent_us: list[int], scheduled: int | None = None) -> Arrivals:
    planned = intended_us(spec)[: len(sent_us)]
    return Arrivals(spec, len(planned) if scheduled is None else scheduled, tuple(planned), tuple(sent_us))


@pytest.mark.parametrize("spec", [POISSON, CONSTANT])
def test_what_left_in_time_is_as_scheduled(spec: PhaseSpec) -> None:
    found = arrival_figures(arrivals(spec, [us + 200 for us in intended_us(spec)]))
    assert found is not None
    assert found.missing == 0
    assert found.rate_error == pytest.approx(0, abs=1e-9)
    assert found.p_value is not None
    assert found.p_value > 0.01


@pytest.mark.parametrize("spec", [POISSON, CONSTANT])
def test_a_generator_that_slows_down_is_off_in_rate(spec: PhaseSpec) -> None:
    found = arrival_figures(arrivals(spec, [round(us * 1.02) for us in intended_us(spec)]))
    assert found is not None
    assert found.rate_error == pytest.approx(0.02, rel=0.01)
    assert found.late_s == pytest.approx(0.2, rel=0.05)


@pytest.mark.parametrize("spec", [POISSON, CONSTANT])
def test_arrivals_that_never_fell_due_are_missing(spec: PhaseSpec) -> None:
    planned = intended_us(spec)
    found = arrival_figures(arrivals(spec, planned[:-20]))
    assert found is not None
    assert found.missing == pytest.approx(20 / len(planned))


def test_a_generator_that_sends_in_clumps_is_off_the_law() -> None:
    """It runs only every 50 ms, like one that shares its core with a hog."""
    found = arrival_figures(arrivals(POISSON, [-(-us // 50_000) * 50_000 for us in intended_us(POISSON)]))
    assert found is not None
    assert found.distance is not None and found.p_value is not None
    assert found.distance > 0.5
    assert found.p_value < 1e-6


def test_constant_arrivals_are_no_poisson_process_and_a_pause_is_not_constant() -> None:
    uniform = intended_us(CONSTANT)
    found = arrival_figures(Arrivals(POISSON, len(uniform), tuple(uniform), tuple(uniform)))
    assert found is not None and found.p_value is not None
    assert found.p_value < 1e-6
    paused = [us if us < 2_000_000 else max(us, 5_000_000) for us in uniform]
    found = arrival_figures(arrivals(CONSTANT, paused))
    assert found is not None and found.p_value is not None
    assert found.p_value < 1e-6


def test_the_law_is_hardly_ever_said_to_be_broken_when_it_is_not() -> None:
    """1,000 phases of all lengths; at p < 0.001 about one is."""
    random, said = Random(1), 0
    for seed in range(1000):
        spec = PhaseSpec("rate", PhaseKind.RATE, random.uniform(0.5, 5), 64, rate_rps=100.0, seed=seed)
        found = arrival_figures(arrivals(spec, intended_us(spec)))
        said += found is not None and found.p_value is not None and found.p_value < 0.001
    assert said <= 5


def test_few_arrivals_have_no_law_and_none_no_rate() -> None:
    found = arrival_figures(arrivals(POISSON, intended_us(POISSON)[: FEWEST - 1]))
    assert found is not None
    assert found.distance is None
    nothing = arrival_figures(arrivals(POISSON, [], scheduled=0))
    assert nothing is not None
    assert (nothing.missing, nothing.rate_error) == (1.0, 0.0)


def test_figures_are_by_phase_with_one_for_each_generator() -> None:
    line = arrivals(POISSON, intended_us(POISSON))
    closed = Arrivals(PhaseSpec("capacity", PhaseKind.CAPACITY, 1.0, 1), 0, (), ())
    found = by_phase([line, closed, line])
    assert {name: len(figures) for name, figures in found.items()} == {"rate-30": 2}


def test_what_ended_in_another_order_is_sorted_and_memory_is_bounded() -> None:
    times = SentTimes()
    for moment_s in (12.0, 11.0, 13.0):
        times.add(moment_s, moment_s + 0.0005, None)
    record = times.record(POISSON, scheduled=5, start_s=10.0)
    assert record.intended_us == (1_000_000, 2_000_000, 3_000_000)
    assert record.sent_us == (1_000_500, 2_000_500, 3_000_500)
    assert record.scheduled == 5
    for number in range(MOST + 10):
        times.add(float(number), float(number), None)
    assert len(times.record(POISSON, 0, 0.0).sent_us) == MOST


def test_the_generators_own_lag_is_of_all_requests_and_ends_where_the_wait_for_a_user_begins() -> None:
    times = SentTimes()
    assert times.own_lag_p99_ms is None
    times.add(1.0, 1.5, None)
    assert times.own_lag_p99_ms == pytest.approx(500, rel=1e-3), "the largest of few"
    for number in range(2 * MOST):
        times.add(float(number), number + 0.001, None)
    assert times.own_lag_p99_ms == pytest.approx(1.0, rel=2e-3)
    for number in range(2 * MOST):
        times.add(float(number), number + 9.0, number + 0.002)
    assert times.own_lag_p99_ms == pytest.approx(2.0, rel=2e-3)


def test_a_stall_of_the_generator_is_its_own_lag_though_all_users_seem_busy() -> None:
    """0.2 s of standing still at 1,000/s with 8 users: most of the overdue find no user that looks free."""
    times = SentTimes()
    for number in range(800):
        times.add(number / 1e3, number / 1e3 + 0.0002, None)
    for number in range(800, 1000):
        late_s = 1.0 + (number - 800) * 1e-4
        times.add(number / 1e3, late_s, 1.0 if number >= 808 else None)
    assert times.own_lag_p99_ms == pytest.approx(190, abs=3)
