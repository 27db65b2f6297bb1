"""What a command line asks to be measured, checked before anything is started."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import project
from harness.results.records.errors import UsageError

if TYPE_CHECKING:
    from harness.measuring.measure import Order


def order_of(
    profile_name: str,
    strategies: list[str] | None,
    workloads: list[str] | None,
    blocks: int | None,
    seed: int | None,
    results: Path,
    port: int | None,
) -> tuple[Order, tuple[str, ...]]:
    """The order, and a line for each broken file that nobody asked for. Raises UsageError."""
    import msgspec

    from harness.catalog.variants import variant_of
    from harness.machine.partition import detect
    from harness.measuring.measure import Order
    from harness.processes.ports import why_not
    from harness.profiles.loader import check_workloads, load_profile

    if port is not None and (reason := why_not(port)):
        raise UsageError(f"--port {port}: {reason}; choose another, or leave it out for a free one")
    catalog = project.catalog()
    chosen = catalog.select_strategies(strategies or [])
    cores = detect().target_cores
    profile = load_profile(profile_name)
    check_workloads(profile, [w.name for w in catalog.workloads] + [w.name for w in catalog.broken_workloads])
    if blocks is not None:
        profile = msgspec.structs.replace(profile, blocks=blocks)
    if seed is not None:
        profile = msgspec.structs.replace(profile, seed=seed)
    order = Order(
        root=catalog.root,
        profile=profile,
        strategies=chosen,
        variants=tuple(variant_of(strategy, cores) for strategy in chosen),
        workloads=catalog.select_workloads(workloads or list(profile.workloads)),
        results=results,
        command=shlex.join(["bench", *sys.argv[1:]]),
        port=port,
    )
    return order, () if strategies else catalog.errors
