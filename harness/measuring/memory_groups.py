"""Which servers may live side by side: all of a workload where memory and the database allow, else groups that share
the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.results.records.text import count

_MIB = 1 << 20


@dataclass(frozen=True)
class ConnectionNeeds:
    """By variant, its connections to a database, which takes so many in all (None: any number)."""

    of: Mapping[str, int]
    allowed: int | None


def memory_groups(
    variants: Sequence[str],
    baseline: str | None,
    need_bytes: Mapping[str, int],
    allowed_bytes: float,
    connections: ConnectionNeeds | None = None,
) -> list[list[str]]:
    """In the order of `variants`. `need_bytes`: what each used when it was checked, unknown ones nothing. Two that do
    not fit into it together are a group all the same: what they use is an estimate, and a comparison needs both.
    `connections`: each must have room for its own beside those of the baseline, since no database takes more."""

    def fits_in(group: Sequence[str]) -> bool:
        allowed = None if connections is None else connections.allowed
        if connections is not None and allowed is not None and _sum(group, connections.of) > allowed:
            return False
        return _sum(group, need_bytes) <= allowed_bytes

    shared = [variant for variant in variants if variant == baseline]
    groups: list[list[str]] = []
    for variant in variants:
        if variant in shared:
            continue
        fits = next((g for g in groups if fits_in([*g, variant])), None)
        if fits is None:
            groups.append([*shared, variant])
        else:
            fits.append(variant)
    return groups or [shared]


def memory_line(
    variants: Sequence[str], need_bytes: Mapping[str, int], free_bytes: int, allowed_bytes: float, groups: int
) -> str:
    """For a person, before anything is measured."""
    used_bytes = _sum(variants, need_bytes)
    said = (
        f"memory: {count(len(variants), 'server')} side by side use about {used_bytes / _MIB:,.0f} MiB of "
        f"{free_bytes / _MIB:,.0f} free"
    )
    if used_bytes <= allowed_bytes:  # what makes groups then is something else
        return said
    return f"{said}; that is too much at once, so they are measured in {count(groups, 'group')}"


def connections_line(needs: ConnectionNeeds) -> str:
    """The same for a database that does not take all of them; empty where it does."""
    wanted = sum(needs.of.values())
    if needs.allowed is None or wanted <= needs.allowed:
        return ""
    return (
        f"connections: all servers together would have {wanted}, and the database takes {needs.allowed}; so they are "
        "measured in groups"
    )


def _sum(variants: Sequence[str], need: Mapping[str, int]) -> int:
    return sum(need.get(variant, 0) for variant in variants)
