"""Why a trial may not be believed: each rule is a small function of the trial's context. Pure.

`invalid` keeps a trial out of the comparisons, so it is for what makes the number wrong: wrong answers, impossible
figures, a generator or an upstream that was itself the bottleneck, a machine that was heavily disturbed. On a shared
machine there is always some noise; pairing within blocks deals with it, so it is `info` until it is too much.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.judging.ceilings import waiting_ceiling
from harness.judging.context import Context, Rule, info, invalid, was_free_to_send, was_silent
from harness.judging.figures import PhaseFigures
from harness.judging.machine_noise import slow_canary, stolen_time
from harness.judging.steadiness import goodput_trend
from harness.results.records.finding import Finding
from harness.results.records.outcome import Outcome, in_words
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.records.text import count
from harness.results.records.trial_record import TrialRecord

# A generator or a service that uses nearly a whole core queues its own work. Locust warns from 90 % on
# (`CPU_WARNING_THRESHOLD` in its runners.py), of an average over 5 s. A phase is about as long, and an average hides
# the moments of more: hence lower limits.
GENERATOR_CORES = 0.80
SERVICE_CORES = 0.85
# Where generator and services have CPUs of their own they share those: what one of them uses, the other waits for.
RESERVED_CORES = 0.80
# Sending later than intended is part of every response time. Below 1 ms it is the kernel's scheduling, and 5 % of the
# median is within the noise of any figure here; half of the median is a different figure.
SEND_LAG_INFO_MS, SEND_LAG_INFO_SHARE = 1.0, 0.05
SEND_LAG_INVALID_MS, SEND_LAG_INVALID_SHARE = 10.0, 0.5
CEILING_TOLERANCE = 1.05
# `harness.services.upstream.FLOOR_OF_MEDIAN`: a drawn wait is never shorter than this part of its median.
SHORTEST_DRAWN_WAIT = 0.5
# A rate is believed within 1 %. In a short phase one pause of some 10 ms at either end is more, and says nothing of the
# rate.
ARRIVALS_TOLERANCE, ARRIVALS_SLACK_S = 0.01, 0.05
# A trend that chance makes once in a hundred, and that matters: pairing within blocks copes with less. A straight line
# that changes by 20 % or 50 % of its middle from its first third to its last is 18 % or 40 % lower at its low end.
TREND_P_VALUE, TREND_INFO_CHANGE, TREND_INVALID_CHANGE = 0.01, 0.18, 0.4


# What the machine or the instrument did to a trial, and not the strategy: measured again, it may well be valid.
DISTURBANCES = frozenset(
    {
        "service_died",  # seen by who measures
        "generator_busy",
        "service_busy",
        "reserved_busy",
        "sent_late",
        "stolen_time",
        "slow_canary",
        "arrivals_off_schedule",
        "not_steady",
    }
)


def findings(context: Context) -> tuple[Finding, ...]:
    """What the harness saw happen, then what every rule says."""
    judged = (rule(context) for rule in RULES)
    return context.record.events + tuple(finding for finding in judged if finding is not None)


def is_valid(record: TrialRecord, found: Iterable[Finding]) -> bool:
    return record.status == "complete" and not any(finding.level == "invalid" for finding in found)


# ------------------------------------------------------------------------------------------ what did not happen


def trial_failed(context: Context) -> Finding | None:
    if context.record.status == "complete":
        return None
    return invalid("trial_failed", context.record.error or "no reason was recorded", "read server.log and locust.log")


def server_died(context: Context) -> Finding | None:
    """A server that ended before it was asked to, also where every phase got through."""
    for server in context.record.servers:
        if server.ended.startswith(("exited", "killed by")):
            return invalid("server_died", f"a server ended by itself: {server.ended}", "read server.log")
    if any(seen.code == "service_died" for seen in context.record.events):
        return None
    for phase in context.phases.values():
        if phase.status is PhaseStatus.FAILED:
            return invalid("server_died", f"{phase.name} failed: {phase.reason}", "read server.log and locust.log")
    return None


def worker_restarted(context: Context) -> Finding | None:
    """More workers of one server answered than there are: one died, or its server killed it for being silent.

    Over all phases: the one that died may have answered in the warm-up only, and its successor only later.
    """
    pids: dict[int, set[int]] = {}
    for record in context.record.phases:
        answered = pids.setdefault(record.server, set())
        answered.update(context.phases[record.spec.name].requests_by_pid)
        if len(answered) > context.variant.workers:
            return invalid(
                "worker_restarted",
                f"{len(answered)} processes had answered by the end of {record.spec.name}, and the server has "
                f"{count(context.variant.workers, 'worker')}",
                "read server.log; some servers kill a worker that is blocked for long",
            )
    return None


# ---------------------------------------------------------------------------------------- what cannot be true


def wrong_answers(context: Context) -> Finding | None:
    counts = {phase.name: phase.outcomes.get(Outcome.WRONG_ANSWER, 0) for phase in context.phases.values()}
    wrong = {name: count for name, count in counts.items() if count}
    if not wrong:
        return None
    named = ", ".join(f"{count} in {name}" for name, count in wrong.items())
    return invalid("wrong_answers", f"wrong answers under load: {named}", "do requests share state in the strategy?")


def no_answer(context: Context) -> Finding | None:
    """Nothing follows from a closed loop in which nobody was answered: the work may take longer than the phase. A rate
    without an answer says something about that phase only: it has no goodput, and its percentiles are bounds."""
    silent = [phase for phase in context.measured if was_silent(phase)]
    for phase in sorted(silent, key=lambda phase: phase.kind is not PhaseKind.CAPACITY):
        return (invalid if phase.kind is PhaseKind.CAPACITY else info)(
            "no_answer",
            f"{phase.name}: not one right answer came in its {phase.duration_s:.3g} s ({_instead(context, phase)})",
            "if a request takes longer than the phase, use a profile with longer phases; if not, read server.log: what "
            "do the requests wait for?",
        )
    return None


def _instead(context: Context, phase: PhaseFigures) -> str:
    if not phase.scheduled:
        return f"{count(context.users(phase.name), 'user')} waited for answers to earlier requests all the time"
    ended = (
        f"{many:,} answered later" if outcome is Outcome.OK else in_words(outcome, many)
        for outcome, many in sorted(phase.outcomes.items())
        if many
    )
    return f"{count(phase.scheduled, 'request')}: {', '.join(ended)}"


def scenario_failed(context: Context) -> Finding | None:
    """A task that raises before it asks has no answer, and that is not the server's fault."""
    for phase in context.record.phases:
        if phase.raised:
            return invalid(
                "scenario_failed",
                f"{phase.spec.name}: the scenario raised an exception before it asked, for {phase.raised} of "
                f"{count(phase.scheduled, 'request')}",
                "read locust.log",
            )
    return None


