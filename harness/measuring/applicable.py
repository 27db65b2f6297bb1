"""Refuses a selection of which nothing can be measured, or nothing compared, and says why."""

from __future__ import annotations

from collections.abc import Sequence

from harness import plan
from harness.measuring.known import Known
from harness.results.records.errors import UsageError
from harness.results.records.run_record import Preflight, RunRecord
from harness.results.records.text import count
from harness.results.records.workload import Workload

_NAMED = 6


class UnusableSelectionError(UsageError):
    """The pre-flight check has shown that this selection is of no use."""


def require_applicable(checked: Sequence[Preflight], workloads: Sequence[Workload]) -> None:
    """Raises UnusableSelectionError when every cell is `not_applicable`. A cell that failed is a result."""
    if all(cell.status == "not_applicable" for cell in checked):
        reasons = _reasons(checked, workloads)
        raise UnusableSelectionError(
            f"nothing to measure: {reasons}; choose other strategies or workloads (`bench list`)"
        )


def require_baseline(baseline: str | None, checked: Sequence[Preflight], workloads: Sequence[Workload]) -> None:
    """Raises UnusableSelectionError when others work, and the baseline that was asked for on no workload."""
    working = {cell.variant for cell in checked if cell.status == "ok"}
    if baseline is not None and working and baseline not in working:
        reasons = _reasons([cell for cell in checked if cell.variant == baseline], workloads)
        raise UnusableSelectionError(
            f"--baseline {baseline}: works on no workload of this run ({reasons}); name another, or leave it out"
        )


def require_budget(record: RunRecord) -> None:
    """Raises UnusableSelectionError when the sessions that every cell needs do not fit into the budget."""
    profile = record.profile
    least_s = plan.estimate_s(record.plan, profile, Known(record.preflight, ()))
    if profile.budget_s and least_s > profile.budget_s:
        raise UnusableSelectionError(
            f"--budget {profile.budget_s:.0f}s: too short for {count(profile.sessions, 'session')} of each workload, "
            f"which take about {least_s:.0f} s; allow more, or choose fewer strategies or workloads"
        )


def _reasons(cells: Sequence[Preflight], workloads: Sequence[Workload]) -> str:
    """The first few different ones."""
    route = {workload.name: workload.requests[0].name.partition("?")[0] for workload in workloads}
    reasons = list(
        dict.fromkeys(
            cell.error or f"{cell.variant} has no route {route[cell.workload]} ({cell.workload})" for cell in cells
        )
    )
    more = f", and {len(reasons) - _NAMED} more" if len(reasons) > _NAMED else ""
    return "; ".join(reasons[:_NAMED]) + more
