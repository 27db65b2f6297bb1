"""One run against an earlier one, cell by cell: did a capacity fall, did a strategy start to fail? Pure.

Slices of two runs are not paired, so the ratio is Welch's, and drift of the machine between the runs is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from msgspec import Struct

from harness.analysis.comparisons import CAPACITY, by_variant, fit, largest_step
from harness.analysis.evidence import Analysis, Cell
from harness.analysis.shortfalls import OwnFailures, own_failures
from harness.judging import stats
from harness.judging.capacities import boots_in_mean
from harness.judging.estimate import Estimate
from harness.results.records.errors import UsageError
from harness.results.records.phase_record import PhaseKind
from harness.results.records.run_record import RunRecord
from harness.results.records.text import count


class Regression(Struct, frozen=True, kw_only=True):
    """A cell's capacity in both runs. `ratio`: after / before. `reason` says why there is no ratio or no verdict, and
    whether more or fewer slices failed than before.

    `gate_failed`: it fell by more than the limit and the fall is certain (the intervals of all cells hold at once), or
    it was measured before and now cannot be, or the strategy itself spoilt slices now and none before.
    `overloaded_before` and `overloaded_after`: by rate, in how many slices the cell was overloaded, the skipped ones
    among them, and of how many.
    """

    workload: str
    variant: str
    before: Estimate | None
    after: Estimate | None
    ratio: Estimate | None = None
    verdict: stats.Verdict = "open"
    gate_failed: bool = False
    reason: str = ""
    failures_before: OwnFailures
    failures_after: OwnFailures
    overloaded_before: dict[str, tuple[int, int]] = {}
    overloaded_after: dict[str, tuple[int, int]] = {}

    def line(self) -> str:
        """For a terminal."""
        name = f"{self.workload} x {self.variant}"
        capacities = f"{_rps(self.before)} -> {_rps(self.after)}"
        if self.ratio is None:
            said = self.reason
        else:
            change = f"{self.ratio.value - 1:+.1%}"
            if self.ratio.low is not None and self.ratio.high is not None:
                change += f" [{self.ratio.low - 1:+.1%}, {self.ratio.high - 1:+.1%}]"
            said = f"{change} {self.verdict}" + (f": {self.reason}" if self.reason else "")
        said += "".join(f"; {line}" for line in self._overload())
        return f"{name:<40} {capacities:<24} {said}" + ("  GATE FAILED" if self.gate_failed else "")

    def _overload(self) -> Iterator[str]:
        """Where it changed."""
        for rate, then in self.overloaded_before.items():
            now = self.overloaded_after.get(rate, then)
            if then[0] * now[1] != now[0] * then[1]:
                yield f"at {rate} overloaded in {now[0]} of {now[1]}, before in {then[0]} of {then[1]}"


def refuse_nothing_in_common(before: Analysis, after: Analysis) -> None:
    """Raises UsageError when a comparison would say nothing: a run with itself, or runs that share no cell."""
    if (before.run.id, before.run.created_epoch_s) == (after.run.id, after.run.created_epoch_s):
        raise UsageError(f"{after.run.id}: is the same run twice; name an earlier run and a later one")
    theirs, ours = ({(cell.workload, cell.variant) for cell in side.cells} for side in (before, after))
    if not theirs & ours:
        raise UsageError(
            f"{before.run.id} and {after.run.id}: no strategy is on the same workload in both; measure the same ones"
        )


def refuse_other_work(before: RunRecord, after: RunRecord) -> None:
    """Raises UsageError when the two runs did not do the same work under the same load."""
    old = {workload.name: workload for workload in before.workloads}
    for new in after.workloads:
        then = old.get(new.name, new)
        if (then.requests, then.wait_ms, then.waits) != (new.requests, new.wait_ms, new.waits):
            raise UsageError(f"{new.name}: the two runs sent different requests; there is nothing to compare")
    for key in ("users", "users_by_workload", "capacity_s", "capacity_most_s", "upstream_sigma"):
        then_value, new_value = getattr(before.profile, key), getattr(after.profile, key)
        if then_value != new_value:
            raise UsageError(
                f"profile: {key} was {_shown(then_value)} and is {_shown(new_value)}; run both with the same profile"
            )


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={each}" for name, each in value.items()) or "empty"
    return str(value)


def compare_runs(before: Analysis, after: Analysis, max_regression_percent: float | None) -> list[Regression]:
    """A row for each cell that either run measured. No gate fails without `max_regression_percent`."""
    ours = {(cell.workload, cell.variant): cell for cell in after.cells}
    theirs = {(cell.workload, cell.variant): cell for cell in before.cells}
    keys = [
        key
        for key in dict.fromkeys([*theirs, *ours])
        if any(cells[key].capacity is not None for cells in (theirs, ours) if key in cells)
    ]
    now, then = _capacities(after), _capacities(before)
    ratios = {
        key: stats.welch_ratio(
            now[key].rps,
            then[key].rps,
            (now[key].step_rps, then[key].step_rps),
            (now[key].of_boots, then[key].of_boots),
        )
        for key in keys
        if key in now and key in then
    }
    ratios = stats.all_at_once(ratios)
    rows: list[Regression] = []
    for key in keys:
        old, new = theirs.get(key), ours.get(key)
        row = Regression(
            workload=key[0],
            variant=key[1],
            before=old.capacity if old else None,
            after=new.capacity if new else None,
            failures_before=own_failures(before, *key),
            failures_after=own_failures(after, *key),
            overloaded_before=_overloaded(old),
            overloaded_after=_overloaded(new),
        )
        if key in ratios:
            row = _judged(row, ratios[key], max_regression_percent)
        else:
            row = _unmatched(row, old, new, gated=max_regression_percent is not None)
        rows.append(_with_failures(row, gated=max_regression_percent is not None))
    return rows


def _overloaded(cell: Cell | None) -> dict[str, tuple[int, int]]:
    return {
        phase.name: (phase.overloaded, sum(phase.statuses.values()))
        for phase in (cell.phases.values() if cell is not None else ())
        if phase.kind is PhaseKind.RATE
    }


class _Capacities(NamedTuple):
    """Of a cell's valid slices."""

    rps: list[float]
    step_rps: float
    of_boots: stats.MeanOfBoots