def above_ceiling(context: Context) -> Finding | None:
    """More right answers than the waits allow. Each request in flight at the start may add one answer to the window."""
    for phase in context.measured:
        ceiling = waiting_ceiling(context.workload, context.variant, users=context.users(phase.name))
        if ceiling is None:
            continue
        longest_s = context.workload.calls * context.workload.wait_ms / 1000
        allowed_rps = ceiling.rps * (1 + longest_s / phase.duration_s) * CEILING_TOLERANCE
        if phase.goodput_rps > allowed_rps:
            return invalid(
                "above_ceiling",
                f"{phase.name}: {phase.goodput_rps:,.0f} right answers/s, and the waits allow {ceiling.rps:,.0f}/s "
                f"({ceiling.because}; {allowed_rps:,.0f}/s with all tolerances)",
                "check IN_FLIGHT of the strategy, and that it calls the upstream each time",
            )
    return None


def below_wait(context: Context) -> Finding | None:
    shortest_ms = context.workload.wait_ms * (SHORTEST_DRAWN_WAIT if context.profile.upstream_sigma else 1.0)
    for phase in context.record.phases:
        if context.workload.calls and phase.min_service_ms is not None and phase.min_service_ms < shortest_ms:
            return invalid(
                "below_wait",
                f"{phase.spec.name}: an answer after {phase.min_service_ms:.2f} ms, and the upstream waits at least "
                f"{shortest_ms:g} ms",
                "the strategy caches, or does not call the upstream",
            )
    return None


# ------------------------------------------------------------------------------------ what measured itself


def generator_busy(context: Context) -> Finding | None:
    for phase in context.measured:
        cores = phase.generator_own_cores
        if cores is None and phase.generator_cores is not None:  # an older record: of all generators, from outside
            cores = phase.generator_cores / context.profile.generators
        if cores is not None and cores >= GENERATOR_CORES:
            return invalid(
                "generator_busy",
                f"a load generator used {cores:.0%} of a core in {phase.name} "
                f"(limit {GENERATOR_CORES:.0%}): it may have measured itself",
                "fewer users or a lower rate, or a machine with more cores and more `generators` in the profile",
            )
    return None


def service_busy(context: Context) -> Finding | None:
    for phase in context.measured:
        for name, cores in phase.cores_by_service.items():
            if cores >= SERVICE_CORES:
                return invalid(
                    "service_busy",
                    f"the service {name or 'upstream'} used {cores:.0%} of a core in {phase.name} "
                    f"(limit {SERVICE_CORES:.0%}): it may have been the bottleneck",
                    "fewer users or a lower rate, or a longer wait",
                )
    return None


