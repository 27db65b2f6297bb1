"""Whether the machine was too much disturbed while a slice ran. Pure."""

from __future__ import annotations

from harness.judging.context import Context, info, invalid
from harness.results.records.finding import Finding

# Seen on shared virtual machines: steal of up to 30 %, and a canary that takes 1.7 times as long, are ordinary there.
STEAL_INFO_PERCENT, STEAL_INVALID_PERCENT = 10.0, 30.0
CANARY_INFO_RATIO, CANARY_INVALID_RATIO = 1.5, 3.0


def stolen_time(context: Context) -> Finding | None:
    noise = context.record.noise
    if noise is None or noise.steal_percent is None or noise.steal_percent <= STEAL_INFO_PERCENT:
        return None
    is_too_much = noise.steal_percent > STEAL_INVALID_PERCENT
    return (invalid if is_too_much else info)(
        "stolen_time",
        f"other machines on the same host took {noise.steal_percent:.0f} % of the CPU time "
        f"(limit {STEAL_INVALID_PERCENT if is_too_much else STEAL_INFO_PERCENT:.0f} %)",
        "run again when the host is quieter, or with more rounds",
    )


def busy_machine(context: Context) -> Finding | None:
    """Other programs ran here: a share of the machine that no strategy can have made."""
    noise = context.record.noise
    most_cores = context.profile.others_most_cores
    if noise is None or noise.foreign_cores is None or noise.foreign_cores <= most_cores / 2:
        return None
    is_too_much = noise.foreign_cores > most_cores
    return (invalid if is_too_much else info)(
        "busy_machine",
        f"other programs used {noise.foreign_cores:.2f} cores meanwhile "
        f"(limit {most_cores if is_too_much else most_cores / 2:g})",
        "end what else runs here; the round is left out for all strategies",
    )


def slow_canary(context: Context) -> Finding | None:
    noise, median_ms = context.record.noise, context.median_canary_ms
    if noise is None or not median_ms or noise.canary_ms <= CANARY_INFO_RATIO * median_ms:
        return None
    is_too_much = noise.canary_ms > CANARY_INVALID_RATIO * median_ms
    return (invalid if is_too_much else info)(
        "slow_canary",
        f"the machine was slow when the round began: {noise.canary_ms:.0f} ms for a loop that took {median_ms:.0f} ms "
        f"in the run's median ({noise.canary_ms / median_ms:.1f} times, limit "
        f"{CANARY_INVALID_RATIO if is_too_much else CANARY_INFO_RATIO:g})",
        "run again when the machine is quieter, or with more rounds",
    )
