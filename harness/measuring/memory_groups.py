"""Which servers may live side by side: all of a workload where memory allows, else groups that share the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.results.records.text import count

_MIB = 1 << 20


def memory_groups(
    variants: Sequence[str], baseline: str | None, need_bytes: Mapping[str, int], allowed_bytes: float
) -> list[list[str]]:
    """In the order of `variants`. `need_bytes`: what each used when it was checked, unknown ones nothing. Two that do
    not fit together are a group all the same: a comparison needs both."""
    shared = [variant for variant in variants if variant == baseline]
    groups: list[list[str]] = []
    for variant in variants:
        if variant in shared:
            continue
        fits = next((g for g in groups if _sum([*g, variant], need_bytes) <= allowed_bytes), None)
        if fits is None:
            groups.append([*shared, variant])
        else:
            fits.append(variant)
    return groups or [shared]


def memory_line(variants: Sequence[str], need_bytes: Mapping[str, int], free_bytes: int, groups: int) -> str:
    """For a person, before anything is measured."""
    used_mib, free_mib = _sum(variants, need_bytes) / _MIB, free_bytes / _MIB
    said = (
        f"memory: {count(len(variants), 'server')} side by side use about {used_mib:,.0f} MiB of {free_mib:,.0f} free"
    )
    return said if groups == 1 else f"{said}; that is too much at once, so they are measured in {groups} groups"


def _sum(variants: Sequence[str], need_bytes: Mapping[str, int]) -> int:
    return sum(need_bytes.get(variant, 0) for variant in variants)
