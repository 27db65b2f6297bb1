"""Whether the machine was too much disturbed while a trial ran. Pure."""

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
        "run again when the host is quieter, or with more blocks",
    )


def slow_canary(context: Context) -> Finding | None:
    noise, median_ms = context.record.noise, context.median_canary_ms
    if noise is None or not median_ms or noise.canary_ms <= CANARY_INFO_RATIO * median_ms:
        return None
    is_too_much = noise.canary_ms > CANARY_INVALID_RATIO * median_ms
    return (invalid if is_too_much else info)(
        "slow_canary",
        f"the machine was slow just before: {noise.canary_ms:.0f} ms for a loop that took {median_ms:.0f} ms in the "
        f"run's median ({noise.canary_ms / median_ms:.1f} times, limit "
        f"{CANARY_INVALID_RATIO if is_too_much else CANARY_INFO_RATIO:g})",
        "run again when the machine is quieter, or with more blocks",
    )
