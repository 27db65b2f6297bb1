"""What a command line asks to be measured, checked before anything is started."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from harness.cli import project
from harness.results.records.errors import UsageError

if TYPE_CHECKING:
    from harness.catalog.dimensions import Dimensions
    from harness.measuring.measure import Order
    from harness.results.records.profile import Profile
    from harness.results.records.strategy import Strategy
    from harness.results.records.workload import Workload

_T = TypeVar("_T", "Strategy", "Workload")


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
    from harness.profiles.loader import check_workloads, load_profile, profile_names

    check_port(port)
    catalog = project.catalog()
    cores = detect().target_cores
    profile = load_profile(profile_name)
    if profile_name not in profile_names():  # a name that is not there is a mistake in one's own profile only
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
    selected = not_left_out(catalog.select_workloads(named), named, profile)
    chosen = not_left_out(catalog.applicable_strategies(strategies or [], selected), strategies, profile)
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


def contents_line(order: Order) -> str:
    """What is in a profile, or what was chosen of it: "profile quick: cpu, fanout, io; fake_async, ..."."""
    workloads = ", ".join(workload.name for workload in order.workloads)
    strategies = ", ".join(strategy.name for strategy in order.strategies)
    return f"profile {order.profile.name}: {workloads}; {strategies}"


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


def not_left_out(found: tuple[_T, ...], named: Sequence[str] | None, profile: Profile) -> tuple[_T, ...]:
    """Those that were `named`; where nobody named any, all but those that the profile leaves out. Raises UsageError
    when none is left."""
    left = tuple(entry for entry in found if named or entry.name not in profile.leave_out)
    if found and not left:
        raise UsageError(
            f"profile {profile.name}: leave_out: leaves nothing of {', '.join(entry.name for entry in found)}; "
            "name what to measure with -s and -w"
        )
    return left


def sweeps_asked_for(words: Sequence[str]) -> dict[str, list[str]]:
    """Of "STRATEGY NAME=V1,V2 ...": the parameters of each strategy. Raises UsageError."""
    found: dict[str, list[str]] = {}
    for word in words:
        if "=" not in word:
            found.setdefault(word, [])
        elif not found:
            raise UsageError(f"{word}: of which strategy? write STRATEGY {word}")
        else:
            found[list(found)[-1]].append(word)
    for strategy, params in found.items():
        if not params:
            raise UsageError(f"{strategy}: which sizes? write {strategy} NAME=V1,V2,V3")
    return found


def swept_order(order: Order, params: Mapping[str, Sequence[str]], baseline: str | None) -> Order:
    """`order`, with a variant for each value of its strategies' `params`, of each of its variants. A baseline that is
    none of them comes first: the one that was named, else the usual one as its file says."""
    from dataclasses import replace

    import msgspec

    from harness.catalog.variants import check_names, swept, variant_of
    from harness.machine.partition import detect
    from harness.results.records.baseline import USUAL_BASELINE

    cores = detect().target_cores
    made = [
        variant
        for strategy in order.strategies
        for of in order.variants
        if of.strategy == strategy.name
        for param in params[strategy.name]
        for variant in swept(strategy, param, cores, of)
    ]
    check_names(made)
    files = {file.name: file for file in project.catalog().strategies}
    check_baseline(baseline, [*(variant.name for variant in made), *files])
    file = files.get(baseline or USUAL_BASELINE)
    if file is None:
        return replace(order, variants=tuple(made), baseline=baseline)
    beside = variant_of(file, cores)
    same = [each.name for each in made if msgspec.structs.replace(each, name=beside.name) == beside]
    if same:  # A value that is as the file says is another name for the same.
        return replace(order, variants=tuple(made), baseline=same[0])
    return replace(
        order,
        strategies=(file, *(each for each in order.strategies if each != file)),
        variants=(beside, *made),
        baseline=baseline,
    )


def budget_s(text: str, option: str = "--budget") -> float:
    """Seconds of "90s", "10m", "1h30m"; raises UsageError."""
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m(?:in)?)?(?:(\d+)s)?", text.replace(" ", ""))
    parts = [int(part) for part in (found.groups("0") if found else ())]
    if not any(parts):
        raise UsageError(f"{option} {text}: is not a time; write it like 90s, 10m or 1h30m")
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
