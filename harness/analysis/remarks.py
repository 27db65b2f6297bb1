"""What a reader of a slice should know; none of it makes the slice unbelievable. Pure."""

from __future__ import annotations

from harness.judging.context import Context, Rule, info, was_free_to_send
from harness.judging.idle_cost import HEALTH_CHECK_S, IDLE_WORKER_CORES
from harness.judging.steadiness import response_trend
from harness.judging.validity import TREND_P_VALUE
from harness.results.records.finding import Finding
from harness.results.records.outcome import Outcome, error_count
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.records.text import count

PROBE_LINES_PER_S = 10.0  # see `ProbeLine`
PROBE_SILENT_SHARE = 0.5
UNEVEN_SHARE = 1.5  # the busiest worker's requests over an even share
UNEVEN_MIN_REQUESTS = 100
FAILED_SHARE = 0.01
# Linux's pressure stall information counts our own tasks, too. On two shared cores whole runs had 2-35 % while nothing
# else ran (strategies that compute had the most), and 50-90 % while somebody else measured on it.
PRESSURE_PERCENT = 50.0
# When a quota is used up, its processes stop for the rest of a period of 100 ms (the default; sched-bwc.rst in Linux):
# 1 % of a slice is about one such stop in ten seconds, each as long as a whole answer takes.
THROTTLED_SHARE = 0.01
# Queues at a high load come and go, and begin empty: only a large trend is said.
PILE_TIMES = 5 / 3  # as `validity.TREND_INVALID_CHANGE`: the first third is 40 % below the last
# On two shared cores the generator waited for 0.0 to 3.1 % of a closed loop, whatever the strategy (docs/priority.md).
# 1 % of waiting costs about 1 % of the capacity at most, and 5 % is what makes a difference here (`stats.SAME_WITHIN`).
WAIT_SHARE = 0.05
IDLE_TIMES = 5  # what is usual: more is work of the app itself
# Over the life of a server the memory of nine strategies on four workloads rose by up to 8 MiB, most of it in one third
# of the answers. What is kept for each request has its part in every third: half of the mean, to allow for noise.
GROWN_BYTES, GROWN_SHARE, LEAST_THIRD = 16 << 20, 0.05, 0.5
# By chance once in a thousand phases. With many requests the test also finds a tenth of a millisecond, which does not
# matter: hence a limit for the distance.
LAW_P_VALUE, LAW_DISTANCE = 0.001, 0.1


def failed_requests(context: Context) -> Finding | None:
    for phase in context.measured:
        failed = error_count(phase.outcomes) - phase.outcomes.get(Outcome.WRONG_ANSWER, 0)  # that is its own finding
        if failed > FAILED_SHARE * phase.scheduled:
            return info(
                "failed_requests",
                f"{phase.name}: {failed} of {count(phase.scheduled, 'request')} ended in an HTTP or connection error "
                f"(limit {FAILED_SHARE:.0%}); they are not in the percentiles",
                "read server.log",
            )
    return None


def warmup_not_settled(context: Context) -> Finding | None:
    if context.record.spec.is_pilot:  # it only looks for the rates, and has little time
        return None
    for phase in context.record.phases:
        if phase.settled is False and phase.scheduled:
            return info(
                "warmup_not_settled",
                f"{phase.spec.name}: after its limit of {phase.spec.duration_s:g} s the answer times of "
                f"{count(phase.spec.users, 'user')} had not settled ({count(phase.ok_in_window, 'answer')} came)",
                "expected where each user gets fewer than three answers in that time; elsewhere raise warmup_s",
            )
    return None


def log_cut_off(context: Context) -> Finding | None:
    for phase in context.measured:
        if phase.recorded < phase.scheduled:
            return info(
                "log_cut_off",
                f"{phase.name}: response times of {phase.recorded} of {phase.scheduled} requests are in latency.hlog",
                "its percentiles are of those only; goodput is not affected",
            )
    return None


def samples_missing(context: Context) -> Finding | None:
    for phase in context.measured:
        if phase.target_cpu_s is None:
            return info(
                "samples_missing",
                f"{phase.name}: samples.jsonl does not cover this phase",
                "it has no CPU and memory figures; measure again to have them",
            )
    return None


def service_not_sampled(context: Context) -> Finding | None:
    own = [name for name in context.workload.services if name in context.own_services]
    if not own:
        return None
    return info(
        "service_not_sampled",
        f"{', '.join(own)} is somebody's own, and its CPU use is not known: it may have been the bottleneck",
        "watch it while a run goes on, or leave out the option that names it, so that one is made for the run",
    )


