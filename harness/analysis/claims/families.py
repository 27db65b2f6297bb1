"""Variants of a run that differ in one thing only. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

import msgspec

from harness.results.records.variant import Variant

ChangedParams = Mapping[str, int | float | str]

# `def` endpoints on AnyIO's threads, both: the same code, with one worker and with several.
_SAME_CODE = {"sync_def": "multi_worker"}
# A strategy with one parameter changed, and the one that is the same by now.
_CALLS_AIOHTTP = "pure_async", {"client": "aiohttp"}
_SAME_CALLS = "pure_async_aiohttp"


def settings_of(
    strategies: Sequence[str], variants: Iterable[Variant], changed: Mapping[str, ChangedParams]
) -> list[tuple[str, ...]]:
    """A variant's name for each of the strategies, in every setting (server, loop, parser, interpreter) that has them
    all. `changed`: by variant, what beside the setting is not as the strategy's file says; such a variant stands for no
    strategy."""
    found: dict[Hashable, dict[str, str]] = {}
    for variant in variants:
        if not changed[variant.name]:
            found.setdefault((_server(variant), variant.interpreter), {})[variant.strategy] = variant.name
        elif (variant.strategy, changed[variant.name]) == _CALLS_AIOHTTP:
            found.setdefault((_server(variant), variant.interpreter), {}).setdefault(_SAME_CALLS, variant.name)
    return [
        tuple(own[strategy] for strategy in strategies)
        for own in found.values()
        if all(strategy in own for strategy in strategies)
    ]


def sizes_of(param: str, variants: Iterable[Variant]) -> list[list[str]]:
    """Names by the value of a parameter, the smallest first; a list for each family of at least two values."""
    families: dict[Hashable, dict[float, str]] = {}
    for variant in variants:
        value = variant.params.get(param)
        if isinstance(value, int | float):
            others = tuple(sorted((name, each) for name, each in variant.params.items() if name != param))
            key = variant.strategy, others, variant.workers, _server(variant), variant.interpreter
            families.setdefault(key, {})[value] = variant.name
    return [[names[value] for value in sorted(names)] for names in families.values() if len(names) > 1]


def workers_of(variants: Iterable[Variant], changed: Mapping[str, ChangedParams]) -> list[dict[int, str]]:
    """Names by the number of workers; one for each family of at least two numbers. `changed`: by variant, parameters
    that are not as the strategy's file says."""
    families: dict[Hashable, dict[int, str]] = {}
    # Where the two have as many workers, the strategy that is about workers stands for both.
    for variant in sorted(variants, key=lambda each: each.strategy not in _SAME_CODE):
        strategy = _SAME_CODE.get(variant.strategy, variant.strategy)
        key = strategy, tuple(sorted(changed[variant.name].items())), _server(variant), variant.interpreter
        families.setdefault(key, {})[variant.workers] = variant.name
    return [names for names in families.values() if len(names) > 1]


def loops_of(variants: Sequence[Variant]) -> list[tuple[str, str]]:
    """Pairs of names: with uvloop, and with asyncio's own loop."""
    return [
        (one.name, other.name)
        for one in variants
        for other in variants
        if (one.server.loop, other.server.loop) == ("uvloop", "asyncio") and _without_loop(one) == _without_loop(other)
    ]


def _without_loop(variant: Variant) -> Variant:
    return msgspec.structs.replace(variant, name="any", server=msgspec.structs.replace(variant.server, loop=""))


def _server(variant: Variant) -> Hashable:
    """Without the number of workers."""
    return variant.server.server, variant.server.loop, variant.server.http