def _capacities(analysis: Analysis) -> dict[tuple[str, str], _Capacities]:
    """By workload and strategy, where there is any."""
    return {
        (workload.name, variant): _Capacities(
            [each.phase.goodput_rps for each in phases.values()],
            largest_step(CAPACITY, phases),
            boots_in_mean([each.boot for each in phases.values()], boot),
        )
        for workload in analysis.run.workloads
        for found in [by_variant(analysis.run, analysis.slices, workload.name)]
        for boot in [fit(CAPACITY, found).boot]
        for variant, phases in found.items()
        if phases
    }


def _judged(row: Regression, ratio: stats.LogRatio, max_regression_percent: float | None) -> Regression:
    estimate = ratio.estimate
    fell_too_far = max_regression_percent is not None and estimate.value < 1 - max_regression_percent / 100
    # Not the verdict: a limit below 5 % must also hold where the verdict would be "same".
    is_certain = ratio.interval is not None and ratio.interval[1] < 0
    return msgspec.structs.replace(
        row,
        ratio=estimate,
        verdict=stats.verdict(ratio),
        gate_failed=fell_too_far and is_certain,
        reason="" if ratio.interval is not None else "one valid slice cannot say; both runs need two or more",
    )


def _unmatched(row: Regression, old: Cell | None, new: Cell | None, *, gated: bool) -> Regression:
    if old is None or old.capacity is None:
        answered = old is None or not old.without_answer
        return msgspec.structs.replace(row, reason="was not measured before" if answered else "gave no answer before")
    if new is None:
        return msgspec.structs.replace(row, reason="is not part of the second run")
    if new.without_answer:
        reason = f"gave no right answer in {count(new.without_answer, 'slice')}"
    else:
        reason = "has no valid slice any more" + (f": {new.error}" if new.error else "")
    return msgspec.structs.replace(row, gate_failed=gated, reason=reason)


def _with_failures(row: Regression, *, gated: bool) -> Regression:
    """The slices that are left do not speak for those that the strategy itself spoilt."""
    then, now = row.failures_before, row.failures_after
    if now.slices * then.of_slices == then.slices * now.of_slices:
        return row
    codes = ", ".join(f"{code} {many}" for code, many in now.codes.items())
    said = (
        f"{now.slices} of {count(now.of_slices, 'slice')} spoilt by the strategy itself"
        f"{f' ({codes})' if codes else ''}, before {then.slices} of {then.of_slices}"
    )
    return msgspec.structs.replace(
        row,
        gate_failed=row.gate_failed or (gated and then.slices == 0),
        reason="; ".join(filter(None, [row.reason, said])),
    )


def _rps(estimate: Estimate | None) -> str:
    return "-" if estimate is None else f"{estimate.value:.4g}/s"
