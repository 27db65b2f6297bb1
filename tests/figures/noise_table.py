"""The tables of docs/noise.md, from the lines that were measured."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import fmean, median, stdev
from typing import NamedTuple

import numpy as np

from harness.judging.simultaneous import critical
from tests.figures.noise_levels import by_length, components_of, markdown, steady
from tests.figures.noise_record import BootLine, Line, SliceLine
from tests.figures.noise_speed import living_tables, memory_table, speed_table
from tests.figures.variance_components import Component, repetitions

BUDGET_S = 120.0
KNOWN = 1e6  # degrees of freedom of a variance that is known
COMPARED = 9
FEWEST_BOOTS = 2
_TENTH_S = 0.1
_SHOWN = 6  # tenths of a slice, after its warm-up


def tables(lines: Sequence[Line]) -> str:
    parts = []
    for workload in dict.fromkeys(line.workload for line in lines):
        boots = [line for line in lines if isinstance(line, BootLine) and line.workload == workload]
        slices = [line for line in lines if isinstance(line, SliceLine) and line.workload == workload]
        parts += [
            f"\n## {workload}: {_counts(boots, slices)}",
            *_of_each_strategy(slices),
            *_against_longest(slices),
            *_of_each_length(boots, slices),
            *speed_table(slices),
            *memory_table(slices),
            *_within(slices),
            *_warming(slices),
            *_costs(boots, slices),
            *living_tables(slices),
        ]
    return "\n".join(parts)


class Design(NamedTuple):
    """What fits into the budget for `COMPARED` strategies. `half_width`: of the simultaneous 95 % intervals of the
    ratios to one of them, with the variances known, and with the boots of this run as the only units."""

    boots: int
    slices: int
    half_width: float
    half_width_by_boots: float


def design(boots: int, boot_cost_s: float, slice_cost_s: float, boot_variance: float, variance: float) -> Design | None:
    """None when not one slice fits beside the boots."""
    slices = int((BUDGET_S / COMPARED / boots - boot_cost_s) / slice_cost_s)
    if slices < 1:
        return None
    error = math.sqrt(2 * (boot_variance + variance / slices) / boots)
    by_boots = critical(float((COMPARED - 1) * (boots - 1)), COMPARED - 1, 2)
    return Design(boots, slices, math.expm1(critical(KNOWN, COMPARED - 1, 2) * error), math.expm1(by_boots * error))


# ------------------------------------------------------------------------------------------------------ the tables


def _counts(boots: Sequence[BootLine], slices: Sequence[SliceLine]) -> str:
    together = [line for line in boots if line.living == "together"]
    alone = sum(line.living == "alone" for line in slices)
    stolen = [line.steal_percent for line in slices if line.steal_percent is not None]
    return (
        f"{len(slices) - alone} slices of {len({line.strategy for line in slices})} strategies in {len(together)} boots"
        f" of {len(together[0].strategies) if together else 0} servers, {alone} slices alone; steal "
        f"{fmean(stolen) if stolen else math.nan:.1f} % on average, {max(stolen, default=math.nan):.0f} % at most"
    )


def _of_each_strategy(slices: Sequence[SliceLine]) -> list[str]:
    """The scatter of each by itself: log ratios to the mean of the steady ones in the same round."""
    rows = []
    for strategy in sorted({line.strategy for line in slices}):
        row = [strategy]
        for _, at in by_length(line for line in slices if line.living == "together"):
            own = [line for line in at if line.strategy == strategy]
            goodput = [line.goodput_rps for line in own]
            ratios = _paired(at, strategy)
            scatter = f"{stdev(ratios):.3f}" if len(ratios) > 1 else "-"
            choked = (
                f", choked {sum(1 for line in own if line.choked)}/{len(own)}"
                if any(line.choked for line in own)
                else ""
            )
            row.append(f"{median(goodput):.0f} ({scatter}{choked})" if goodput else "-")
        rows.append(row)
    heads = [f"{length:g} s" for length, _ in by_length(slices)]
    return [
        "\nMedian answers a second, and in brackets the standard deviation of the log ratio to the round's mean:\n",
        *markdown(["strategy", *heads], rows),
    ]


def _against_longest(slices: Sequence[SliceLine]) -> list[str]:
    """Whether short slices say the same as long ones, which they can only do when a load has settled before them."""
    lengths = by_length(slices)
    if len(lengths) < 2:
        return []
    longest_s, longest = lengths[-1]
    rows = []
    for strategy in sorted({line.strategy for line in longest}):
        level = _mean_log(longest, strategy)
        shares = [math.exp(_mean_log(at, strategy) - level) for _, at in lengths[:-1]]
        rows.append([strategy, *map("{:.2f}".format, shares)])
    heads = ["strategy", *(f"{length:g} s" for length, _ in lengths[:-1])]
    title = f"\nMean capacity of shorter slices over that of {longest_s:g} s:\n"
    return [title, *markdown(heads, rows)]


def _of_each_length(boots: Sequence[BootLine], slices: Sequence[SliceLine]) -> list[str]:
    kept = steady(line for line in slices if line.living == "together")
    pooled = components_of(kept)
    if pooled is None:
        return []
    boot_variance = pooled.boot.variance if pooled.boot else 0.0
    boot_cost_s = _boot_cost_s(boots)
    rows = []
    for length, at in by_length(kept):
        found = components_of(at)
        if found is None:
            continue
        variance, cost_s = found.residual.variance, length + fmean(line.extra_s for line in at)
        best = repetitions(cost_s, boot_cost_s, variance, boot_variance)
        designs = (design(count, boot_cost_s, cost_s, boot_variance, variance) for count in (2, 3, 4))
        rows.append(
            [
                *(f"{length:g} s", _shown(found.boot), _shown(found.round), _shown(found.residual)),
                *(f"{cost_s:.2f} s", "all" if math.isinf(best) else f"{best:.1f}", *map(_shown_design, designs)),
            ]
        )
    rows.append(["all", _shown(pooled.boot), _shown(pooled.round), _shown(pooled.residual), *["-"] * 5])
    heads = ["slice", "between boots", "between rounds", "residual", "cost", "slices a boot"]
    return [
        "\nStandard deviations of log capacity (in brackets: the upper end of a one-sided 95 % interval), and what "
        f"follows from them and from the boots of all lengths. A boot costs {boot_cost_s:.2f} s a strategy.\n",
        *markdown([*heads, "2 boots", "3 boots", "4 boots"], rows),
        f"\nThe last columns: slices a boot that fit into {BUDGET_S:g} s with {COMPARED} strategies, then the half "
        "width of the simultaneous intervals with the variances known, and with boots as the only units.",
    ]


def _within(slices: Sequence[SliceLine]) -> list[str]:
    """The scatter of whole tenths of a second within a slice, and what of the residual it explains if the tenths are
    independent."""
    rows = []
    for length, at in by_length(steady(line for line in slices if line.living == "together")):
        if length < 5 * _TENTH_S:
            continue
        relative = []
        for line in at:
            tenths = np.array(line.answers_per_tenth[: int(length / _TENTH_S)], float)
            if len(tenths) > 1 and tenths.mean() > 0:
                relative.append(float(tenths.var(ddof=1) / tenths.mean() ** 2))
        if not relative:
            continue
        tenth = fmean(relative)
        explained = math.sqrt(tenth * _TENTH_S / length)
        rows.append([f"{length:g} s", f"{math.sqrt(tenth):.3f}", f"{explained:.3f}"])
    heads = ["slice", "relative sd of a tenth of a second", "of a slice, if tenths were independent"]
    return ["\nWithin a slice:\n", *markdown(heads, rows)] if rows else []


def _warming(slices: Sequence[SliceLine]) -> list[str]:
    """Answers in each tenth of a second since the load began, as shares of those in the second half of the slice; the
    last part of a warm-up can be shorter than a tenth. Of the longest slices."""
    longest = max((line.slice_s for line in slices), default=0.0)
    whole = round(longest / _TENTH_S)
    usable = [
        line
        for line in slices
        if line.slice_s == longest
        and len(line.answers_per_tenth) >= whole
        and any(line.answers_per_tenth[whole // 2 :])
    ]
    if not usable:
        return []
    warmup_s = usable[0].warmup_s
    parts_s = [min(_TENTH_S, warmup_s - number * _TENTH_S) for number in range(math.ceil(warmup_s / _TENTH_S - 1e-9))]
    rows = []
    for strategy in sorted({line.strategy for line in usable}):
        profiles = []
        for line in usable:
            if line.strategy != strategy or line.warmup_s != warmup_s:
                continue
            level_rps = fmean(line.answers_per_tenth[whole // 2 : whole]) / _TENTH_S
            warm = [*line.warmup_per_tenth, *[0] * len(parts_s)]
            profile = [count / part_s / level_rps for count, part_s in zip(warm, parts_s, strict=False)]
            profiles.append([*profile, *(count / _TENTH_S / level_rps for count in line.answers_per_tenth[:_SHOWN])])
        rows.append([strategy, *(f"{fmean(tenth):.2f}" for tenth in zip(*profiles, strict=True))])
    ends_s = [sum(parts_s[: number + 1]) for number in range(len(parts_s))]
    heads = [f"to {end_s:g} s" for end_s in ends_s]
    heads += [f"to {warmup_s + (number + 1) * _TENTH_S:.2f} s" for number in range(min(_SHOWN, whole))]
    title = (
        f"\nAnswers since the load began, in each tenth as a share of the rate in the slice's second half; the first "
        f"{warmup_s:g} s are the warm-up (slices of {longest:g} s):\n"
    )
    return [title, *markdown(["strategy", *heads], rows)]


def _costs(boots: Sequence[BootLine], slices: Sequence[SliceLine]) -> list[str]:
    together = [line for line in slices if line.living == "together"]
    of: dict[str, Callable[[SliceLine], float]] = {
        "idle proof": lambda line: line.idle_proof_s,
        "warm-up": lambda line: line.warmup_s,
        "drain": lambda line: line.drain_s,
        "telling": lambda line: line.telling_s,
        "replacing": lambda line: line.replace_s,
    }
    rows = []
    for strategy in sorted({line.strategy for line in together}):
        own = [line for line in together if line.strategy == strategy]
        rows.append([strategy, *(f"{fmean(map(cost, own)):.3f}" for cost in of.values())])
    lines = ["\nSeconds that a slice costs beside what is measured, on average:\n", *markdown(["strategy", *of], rows)]
    lines += [
        f"\n{len(boot.strategies)} servers at once: ready after {boot.boot_s:.1f} s, verified in {boot.verify_s:.2f} "
        f"s, warmed in {boot.warmup_s:.1f} s; PSS of all {boot.pss_mib or math.nan:.0f} MiB."
        for boot in [boot for boot in boots if boot.living == "together"][:1]
    ]
    wall_s = sum(line.slice_s + line.extra_s for line in together)
    if wall_s:
        idle: dict[str, float] = defaultdict(float)
        beside: dict[str, float] = defaultdict(float)
        for line in together:
            for name, cpu_s in line.others_cpu_s.items():
                idle[name] += cpu_s
                beside[name] += line.slice_s + line.extra_s
        shares = ", ".join(f"{name} {idle[name] / beside[name]:.2%}" for name in sorted(idle))
        lines.append(f"CPU of each, in shares of a core, while another was measured: {shares}.")
    return lines


# -------------------------------------------------------------------------------------------------------- the parts


def _mean_log(slices: Sequence[SliceLine], strategy: str) -> float:
    logs = [math.log(line.goodput_rps) for line in slices if line.strategy == strategy and line.goodput_rps > 0]
    return fmean(logs) if logs else math.nan


def _paired(slices: Sequence[SliceLine], strategy: str) -> list[float]:
    base: dict[tuple[int, int], list[float]] = defaultdict(list)
    for line in steady(slices):
        if line.strategy != strategy and line.goodput_rps:
            base[line.epoch, line.round].append(math.log(line.goodput_rps))
    return [
        math.log(line.goodput_rps) - fmean(base[line.epoch, line.round])
        for line in slices
        if line.strategy == strategy and line.goodput_rps and base.get((line.epoch, line.round))
    ]


def _boot_cost_s(boots: Sequence[BootLine]) -> float:
    """Of one strategy: servers of a workload are booted at once."""
    together = [line for line in boots if line.living == "together"]
    return fmean((line.boot_s + line.verify_s + line.warmup_s) / len(line.strategies) for line in together)


def _shown(component: Component | None) -> str:
    return "-" if component is None else f"{component.deviation:.3f} ({math.sqrt(component.high):.3f})"


def _shown_design(made: Design | None) -> str:
    if made is None:
        return "-"
    return f"{made.slices}: {made.half_width:.1%}, {made.half_width_by_boots:.1%}"