def cost_unknown(context: Context) -> Finding | None:
    """An open loop's last requests cost CPU time after its end: without a sample from then the cost is unknown."""
    phases = [
        phase.name
        for phase in context.measured
        if phase.kind is PhaseKind.RATE
        and phase.target_cpu_s is not None
        and phase.target_cpu_s_per_1000 is None
        and phase.outcomes.get(Outcome.OK, 0)
    ]
    too_busy = context.idle_cost is not None and context.idle_cost.is_less_under_load  # said by busy_while_idle
    if not phases or too_busy:
        return None
    return info(
        "cost_unknown",
        f"samples.jsonl ends too early: no CPU time is known after the end of {', '.join(phases)}, so no CPU-seconds "
        "per request there",
        "measure again to have them; all other figures are complete",
    )


def probe_silent(context: Context) -> Finding | None:
    for phase in context.measured:
        expected = PROBE_LINES_PER_S * phase.duration_s * context.variant.workers
        if phase.probe_lines < PROBE_SILENT_SHARE * expected:
            return info(
                "probe_silent",
                f"{phase.name}: {phase.probe_lines} of the {expected:.0f} expected lines of the probe came "
                f"(limit {PROBE_SILENT_SHARE:.0%})",
                "the worker was stopped or held the GIL throughout, or the probe died: look at server.log",
            )
    return None


def uneven_workers(context: Context) -> Finding | None:
    """uvicorn's workers share one socket by `accept`; nothing makes the shares even."""
    for phase in context.measured:
        requests = sum(phase.requests_by_pid.values())
        if context.variant.workers < 2 or requests < UNEVEN_MIN_REQUESTS:
            continue
        busiest = max(phase.requests_by_pid.values())
        if busiest > UNEVEN_SHARE * requests / context.variant.workers:
            return info(
                "uneven_workers",
                f"{phase.name}: one of {context.variant.workers} workers answered "
                f"{busiest / requests:.0%} of the requests",
                "capacity is what this share allows; a load balancer in front of the workers would share more evenly",
            )
    return None


def arrivals_off_law(context: Context) -> Finding | None:
    """Response times count from the intended starts, so they are right all the same; the server met other bursts."""
    for phase in context.measured:
        for arrivals in context.arrivals.get(phase.name, ()):
            if arrivals.distance is None or arrivals.p_value is None or not was_free_to_send(phase):
                continue
            if arrivals.p_value < LAW_P_VALUE and arrivals.distance > LAW_DISTANCE:
                return info(
                    "arrivals_off_law",
                    f"{phase.name}: the requests did not leave as the profile asks ({context.profile.arrivals}): "
                    f"Kolmogorov-Smirnov distance {arrivals.distance:.2f} (limit {LAW_DISTANCE:g}), "
                    f"p = {arrivals.p_value:.2g}",
                    "the generator was held up and sent several at once: give it a core of its own",
                )
    return None


def piles_up(context: Context) -> Finding | None:
    """Where answers take longer and longer, the percentiles depend on how long the phase lasted. A phase that choked
    says so by itself."""
    for phase in context.record.phases:
        if phase.spec.kind is not PhaseKind.RATE or phase.status is not PhaseStatus.COMPLETE:
            continue
        trend = response_trend(phase.arrivals_per_tenth, phase.response_s_per_tenth, phase.end_s - phase.start_s)
        if trend is not None and trend.p_value < TREND_P_VALUE and trend.last > PILE_TIMES * trend.first:
            return info(
                "piles_up",
                f"{phase.spec.name}: response times went on rising, from {1e3 * trend.first:.3g} to "
                f"{1e3 * trend.last:.3g} ms, {trend.last / trend.first:.1f} times (limit {PILE_TIMES:.1f} times; "
                f"Mann-Kendall p = {trend.p_value:.2g} over {trend.bins} bins of {trend.bin_s:g} s)",
                "the server hardly keeps up with this rate, or it leaks: a longer phase would have larger percentiles",
            )
    return None


def generator_waited(context: Context) -> Finding | None:
    """In an open loop that is send lag; a closed loop has no schedule to be late against."""
    for phase in context.measured:
        waited = phase.generator_wait_share
        if phase.kind is PhaseKind.CAPACITY and waited is not None and waited > WAIT_SHARE:
            return info(
                "generator_waited",
                f"{phase.name}: in {waited:.1%} of the time the load generator was ready and had no CPU "
                f"(limit {WAIT_SHARE:.0%}): answers and the next requests had to wait for it",
                "give the generator a core of its own; the capacity may be off by as much",
            )
    return None


