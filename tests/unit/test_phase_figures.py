"""A phase's figures from raw data: each from its own source, and without that source only it is missing."""

from __future__ import annotations

import msgspec
import pytest

from harness.judging.idle_cost import IdleCost
from harness.judging.phase_figures import phase_figures
from harness.results.histograms import Histograms, Interval, Tag
from harness.results.records.metric import Metric
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord, PhaseSpec, PhaseStatus
from harness.results.records.probe_line import ProbeLine
from harness.results.records.sample import Sample
from harness.results.records.slice_record import SliceRecord, SliceSpec
from tests.made_slices import histogram

CAPACITY = PhaseRecord(
    spec=PhaseSpec("capacity", PhaseKind.CAPACITY, 4.0, 64),
    status=PhaseStatus.COMPLETE,
    start_s=2.0,
    end_s=6.0,
    scheduled=210,
    outcomes={Outcome.OK: 200, Outcome.HTTP_ERROR: 10},
    ok_in_window=200,
)
SKIPPED = PhaseRecord(
    spec=PhaseSpec("rate-70", PhaseKind.RATE, 4.0, 256, rate_rps=70.0), status=PhaseStatus.SKIPPED, reason="had choked"
)
ORIGIN_S = 1000.0
RECORD = SliceRecord(
    spec=SliceSpec(1, 0, "io", "sync_def"),
    boot=1,
    elapsed_s=10.0,
    phases=(CAPACITY, SKIPPED),
)
HISTOGRAMS = Histograms(
    {
        Tag("capacity", outcome, metric): (Interval(2.0, 1.0, histogram([us] * many)),)
        for outcome, metric, us, many in (
            (Outcome.OK, Metric.SERVICE, 100_000, 200),
            (Outcome.OK, Metric.RESPONSE, 110_000, 200),
            (Outcome.OK, Metric.SEND_LAG, 10_000, 200),
            (Outcome.HTTP_ERROR, Metric.RESPONSE, 1_000, 10),
            (Outcome.OK, Metric.HEALTH, 2_000, 20),
        )
    }
)
SAMPLES = [
    Sample(t_s=t_s, tree=tree, cpu_s=cpu_s, rss_bytes=7, processes=1, mark=f"capacity:{mark}")
    for tree, used_s in (("target", 3.0), ("generator", 1.0), ("services", 0.5))
    for t_s, cpu_s, mark in ((2.0, 1.0, "start"), (6.0, 1.0 + used_s, "end"))
]
PROBES = {
    7: [
        ProbeLine(t_s=1002.0 + n / 2, requests=25 * n, in_flight=3, lags_us=(1000,) * 20, limiter_waiting=n)
        for n in range(9)
    ]
}


def test_every_figure_of_a_whole_slice() -> None:
    phase = phase_figures(RECORD, ORIGIN_S, HISTOGRAMS, SAMPLES, PROBES)["capacity"]
    assert phase.goodput_rps == 50.0
    assert (phase.scheduled, phase.recorded) == (210, 210)
    assert phase.service_p50 and phase.service_p50.value_ms == 100.0
    # The ten fast failures are not among the 200, or the median would be of 210.
    assert phase.response_p99 and (phase.response_p99.value_ms, phase.response_p99.samples) == (110.0, 200)
    assert phase.response_p999 is None
    assert phase.send_lag_p99 and phase.send_lag_p99.value_ms == 10.0
    assert phase.health_p50 and phase.health_p50.value_ms == 2.0
    assert phase.health_p99 is None
    assert (phase.target_cpu_s, phase.generator_cpu_s, phase.services_cpu_s) == (3.0, 1.0, 0.5)
    assert (phase.target_cores, phase.generator_cores, phase.services_cores) == (0.75, 0.25, 0.125)
    assert phase.target_cpu_s_per_1000 == pytest.approx(15.0)
    assert (phase.loop_lag_p50_ms, phase.loop_lag_p99_ms, phase.loop_lag_max_ms) == (1.0, 1.0, 1.0)
    assert (phase.limiter_waiting_max, phase.probe_lines) == (8, 8)
    assert phase.requests_by_pid == {7: 200}


def test_a_missing_source_takes_only_its_own_figures_along() -> None:
    without_latencies = phase_figures(RECORD, ORIGIN_S, Histograms({}), SAMPLES, PROBES)["capacity"]
    assert (without_latencies.response_p50, without_latencies.recorded) == (None, 0)
    assert (without_latencies.goodput_rps, without_latencies.target_cpu_s) == (50.0, 3.0)
    without_samples = phase_figures(RECORD, ORIGIN_S, HISTOGRAMS, [], PROBES)["capacity"]
    assert (without_samples.target_cpu_s, without_samples.target_cpu_s_per_1000) == (None, None)
    assert without_samples.response_p50 is not None
    without_probe = phase_figures(RECORD, ORIGIN_S, HISTOGRAMS, SAMPLES, {})["capacity"]
    assert (without_probe.loop_lag_max_ms, without_probe.limiter_waiting_max) == (None, None)
    assert without_probe.target_cpu_s == 3.0


