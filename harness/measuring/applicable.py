"""Refuses a selection of which nothing can be measured, and says why."""

from __future__ import annotations

from collections.abc import Sequence

from harness.results.records.errors import UsageError
from harness.results.records.run_record import Preflight
from harness.results.records.workload import Workload

_NAMED = 6


class NothingApplicableError(UsageError):
    """No variant of the selection applies to any workload of it."""


def require_applicable(checked: Sequence[Preflight], workloads: Sequence[Workload]) -> None:
    """Raises NothingApplicableError when every cell is `not_applicable`. One that failed is a result of its own."""
    if any(cell.status != "not_applicable" for cell in checked):
        return
    path = {workload.name: workload.requests[0].path.partition("?")[0] for workload in workloads}
    reasons = list(
        dict.fromkeys(
            cell.error or f"{cell.variant} has no route {path[cell.workload]} ({cell.workload})" for cell in checked
        )
    )
    more = f", and {len(reasons) - _NAMED} more" if len(reasons) > _NAMED else ""
    raise NothingApplicableError(
        f"nothing to measure: {'; '.join(reasons[:_NAMED])}{more}; choose other strategies or workloads (`bench list`)"
    )
