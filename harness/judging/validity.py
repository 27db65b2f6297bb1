"""Why a slice may not be believed: each rule is a small function of the slice's context. Pure.

`invalid` keeps a slice out of the comparisons, so it is for what makes the number wrong: wrong answers, impossible
figures, a generator or an upstream that was itself the bottleneck, a machine that was heavily disturbed. On a shared
machine there is always some noise; pairing within rounds deals with it, so it is `info` until it is too much.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from harness.judging.ceilings import counted_window, most_answers, waiting_ceiling
from harness.judging.context import Context, Rule, info, invalid, was_free_to_send, was_silent
from harness.judging.figures import PhaseFigures
from harness.judging.fullness import too_few_users
from harness.judging.machine_noise import busy_machine, slow_canary, stolen_time
from harness.judging.steadiness import goodput_trend
from harness.judging.worker_rules import gil_is_back, worker_restarted
from harness.results.records.finding import CUT_OFF, Finding
from harness.results.records.outcome import Outcome, in_words
from harness.results.records.phase_record import PhaseKind, PhaseStatus
from harness.results.records.slice_record import SliceRecord
from harness.results.records.text import count
from harness.results.records.workload import SHORTEST_DRAWN_WAIT, Workload

# A generator or a service that uses nearly all it can use queues its own work. Locust warns from 90 % of a core on
# (`CPU_WARNING_THRESHOLD` in its runners.py), of an average, which hides the moments of more: hence lower limits.
GENERATOR_CORES = 0.80
SERVICE_SHARE = 0.85
# Where generator and services have CPUs of their own they share those: what one of them uses, the other waits for.
RESERVED_CORES = 0.80
# Nine idle servers use less than 0.01 of a core each (docs/noise.md). More is taken from whoever is measured.
NEIGHBOUR_CORES = 0.1
# Sending later than intended is part of every response time. Below 1 ms it is the kernel's scheduling, and 5 % of the
# median is within the noise of any figure here; half of the median is a different figure.
SEND_LAG_INFO_MS, SEND_LAG_INFO_SHARE = 1.0, 0.05
SEND_LAG_INVALID_MS, SEND_LAG_INVALID_SHARE = 10.0, 0.5
# A rate is believed within 1 %. In a short phase one pause of some 10 ms at either end is more, and says nothing of it.
ARRIVALS_TOLERANCE, ARRIVALS_SLACK_S = 0.01, 0.05
# A trend that chance makes once in a hundred, and that matters: pairing within rounds copes with less. A straight line
# that changes by 20 % or 50 % of its middle from its first third to its last is 18 % or 40 % lower at its low end.
TREND_P_VALUE, TREND_INFO_CHANGE, TREND_INVALID_CHANGE = 0.01, 0.18, 0.4
# Some strategies answer all users at once, again and again (docs/noise.md): a few such waves look like a trend.
TREND_ANSWER_TIMES = 10.0

# What the machine or the instrument did to a slice, and not the strategy ...
DISTURBANCES = frozenset(
    {
        *CUT_OFF,  # seen by who measures
        "generator_busy",
        "service_busy",
        "neighbour_busy",
        "too_few_users",
        "reserved_busy",
        "sent_late",
        "busy_machine",
        "stolen_time",
        "slow_canary",
        "arrivals_off_schedule",
        "not_steady",
    }
)
# ... and to whoever was measured with it: a round that met one of these is left out for all its variants. A busy
# generator or service is not among them, since a fast strategy makes them busy.
ROUND_DISTURBANCES = frozenset({*CUT_OFF, "neighbour_busy", "busy_machine", "stolen_time", "slow_canary"})


def findings(context: Context) -> tuple[Finding, ...]:
    """What the harness saw happen, then what every rule says."""
    judged = (rule(context) for rule in RULES)
    return context.record.events + tuple(finding for finding in judged if finding is not None)


def is_valid(record: SliceRecord, found: Iterable[Finding]) -> bool:
    return record.status == "complete" and not any(finding.level == "invalid" for finding in found)


# ------------------------------------------------------------------------------------------ what did not happen


def slice_failed(context: Context) -> Finding | None:
    if context.record.status == "complete":
        return None
    return invalid("slice_failed", context.record.error or "no reason was recorded", "read server.log and locust.log")


def server_died(context: Context) -> Finding | None:
    """A server that ended before it was asked to, also where every phase got through."""
    if context.boot.ended.startswith(("exited", "killed by")):
        return invalid("server_died", f"the server ended by itself: {context.boot.ended}", "read server.log")
    if any(seen.code == "service_died" for seen in context.record.events):
        return None
    for phase in context.phases.values():
        if phase.status is PhaseStatus.FAILED:
            return invalid("server_died", f"{phase.name} failed: {phase.reason}", "read server.log and locust.log")
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
    """More right answers than the waits allow."""
    workload = _as_it_waits(context)
    for phase in context.measured:
        ceiling = waiting_ceiling(workload, context.variant, users=context.users(phase.name))
        if ceiling is None:
            continue
        window = counted_window(context.record.phases, phase.name)
        most = most_answers(ceiling, workload, window)
        if window.answered > most:
            return invalid(
                "above_ceiling",
                f"{phase.name}: {count(window.answered, 'right answer')} in {phase.duration_s:.3g} s, and the waits "
                f"allow {max(0.0, most):,.0f} of them ({ceiling.rps:,.0f}/s: {ceiling.because})",
                "check IN_FLIGHT and CONNECTIONS of the strategy, and that it calls its service each time",
            )
    return None


def _as_it_waits(context: Context) -> Workload:
    """A profile may let the upstream draw the waits of all workloads that do not say how."""
    workload, sigma = context.workload, context.profile.upstream_sigma
    is_drawn = workload.calls and sigma and not workload.wait_sigma
    return msgspec.structs.replace(workload, wait_sigma=sigma) if is_drawn else workload


def below_wait(context: Context) -> Finding | None:
    workload = context.workload
    is_drawn = workload.calls and (workload.wait_sigma or context.profile.upstream_sigma)
    shortest_ms = workload.wait_ms * (SHORTEST_DRAWN_WAIT if is_drawn else 1.0)
    who = "the upstream" if workload.calls else "the database"
    for phase in context.record.phases:
        if workload.waits and phase.min_service_ms is not None and phase.min_service_ms < shortest_ms:
            return invalid(
                "below_wait",
                f"{phase.spec.name}: an answer after {phase.min_service_ms:.2f} ms, and {who} waits at least "
                f"{shortest_ms:g} ms",
                f"the strategy caches, or does not ask {who}",
            )
    return None


# ------------------------------------------------------------------------------------ what measured itself


def generator_busy(context: Context) -> Finding | None:
    for phase in context.measured:
        cores = phase.generator_own_cores
        if cores is None and phase.generator_cores is not None:  # not told: of all generators, from outside
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
            most = context.service_cores.get(name, 1.0)
            if cores >= SERVICE_SHARE * most:
                all_of_it = "a core" if most == 1 else f"the {most:g} cores that it can use"
                return invalid(
                    "service_busy",
                    f"the service {name or 'upstream'} used {cores / most:.0%} of {all_of_it} in {phase.name} "
                    f"(limit {SERVICE_SHARE:.0%}): it may have been the bottleneck",
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


def neighbour_busy(context: Context) -> Finding | None:
    """A server beside the measured one that worked although nobody asked it."""
    cores = context.record.others_cores
    busiest = max(cores, key=cores.__getitem__, default="")
    if not busiest or cores[busiest] <= NEIGHBOUR_CORES:
        return None
    return invalid(
        "neighbour_busy",
        f"{busiest}, which nobody asked, used {cores[busiest]:.2f} of a core meanwhile (limit {NEIGHBOUR_CORES:g})",
        f"look for what {busiest} does on its own; from here on it is stopped while others are measured",
    )


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
        answer_times = phase.ok_in_window / phase.spec.users  # Little's law: duration / (users / goodput)
        is_too_much = abs(trend.change) > TREND_INVALID_CHANGE and answer_times >= TREND_ANSWER_TIMES
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
    slice_failed,
    server_died,
    worker_restarted,
    gil_is_back,
    scenario_failed,
    wrong_answers,
    no_answer,
    too_few_users,
    above_ceiling,
    below_wait,
    generator_busy,
    service_busy,
    reserved_busy,
    neighbour_busy,
    sent_late,
    busy_machine,
    stolen_time,
    slow_canary,
    arrivals_off_schedule,
    not_steady,
)
