"""What the probe saw in a phase: all workers' ticks, and also those that a blocked loop could not make."""

from __future__ import annotations

from harness.judging.probing import probe_figures
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus
from harness.results.records.probe_line import ProbeLine

ORIGIN_S = 1000.0
PHASE = PhaseRecord(
    spec=PhaseSpec("capacity", PhaseKind.CAPACITY, 4.0, 64), status=PhaseStatus.COMPLETE, start_s=2.0, end_s=6.0
)


def line(t_s: float, requests: int = 0, lags_us: tuple[int, ...] = (), **more: int) -> ProbeLine:
    return ProbeLine(t_s=ORIGIN_S + t_s, requests=requests, in_flight=0, lags_us=lags_us, **more)


def test_waits_for_a_connection_are_of_all_workers_within_the_phase() -> None:
    probes = {
        1: [line(1.9, pool_waiting=50), line(2.5, pool_waiting=4), line(2.6)],
        2: [
            ProbeLine(ORIGIN_S + 5.9, 9, 0, pool_waits_us=(30, 10)),
            ProbeLine(ORIGIN_S + 6.1, 9, 0, pool_waits_us=(7,)),
        ],
    }
    seen = probe_figures(probes, PHASE, ORIGIN_S)
    assert seen.pool_waits.values_us.tolist() == [10, 30]
    assert seen.pool_waiting_max == 4
    assert probe_figures({1: [line(6.5)]}, PHASE, ORIGIN_S).pool_waiting_max is None


def test_lags_and_limiter_are_of_all_workers_within_the_phase() -> None:
    probes = {
        1: [line(1.9, lags_us=(9999,), limiter_waiting=99), line(2.5, lags_us=(10, 20), limiter_waiting=3)],
        2: [line(5.9, lags_us=(30,), limiter_borrowed=40), line(6.1, lags_us=(8,), limiter_borrowed=41)],
    }
    seen = probe_figures(probes, PHASE, ORIGIN_S)
    assert seen.lags.values_us.tolist() == [10, 20, 30]
    assert (seen.lines, seen.limiter_waiting_max, seen.limiter_borrowed_max) == (2, 3, 40)


def test_a_loop_that_was_blocked_over_the_whole_phase_is_not_free_of_lag() -> None:
    blocked = [line(1.9, lags_us=(5,)), line(3.0, overdue_us=1_000_000), line(5.9, overdue_us=3_900_000)]
    seen = probe_figures({1: blocked}, PHASE, ORIGIN_S)
    assert seen.lags.values_us.max() == 3_900_000
    assert seen.lags.total == 3_900_000 // 20_000
    assert seen.lines == 2


def test_a_loop_that_was_blocked_only_for_a_while_is_counted_once() -> None:
    stalled = [line(3.0, overdue_us=500_000), line(3.5, lags_us=(600_000,)), line(5.9, lags_us=(10,))]
    assert probe_figures({1: stalled}, PHASE, ORIGIN_S).lags.values_us.tolist() == [10, 600_000]


def test_requests_are_counted_from_edge_to_edge_for_each_worker() -> None:
    probes = {
        1: [line(1.5, 100), line(2.5, 200), line(5.5, 800), line(6.5, 900)],
        2: [line(3.0, 50), line(5.0, 70)],  # started within the phase, and cut off
        3: [line(7.0, 500)],  # of a later server
        4: [line(1.0, 10), line(7.0, 10)],  # idle
    }
    assert probe_figures(probes, PHASE, ORIGIN_S).requests_by_pid == {1: 700, 2: 70}


def test_no_probe_is_no_figure() -> None:
    seen = probe_figures({}, PHASE, ORIGIN_S)
    assert (seen.lags.total, seen.lines, seen.limiter_waiting_max, seen.requests_by_pid) == (0, 0, None, {})