def busy_while_idle(context: Context) -> Finding | None:
    idle = context.idle_cost
    usual_cores = IDLE_WORKER_CORES * context.variant.workers + HEALTH_CHECK_S * context.profile.health_rate_rps
    if idle is None or (idle.cores <= IDLE_TIMES * usual_cores and not idle.is_less_under_load):
        return None
    return info(
        "busy_while_idle",
        f"{context.variant.name} uses {idle.cores:.2f} of a core while idle, when nobody asks anything but /health "
        f"(usual: {usual_cores:.2g})",
        "find the thread or task of the app that works all the time, and stop it or let it sleep: requests share the "
        "CPU with it"
        + (
            "; it gets less under load, so what a request itself costs cannot be told"
            if idle.is_less_under_load
            else ""
        ),
    )


def memory_grows(context: Context) -> Finding | None:
    memory = context.memory
    if memory is None or memory.grown_bytes <= max(GROWN_BYTES, GROWN_SHARE * memory.first_bytes):
        return None
    if memory.least_third_bytes < LEAST_THIRD * memory.per_answer_bytes:
        return None
    left_bytes = max(0, context.memory_bytes - memory.last_bytes)
    leads_to = (
        f", which fills the machine's {context.memory_bytes / 2**30:.1f} GiB after "
        f"{left_bytes / memory.per_answer_bytes:,.0f} more requests"
        if context.memory_bytes
        else ""
    )
    return info(
        "memory_grows",
        f"memory grew by {_plain(1000 * memory.per_answer_bytes / 1e6)} MB per 1,000 requests (RSS from "
        f"{memory.first_bytes / 1e6:,.0f} to {memory.last_bytes / 1e6:,.0f} MB over {memory.answers:,} right answers)"
        f"{leads_to}",
        "look for what the app keeps for each request: a cache without a limit, a list in a module, a global",
    )


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def not_quiet(context: Context) -> Finding | None:
    """The wait for a quiet machine ended at its limit, and not by a quiet moment, which comes before it."""
    noise, limit_s = context.record.noise, context.profile.quiet_s
    if noise is None or not 0 < limit_s <= noise.quiet_wait_s:
        return None
    return info(
        "not_quiet",
        f"others still used the machine when the slice began, after a wait of {noise.quiet_wait_s:.1f} s (quiet_s "
        f"{limit_s:g})",
        "end what else runs here, or raise quiet_s; ratios within a round survive it better than absolute figures",
    )


def cpu_pressure(context: Context) -> Finding | None:
    noise = context.record.noise
    if noise is None or noise.cpu_pressure_percent is None or noise.cpu_pressure_percent <= PRESSURE_PERCENT:
        return None
    return info(
        "cpu_pressure",
        f"in {noise.cpu_pressure_percent:.0f} % of the time some task was ready and had no CPU "
        f"(limit {PRESSURE_PERCENT:.0f} %)",
        "compare CPU-seconds per request; where target and generator share CPUs, they also wait for each other",
    )


def throttled(context: Context) -> Finding | None:
    noise, elapsed_s = context.record.noise, context.record.elapsed_s
    if noise is None or noise.throttled_s is None or noise.throttled_s <= THROTTLED_SHARE * elapsed_s:
        return None
    return info(
        "throttled",
        f"a control group's CPU quota held its processes back for {noise.throttled_s:.1f} s (summed over CPUs) of the "
        f"slice's {elapsed_s:.0f} s (limit {THROTTLED_SHARE:.0%})",
        "raise the quota (cpu.max; --cpus of a container) or remove it; the slowest answers come from the quota",
    )


REMARKS: tuple[Rule, ...] = (
    failed_requests,
    log_cut_off,
    samples_missing,
    service_not_sampled,
    cost_unknown,
    probe_silent,
    uneven_workers,
    warmup_not_settled,
    arrivals_off_law,
    piles_up,
    generator_waited,
    busy_while_idle,
    memory_grows,
    not_quiet,
    cpu_pressure,
    throttled,
)


def remarks(context: Context) -> tuple[Finding, ...]:
    """What every rule here says of a slice."""
    said = (rule(context) for rule in REMARKS)
    return tuple(finding for finding in said if finding is not None)
