"""Runs that never were: logarithms drawn from the components in docs/noise.md, judged as a run judges itself.

Rounds drift for all; a burst of stolen time takes a fifth to a third of a slice; slow spells make one slice in ten 1.4
times slow; each variant has its own scatter and several boots; the last one may choke.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from harness.analysis.comparisons import may_be_best
from harness.judging import stats
from harness.judging.simultaneous import Look, RoundsFit

NO_DIFFERENCE = (1.0,) * 9


class Conditions(NamedTuple):
    """`speeds`: the true ones, the control's first. `scatter`: its standard deviation, drawn for each variant from this
    range. `spells`, `bursts`, `missing`: shares of the slices."""

    boots: int
    rounds_a_boot: int
    boots_differ: float
    scatter: tuple[float, float] = (0.07, 0.14)
    speeds: tuple[float, ...] = NO_DIFFERENCE
    spells: float = 0.0
    bursts: float = 0.02
    chokes: bool = False
    missing: float = 0.0
    looks: tuple[int, ...] = ()  # after so many rounds; only what is open is measured on. None: once, at the end


@dataclass
class Judged:
    """Of many runs. `false`: with a false verdict; `missed`: with an interval that does not contain the truth; `lost`:
    where the best may not be the best; `covered`: single intervals of 95 %; `half_widths` of the simultaneous ones."""

    runs: int = 0
    false: int = 0
    missed: int = 0
    lost: int = 0
    covered: list[bool] = field(default_factory=list)
    half_widths: list[float] = field(default_factory=list)
    found: dict[float, list[bool]] = field(default_factory=dict)
    slices: list[int] = field(default_factory=list)

    def found_share(self, speed: float) -> float:
        return float(np.mean(self.found[speed]))

    def __str__(self) -> str:
        found = ", ".join(f"{speed:g} times {self.found_share(speed):.1%}" for speed in sorted(self.found))
        return (
            f"false {self.false / self.runs:.1%}, missed {self.missed / self.runs:.1%}, best lost "
            f"{self.lost / self.runs:.1%}, single covered {np.mean(self.covered):.1%}, half width "
            f"{np.median(self.half_widths):.3f}, {np.mean(self.slices):.0f} slices, found: {found}"
        )


def judged(conditions: Conditions, runs: int, seed: int = 20261128) -> Judged:
    random = np.random.default_rng(seed)
    all_of_them = Judged()
    truth = np.log(conditions.speeds)
    for _ in range(runs):
        fitted, look = _measured(drawn(random, conditions), conditions)
        _count(all_of_them, fitted, look, conditions.speeds)
        all_of_them.lost += str(int(truth.argmax())) not in may_be_best(fitted, look)
    return all_of_them


def drawn(random: np.random.Generator, conditions: Conditions) -> np.ndarray:
    """A row for each variant, a column for each round; NaN where a slice is missing."""
    rounds, variants = conditions.boots * conditions.rounds_a_boot, len(conditions.speeds)
    scatter = random.uniform(*conditions.scatter, variants)
    if conditions.chokes:
        scatter[-1] = 0.5
    logs = scatter[:, None] * random.standard_normal((variants, rounds))
    logs += np.cumsum(random.normal(0, 0.1, rounds))
    boots = conditions.boots_differ * random.standard_normal((variants, conditions.boots))
    logs += np.repeat(boots, conditions.rounds_a_boot, axis=1)
    logs -= math.log(1.4) * (random.random(logs.shape) < conditions.spells)
    hit = random.random(logs.shape) < conditions.bursts
    logs[hit] += np.log(random.uniform(0.67, 0.8, int(hit.sum())))
    logs[random.random(logs.shape) < conditions.missing] = np.nan
    return logs + np.log(conditions.speeds)[:, None]


def _measured(logs: np.ndarray, conditions: Conditions) -> tuple[RoundsFit, Look]:
    looks = conditions.looks or (logs.shape[1],)
    names = [str(at) for at in range(len(logs))]
    values: dict[str, dict[int, float]] = {name: {} for name in names}
    measured_on: Sequence[str] = names[1:]
    begin = 0
    for number, end in enumerate(looks, 1):
        for name in (names[0], *measured_on):
            row = logs[int(name), begin:end].tolist()
            values[name] |= {at: value for at, value in enumerate(row, begin) if not math.isnan(value)}
        begin = end
        boots = {name: {at: at // conditions.rounds_a_boot for at in row} for name, row in values.items()}
        look = Look(number, len(looks))
        fitted = RoundsFit.of(values, dict.fromkeys(names, 0.0), boots)
        measured_on = fitted.still_open(names[0], look)
        if not measured_on:
            break
    return fitted, look


def _count(so_far: Judged, fitted: RoundsFit, look: Look, speeds: Sequence[float]) -> None:
    false = missed = False
    for name, ratio in fitted.against("0", look=look).items():
        speed = speeds[int(name)] / speeds[0]
        truth, verdict, interval = math.log(speed), stats.verdict(ratio), ratio.interval
        false |= (
            (verdict == "faster" and truth <= 0)
            or (verdict == "slower" and truth >= 0)
            or (verdict == "same" and abs(truth) > stats.SAME_WITHIN)
        )
        so_far.found.setdefault(speed, []).append(verdict in ("faster", "slower"))
        if interval is None or ratio.error is None or ratio.freedom is None:
            continue
        missed |= not interval[0] <= truth <= interval[1]
        so_far.half_widths.append((interval[1] - interval[0]) / 2)
        (alone,) = stats.all_at_once({name: ratio}).values()
        assert alone.interval is not None
        so_far.covered.append(alone.interval[0] <= truth <= alone.interval[1])
    so_far.runs += 1
    so_far.false += false
    so_far.missed += missed
    so_far.slices.append(sum(map(len, fitted.logs.values())))