def test_a_phase_that_was_skipped_says_so_and_divides_by_nothing() -> None:
    phase = phase_figures(RECORD, ORIGIN_S, HISTOGRAMS, SAMPLES, PROBES)["rate-70"]
    assert (phase.status, phase.reason, phase.offered_rps) == (PhaseStatus.SKIPPED, "had choked", 70.0)
    assert (phase.goodput_rps, phase.duration_s, phase.target_cpu_s) == (0.0, 0.0, None)


def test_cpu_per_request_of_an_open_loop_is_of_all_its_answers_until_the_last() -> None:
    """40 requests of 10 ms of CPU time, 10 of them worked on after the end: all but the slowest count in the window."""
    rate = PhaseRecord(
        spec=PhaseSpec("rate-10", PhaseKind.RATE, 4.0, 256, rate_rps=10.0),
        status=PhaseStatus.COMPLETE,
        start_s=2.0,
        end_s=6.0,
        drained_s=7.0,
        scheduled=40,
        outcomes={Outcome.OK: 40},
        ok_in_window=39,
    )
    edges = [
        Sample(t_s=t_s, tree="target", cpu_s=cpu_s, rss_bytes=7, processes=1, mark=f"rate-10:{mark}")
        for t_s, cpu_s, mark in ((2.0, 1.0, "start"), (6.0, 1.3, "end"), (7.002, 1.4, "drained"))
    ]
    record = msgspec.structs.replace(RECORD, phases=(rate,))
    phase = phase_figures(record, ORIGIN_S, Histograms({}), edges, {})["rate-10"]
    assert phase.target_cpu_s == pytest.approx(0.3)
    assert phase.target_cpu_s_per_1000 == pytest.approx(10.0)
    # 0.02 cores while idle for 5.002 s, the drain among them: 0.3 s of CPU time are left for the 40 requests.
    without_idle = phase_figures(record, ORIGIN_S, Histograms({}), edges, {}, idle_cost=IdleCost(1, 0.02))["rate-10"]
    assert without_idle.target_cpu_s_per_1000 == pytest.approx(1000 * (0.4 - 0.02 * 5.002) / 40)
    cut_off = phase_figures(record, ORIGIN_S, Histograms({}), edges[:2], {})["rate-10"]
    assert (cut_off.target_cpu_s, cut_off.target_cpu_s_per_1000) == (pytest.approx(0.3), None)


def test_what_the_target_uses_while_idle_is_no_cost_of_a_request() -> None:
    """3 s of CPU in 4 s, 0.25 cores of it whether anybody asks or not: 2 s for 200 right answers."""
    phase = phase_figures(RECORD, ORIGIN_S, HISTOGRAMS, SAMPLES, PROBES, IdleCost(1, 0.25))["capacity"]
    assert (phase.target_cpu_s, phase.target_cores, phase.target_idle_cores) == (3.0, 0.75, 0.25)
    assert phase.target_cpu_s_per_1000 == pytest.approx(10.0)
    blocked = msgspec.structs.replace(
        CAPACITY, health_scheduled=120, health_outcomes={Outcome.OK: 30, Outcome.TIMEOUT: 90}
    )
    of_blocked = phase_figures(
        msgspec.structs.replace(RECORD, phases=(blocked,)),
        ORIGIN_S,
        HISTOGRAMS,
        SAMPLES,
        PROBES,
        IdleCost(1, always_cores=0.1, check_s=0.001, checks_per_s=30.0),
    )["capacity"]
    assert of_blocked.target_cpu_s_per_1000 == pytest.approx(1000 * (3.0 - 0.1 * 4 - 30 * 0.001) / 200), "30 of 120"
    used_less = [SAMPLES[0], msgspec.structs.replace(SAMPLES[1], cpu_s=1.1)]
    all_of_it = phase_figures(RECORD, ORIGIN_S, HISTOGRAMS, used_less, PROBES, IdleCost(1, 0.1))["capacity"]
    assert all_of_it.target_cpu_s_per_1000 == 0.0, "never below nothing"
    busy = phase_figures(RECORD, ORIGIN_S, HISTOGRAMS, SAMPLES, PROBES, IdleCost(1, 0.52))["capacity"]
    assert (busy.target_idle_cores, busy.target_cpu_s_per_1000) == (0.52, None), "under load it gets less, who knows"
    unknown = phase_figures(RECORD, ORIGIN_S, HISTOGRAMS, SAMPLES, PROBES)["capacity"]
    assert (unknown.target_idle_cores, unknown.target_cpu_s_per_1000) == (None, pytest.approx(15.0))


