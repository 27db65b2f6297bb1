"""Refuses a selection of which nothing can be measured, or nothing compared, and says why."""

from __future__ import annotations

from collections.abc import Sequence

from harness.results.records.errors import UsageError
from harness.results.records.run_record import Preflight
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


def _reasons(cells: Sequence[Preflight], workloads: Sequence[Workload]) -> str:
    """The first few different ones."""
    path = {workload.name: workload.requests[0].path.partition("?")[0] for workload in workloads}
    reasons = list(
        dict.fromkeys(
            cell.error or f"{cell.variant} has no route {path[cell.workload]} ({cell.workload})" for cell in cells
        )
    )
    more = f", and {len(reasons) - _NAMED} more" if len(reasons) > _NAMED else ""
    return "; ".join(reasons[:_NAMED]) + more
