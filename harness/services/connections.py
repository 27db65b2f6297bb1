"""Whether targets can have their connections to a database, which takes so many in all. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from harness.results.records.variant import Variant


def fit_together(variants: Iterable[Variant], allowed: int | None) -> bool:
    """Whether all of them can have theirs at once. `allowed`: None is any number."""
    return allowed is None or sum(variant.all_connections for variant in variants) <= allowed


def too_many_connections(variant: Variant, allowed: int | None, beside: Variant | None = None) -> str:
    """Why it cannot have its own, alone or `beside` what it is compared with; empty: it can."""
    if fit_together([variant] if beside is None else [variant, beside], allowed):
        return ""
    others = "" if beside is None else f" beside {beside.all_connections} of {beside.name}, which it is compared with"
    return (
        f"would have {variant.all_connections} connections{others}, and the database takes {allowed} "
        "(max_connections, less those that are kept for administrators); use fewer, or raise max_connections of one "
        "that you give with --postgres-url"
    )
