"""The figures of one slice's phases, from its record, histograms, samples and probe lines. Pure.

What is missing or cut off leaves its figures None; the rest is still there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.judging.figures import PhaseFigures
from harness.judging.idle_cost import IdleCost
from harness.judging.percentiles import exact_latencies, latencies
from harness.judging.probing import ProbeFigures, probe_figures
from harness.judging.usage import TreeUsage, services_usage, tree_usage
from harness.results.histograms import Histogram, Histograms
from harness.results.records.metric import Metric
from harness.results.records.outcome import Outcome
from harness.results.records.phase_record import PhaseKind, PhaseRecord
from harness.results.records.probe_line import ProbeLine
from harness.results.records.sample import Sample
from harness.results.records.slice_record import SliceRecord


def phase_figures(
    record: SliceRecord,
    origin_monotonic_s: float,
    histograms: Histograms,
    samples: Sequence[Sample],
    probes: Mapping[int, Sequence[ProbeLine]],
    idle_cost: IdleCost | None = None,
    deadline_ms: float | None = None,
) -> dict[str, PhaseFigures]:
    """Figures by phase name; `probes` are the lines by worker PID. Without an `idle_cost` nothing is taken off, without
    a `deadline_ms` nothing is counted as in time."""
    return {
        phase.spec.name: _phase_figures(
            phase,
            histograms,
            target=tree_usage(samples, "target", phase),
            generator=tree_usage(samples, "generator", phase),
            services=services_usage(samples, phase),
            probe=probe_figures(probes, phase, origin_monotonic_s),
            idle_cost=idle_cost,
            in_time_rps=_in_time_rps(phase, histograms, deadline_ms),
        )
        for phase in record.phases
    }


def _phase_figures(
    phase: PhaseRecord,
    histograms: Histograms,
    *,
    target: TreeUsage,
    generator: TreeUsage,
    services: Mapping[str, TreeUsage],
    probe: ProbeFigures,
    idle_cost: IdleCost | None,
    in_time_rps: float | None,
) -> PhaseFigures:
    duration_s = max(0.0, phase.end_s - phase.start_s)
    service, response, send_lag, health = (
        latencies(histograms, phase.spec.name, metric)
        for metric in (Metric.SERVICE, Metric.RESPONSE, Metric.SEND_LAG, Metric.HEALTH)
    )
    return PhaseFigures(
        name=phase.spec.name,
        kind=phase.spec.kind,
        status=phase.status,
        reason=phase.reason,
        duration_s=duration_s,
        offered_rps=phase.spec.rate_rps,
        goodput_rps=phase.ok_in_window / duration_s if duration_s else 0.0,
        scheduled=phase.scheduled,
        outcomes=phase.outcomes,
        censored=phase.censored,
        service_p50=service.percentile(500),
        service_p90=service.percentile(900),
        service_p99=service.percentile(990),
        response_p50=response.percentile(500),
        response_p90=response.percentile(900),
        response_p99=response.percentile(990),
        response_p999=response.percentile(999),
        send_lag_p99=send_lag.percentile(990),
        own_lag_p99_ms=phase.own_lag_p99_ms,
        generator_own_cores=_share(phase.own_cpu_s, duration_s),
        generator_wait_share=_share(phase.own_cpu_wait_s, duration_s),
        queued=phase.queued,
        health_p50=health.percentile(500),
        health_p99=health.percentile(990),
        target_cpu_s=target.cpu_s,
        generator_cpu_s=generator.cpu_s,
        services_cpu_s=_sum(usage.cpu_s for usage in services.values()),
        target_cpu_s_per_1000=_cpu_s_per_1000(phase, target, idle_cost),
        target_idle_cores=None if idle_cost is None else idle_cost.cores,
        target_cores=target.cores,
        generator_cores=generator.cores,
        services_cores=_sum(usage.cores for usage in services.values()),
        cores_by_service={name: usage.cores for name, usage in services.items() if usage.cores is not None},
        target_rss_max_bytes=target.rss_max_bytes,
        target_pss_max_bytes=target.pss_max_bytes,
        target_threads_max=target.threads_max,
        target_processes_max=target.processes_max,
        ctx_voluntary=target.ctx_voluntary,
        ctx_involuntary=target.ctx_involuntary,
        loop_lag_p50_ms=value_ms(probe.lags, 500),
        loop_lag_p99_ms=value_ms(probe.lags, 990),
        loop_lag_max_ms=probe.lags.at_rank(probe.lags.total) / 1000 if probe.lags.total else None,
        limiter_borrowed_max=probe.limiter_borrowed_max,
        limiter_waiting_max=probe.limiter_waiting_max,
        pool_wait_p50_ms=value_ms(probe.pool_waits, 500),
        pool_wait_p99_ms=value_ms(probe.pool_waits, 990),
        pool_waiting_max=probe.pool_waiting_max,
        requests_by_pid=probe.requests_by_pid,
        in_time_rps=in_time_rps,
        recorded=histograms.merged(phase.spec.name, Outcome, Metric.RESPONSE).total,
        probe_lines=probe.lines,
    )


def _in_time_rps(phase: PhaseRecord, histograms: Histograms, deadline_ms: float | None) -> float | None:
    """Of those that were scheduled in the phase, whenever their answers came. A closed loop has no schedule to be late
    against; and a log that is cut off does not know."""
    duration_s = phase.end_s - phase.start_s
    if deadline_ms is None or phase.spec.kind is not PhaseKind.RATE or duration_s <= 0:
        return None
    right = histograms.merged(phase.spec.name, (Outcome.OK,), Metric.RESPONSE)
    if right.total < phase.outcomes.get(Outcome.OK, 0):
        return None
    late = round(right.share_above(1000 * deadline_ms) * right.total) if right.total else 0
    return (right.total - late) / duration_s


def _share(part_s: float | None, duration_s: float) -> float | None:
    return None if part_s is None or not duration_s else part_s / duration_s


def value_ms(values: Histogram, permille: int) -> float | None:
    """A percentile of measured values, in ms; None with too few."""
    found = exact_latencies(values).percentile(permille)
    return None if found is None else found.value_ms


def _cpu_s_per_1000(phase: PhaseRecord, target: TreeUsage, idle_cost: IdleCost | None) -> float | None:
    """A closed loop begins and ends with all users asking, so what was used and answered within it counts. An open loop
    begins empty, and its last requests cost CPU time after its end: what all of them used counts, and all answers.

    What the target would have used in that time without them is taken off: at low rates it is half of the whole."""
    if phase.spec.kind is PhaseKind.RATE:
        cpu_s, elapsed_s, answered = (
            target.cpu_until_drained_s,
            target.until_drained_s,
            phase.outcomes.get(Outcome.OK, 0),
        )
    else:
        cpu_s, elapsed_s, answered = target.cpu_s, target.elapsed_s, phase.ok_in_window
    if cpu_s is None or not answered or (idle_cost is not None and idle_cost.is_less_under_load):
        return None
    idle_s = 0.0 if idle_cost is None else idle_cost.within_s(elapsed_s, phase)
    return 1000 * max(0.0, cpu_s - idle_s) / answered


def _sum(values: Iterable[float | None]) -> float | None:
    """None when nothing is known."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
