"""What a command line asks to be measured, checked before anything is started."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import project
from harness.results.records.errors import UsageError

if TYPE_CHECKING:
    from harness.catalog.dimensions import Dimensions
    from harness.measuring.measure import Order
    from harness.results.records.workload import Workload


def order_of(
    profile_name: str,
    strategies: list[str] | None,
    workloads: list[str] | None,
    rounds: int | None,
    seed: int | None,
    results: Path,
    port: int | None,
    budget: str | None = None,
    precision: str | None = None,
    asked: Dimensions | None = None,
    postgres_url: str | None = None,
) -> tuple[Order, tuple[str, ...]]:
    """The order, and one line for each broken file that was not asked for by name, and for each Python that targets
    cannot run on. Makes the environments of Pythons that are missing. Raises UsageError."""
    import msgspec

    from harness.catalog.dimensions import Dimensions, varied
    from harness.cli.pythons import runtimes
    from harness.machine.partition import detect
    from harness.measuring.measure import Order
    from harness.profiles.loader import check_workloads, load_profile

    check_port(port)
    catalog = project.catalog()
    cores = detect().target_cores
    profile = load_profile(profile_name)
    check_workloads(profile, [w.name for w in catalog.workloads] + [w.name for w in catalog.broken_workloads])
    if rounds is not None:
        profile = msgspec.structs.replace(profile, rounds=rounds)
    if seed is not None:
        profile = msgspec.structs.replace(profile, seed=seed)
    if budget is not None:
        profile = msgspec.structs.replace(profile, budget_s=budget_s(budget))
    if precision is not None:
        profile = msgspec.structs.replace(profile, precision_percent=precision_percent(precision))
    named = workloads or list(profile.workloads)
    selected = catalog.select_workloads(named, profile.named_only)
    chosen = catalog.applicable_strategies(strategies or [], selected)
    own = own_services(postgres_url, selected)
    asked = asked or Dimensions()
    varied(chosen, cores, asked)  # refuses what nobody knows before environments are made, which takes a while
    on, unusable = runtimes(asked.pythons)
    words = ["bench", *sys.argv[1:]]
    if postgres_url is not None:
        words = [word.replace(postgres_url, shown_url(postgres_url)) for word in words]
    order = Order(
        root=catalog.root,
        profile=profile,
        strategies=chosen,
        variants=varied(chosen, cores, asked, on),
        workloads=selected,
        results=results,
        command=shlex.join(words),
        port=port,
        own=own,
        must_fit=budget is not None,
    )
    return order, (*catalog.errors_beside(strategies or [], named), *unusable)


def own_services(postgres_url: str | None, workloads: Sequence[Workload]) -> dict[str, str]:
    """The addresses of services that somebody already has, by name. Raises UsageError when it cannot be used, or nobody
    would use it."""
    from harness.services.postgres import own_database

    if postgres_url is None:
        return {}
    if not any("postgres" in workload.services for workload in workloads):
        raise UsageError(
            f"--postgres-url {shown_url(postgres_url)}: no workload of this run uses PostgreSQL; add -w db, or leave "
            "it out"
        )
    return {"postgres": own_database(postgres_url)}


def shown_url(postgres_url: str) -> str:
    """Without its password: what a run was made with is kept, and shown."""
    from harness.services.postgres import redacted

    return redacted(postgres_url)


def swept_order(order: Order, param: str, baseline: str | None) -> Order:
    """`order`, which has one strategy, with a variant for each value of `param`. A baseline that is none of them comes
    first."""
    from dataclasses import replace

    from harness.catalog.variants import swept, variant_of
    from harness.machine.partition import detect
    from harness.results.records.baseline import USUAL_BASELINE

    cores = detect().target_cores
    (strategy,) = order.strategies
    made = swept(strategy, param, cores)
    files = {file.name: file for file in project.catalog().strategies}
    check_baseline(baseline, [*(variant.name for variant in made), *files])
    usual = files.get(USUAL_BASELINE) if strategy.name != USUAL_BASELINE else None
    beside = files.get(baseline) if baseline is not None else usual
    if beside is None:
        return replace(order, variants=made, baseline=baseline)
    return replace(
        order,
        strategies=(strategy,) if beside == strategy else (beside, strategy),
        variants=(variant_of(beside, cores), *made),
        baseline=baseline,
    )


def budget_s(text: str) -> float:
    """Seconds of "90s", "10m", "1h30m"; raises UsageError."""
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m(?:in)?)?(?:(\d+)s)?", text.replace(" ", ""))
    parts = [int(part) for part in (found.groups("0") if found else ())]
    if not any(parts):
        raise UsageError(f"--budget {text}: is not a time; write it like 90s, 10m or 1h30m")
    hours, minutes, seconds = parts
    return 3600.0 * hours + 60.0 * minutes + seconds


def precision_percent(text: str) -> float:
    """Of "5%" or "5"; raises UsageError."""
    try:
        percent = float(text.strip().removesuffix("%"))
    except ValueError:
        percent = 0.0
    if not 0.5 <= percent <= 100:
        raise UsageError(f"--precision {text}: is not a share between 0.5% and 100%; write it like 5%")
    return percent


def check_port(port: int | None) -> None:
    """Raises UsageError when a target could not listen on `port`."""
    from harness.processes.ports import why_not

    if port is not None and (reason := why_not(port)):
        raise UsageError(f"--port {port}: {reason}; choose another, or leave it out for a free one")


def check_baseline(baseline: str | None, variants: Sequence[str]) -> None:
    """Raises UsageError when it is not one of `variants`."""
    from harness.catalog.nearest_name import nearest

    if baseline is not None and baseline not in variants:
        raise UsageError(f"--baseline {baseline}: is not part of this run; {nearest(baseline, variants)}")