def reserved_busy(context: Context) -> Finding | None:
    """Each may be at ease and both together not, on the CPUs that are reserved for them."""
    if not context.reserved_cpus:
        return None
    for phase in context.measured:
        generator, services = phase.generator_cores or 0.0, phase.services_cores or 0.0
        share = (generator + services) / context.reserved_cpus
        if share >= RESERVED_CORES:
            return invalid(
                "reserved_busy",
                f"load generator ({generator:.2f} cores) and services ({services:.2f}) used {share:.0%} of the "
                f"{context.reserved_cpus} reserved CPU{'s' * (context.reserved_cpus > 1)} in {phase.name} "
                f"(limit {RESERVED_CORES:.0%}): they may have waited for each other",
                "fewer users or a lower rate, or a machine with more CPUs: a quarter of them is reserved",
            )
    return None


def sent_late(context: Context) -> Finding | None:
    """Only the part that was the generator's own: a request that waits for a free user waits for the server."""
    remark: Finding | None = None
    for phase in context.measured:
        lag_ms, response = phase.own_lag_p99_ms, phase.response_p50
        if lag_ms is None or response is None:
            continue
        info_ms = max(SEND_LAG_INFO_MS, SEND_LAG_INFO_SHARE * response.value_ms)
        invalid_ms = max(SEND_LAG_INVALID_MS, SEND_LAG_INVALID_SHARE * response.value_ms)
        is_too_much = lag_ms > invalid_ms
        if lag_ms <= info_ms:
            continue
        finding = (invalid if is_too_much else info)(
            "sent_late",
            f"{phase.name}: the generator itself sent requests late, p99 {lag_ms:.1f} ms (limit "
            f"{invalid_ms if is_too_much else info_ms:.1f} ms beside a median response of {response.value_ms:.1f} ms)",
            "give the generator a core of its own, or a quieter machine; goodput is not affected",
        )
        if is_too_much:
            return finding
        remark = remark or finding
    return remark


# ---------------------------------------------------------------------------------- what was not as it was meant


def arrivals_off_schedule(context: Context) -> Finding | None:
    """Fewer arrivals than the schedule has, or slower. The first is the generator's fault; so is the second, where
    every arrival found a free user."""
    for phase in context.measured:
        for arrivals in context.arrivals.get(phase.name, ()):
            if phase.status is not PhaseStatus.FAILED and arrivals.missing > ARRIVALS_TOLERANCE:
                return invalid(
                    "arrivals_off_schedule",
                    f"{phase.name}: {arrivals.missing:.1%} of the scheduled requests were never begun "
                    f"(limit {ARRIVALS_TOLERANCE:.0%})",
                    "read locust.log; the generator was stopped or starved",
                )
            slow = arrivals.rate_error > ARRIVALS_TOLERANCE and arrivals.late_s > ARRIVALS_SLACK_S
            if slow and was_free_to_send(phase):
                return invalid(
                    "arrivals_off_schedule",
                    f"{phase.name}: requests left {arrivals.rate_error:.1%} slower than scheduled "
                    f"(limit {ARRIVALS_TOLERANCE:.0%}), {arrivals.late_s * 1e3:.0f} ms over the phase",
                    "give the generator a core of its own, or a quieter machine",
                )
    return None


def not_steady(context: Context) -> Finding | None:
    """A closed loop whose goodput rose or fell all the time has no one capacity."""
    for phase in context.record.phases:
        if phase.spec.kind is not PhaseKind.CAPACITY or phase.status is PhaseStatus.FAILED:
            continue
        trend = goodput_trend(phase.ok_per_tenth, phase.end_s - phase.start_s)
        if trend is None or trend.p_value > TREND_P_VALUE or abs(trend.change) <= TREND_INFO_CHANGE:
            continue
        is_too_much = abs(trend.change) > TREND_INVALID_CHANGE
        limit = TREND_INVALID_CHANGE if is_too_much else TREND_INFO_CHANGE
        return (invalid if is_too_much else info)(
            "not_steady",
            f"{phase.spec.name}: goodput {'rose' if trend.change > 0 else 'fell'} from "
            f"{trend.first / trend.bin_s:,.0f}/s in the first third of the phase to {trend.last / trend.bin_s:,.0f}/s "
            f"in the last, a difference of {abs(trend.change):.0%} of the larger (limit {limit:.0%}; Mann-Kendall p = "
            f"{trend.p_value:.2g} over {trend.bins} bins of {trend.bin_s:g} s)",
            "a longer warm-up if it rose; a longer phase if it fell, to see whether the strategy leaks or piles up",
        )
    return None


RULES: tuple[Rule, ...] = (
    trial_failed,
    server_died,
    worker_restarted,
    scenario_failed,
    wrong_answers,
    no_answer,
    above_ceiling,
    below_wait,
    generator_busy,
    service_busy,
    reserved_busy,
    sent_late,
    stolen_time,
    slow_canary,
    arrivals_off_schedule,
    not_steady,
)
