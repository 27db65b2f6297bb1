"""Who cannot have its connections to the database beside those of the baseline, with which it is compared. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harness.results.records.run_record import Preflight
from harness.results.records.variant import Variant
from harness.services.connections import too_many_connections


def with_room(
    checked: Sequence[Preflight], variants: Sequence[Variant], baseline: str | None, allowed: int | None
) -> tuple[Preflight, ...]:
    """`checked`, where who has no room has failed: both would be measured in the same rounds. `allowed`: how many
    connections the database takes; None: any number."""
    by_name = {variant.name: variant for variant in variants}

    def reason(cell: Preflight) -> str:
        if cell.status != "ok" or cell.variant == baseline:
            return ""
        return too_many_connections(by_name[cell.variant], allowed, by_name.get(baseline or ""))

    return tuple(
        msgspec.structs.replace(cell, status="failed", error=f"{cell.variant}: {said}") if said else cell
        for cell in checked
        for said in [reason(cell)]
    )