@pytest.mark.parametrize(
    ("requests", "duration_s", "drain_s"),
    [(52, 1.3, 0.12), (45, 3.9, 0.2), (45, 3.9, 2.0), (6, 1.3, 2.0)],
    ids=["waits 100 ms", "asks five others", "waits 2 s", "few, and waits 2 s"],
)
def test_nobody_checks_health_during_the_drain(requests: int, duration_s: float, drain_s: float) -> None:
    """2 ms of CPU time for each request, 10 ms a second for timers, and 1 ms for each of 30 checks a second, which end
    with the phase: the drain costs the timers' part only."""
    checks = int(30 * duration_s)
    end_s, drained_s = 2.0 + duration_s, 2.0 + duration_s + drain_s
    used_s = 0.01 * (duration_s + drain_s) + 0.001 * checks + 0.002 * requests
    rate = PhaseRecord(
        spec=PhaseSpec("rate-10", PhaseKind.RATE, duration_s, 256, rate_rps=requests / duration_s),
        status=PhaseStatus.COMPLETE,
        start_s=2.0,
        end_s=end_s,
        drained_s=drained_s,
        scheduled=requests,
        outcomes={Outcome.OK: requests},
        ok_in_window=requests,
        health_scheduled=checks,
        health_outcomes={Outcome.OK: checks},
    )
    edges = [
        Sample(t_s=t_s, tree="target", cpu_s=cpu_s, rss_bytes=7, processes=1, mark=f"rate-10:{mark}")
        for t_s, cpu_s, mark in ((2.0, 1.0, "start"), (end_s, 1.0, "end"), (drained_s, 1.0 + used_s, "drained"))
    ]
    record = msgspec.structs.replace(RECORD, phases=(rate,))
    idle_cost = IdleCost.measured(0.01 + 0.001 * 30, checks_per_s=30.0, workers=1)
    phase = phase_figures(record, ORIGIN_S, Histograms({}), edges, {}, idle_cost)["rate-10"]
    assert phase.target_cpu_s_per_1000 == pytest.approx(2.0)


def test_cpu_per_request_of_no_request_is_unknown() -> None:
    nothing = msgspec.structs.replace(CAPACITY, ok_in_window=0)
    phase = phase_figures(msgspec.structs.replace(RECORD, phases=(nothing,)), ORIGIN_S, HISTOGRAMS, SAMPLES, PROBES)[
        "capacity"
    ]
    assert (phase.goodput_rps, phase.target_cpu_s, phase.target_cpu_s_per_1000) == (0.0, 3.0, None)


def test_in_time_are_the_right_answers_within_the_deadline_whenever_they_came() -> None:
    """Of 40 arrivals in 4 s 30 were answered right, 20 of them within 250 ms; 6 refusals came at once."""
    rate = PhaseRecord(
        spec=PhaseSpec("rate-150", PhaseKind.RATE, 4.0, 256, rate_rps=10.0),
        status=PhaseStatus.COMPLETE,
        start_s=2.0,
        end_s=6.0,
        drained_s=9.0,
        scheduled=40,
        outcomes={Outcome.OK: 30, Outcome.REFUSED: 6, Outcome.TIMEOUT: 4},
        ok_in_window=25,
    )
    log = Histograms(
        {
            Tag("rate-150", outcome, Metric.RESPONSE): (Interval(2.0, 1.0, histogram(values_us)),)
            for outcome, values_us in (
                (Outcome.OK, [250_000] * 20 + [251_000] * 10),
                (Outcome.REFUSED, [1_000] * 6),
                (Outcome.TIMEOUT, [240_000] * 4),
            )
        }
    )
    record = msgspec.structs.replace(RECORD, phases=(CAPACITY, rate))
    figures = phase_figures(record, ORIGIN_S, log, [], {}, deadline_ms=250.0)
    assert figures["rate-150"].in_time_rps == pytest.approx(20 / 4.0)
    assert figures["rate-150"].goodput_rps == pytest.approx(25 / 4.0)
    assert figures["capacity"].in_time_rps is None  # it has no schedule to be late against
    assert phase_figures(record, ORIGIN_S, log, [], {})["rate-150"].in_time_rps is None
    cut_off = phase_figures(record, ORIGIN_S, Histograms({}), [], {}, deadline_ms=250.0)["rate-150"]
    assert cut_off.in_time_rps is None
