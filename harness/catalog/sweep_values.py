"""One strategy with several values of one parameter: each value is a strategy of its own, run from the same file."""

from __future__ import annotations

import msgspec

from harness.results.records.errors import UsageError
from harness.results.records.strategy import Strategy

LONGEST_NAME = 64  # model.Name


def variants(base: Strategy, param: str) -> tuple[Strategy, ...]:
    """`param` is `threads=4,8,16`. Raises UsageError for an unknown parameter or a value of another type."""
    name, _, listed = param.partition("=")
    values = [value.strip() for value in listed.split(",") if value.strip()]
    if name not in base.params:
        known = ", ".join(base.params) or "none"
        raise UsageError(f"{param}: {base.name} has no parameter {name!r}; its PARAMS: {known}")
    if not values:
        raise UsageError(f"{param}: no values; write {name}=4,8,16")
    made = tuple(_variant(base, name, value) for value in dict.fromkeys(values))
    for variant in made:
        if len(variant.name) > LONGEST_NAME or sum(other.name == variant.name for other in made) > 1:
            raise UsageError(
                f"{param}: {variant.name!r} would be its name: too long, or another's; choose other values"
            )
    return made


def _variant(base: Strategy, name: str, text: str) -> Strategy:
    kind = type(base.params[name])
    try:
        value = kind(text)
    except ValueError as error:
        raise UsageError(
            f"{name}={text}: {base.name} takes {kind.__name__}; write {name}={base.params[name]}"
        ) from error
    suffix = "".join(c if c.isascii() and c.isalnum() else "_" for c in text.lower())
    return msgspec.structs.replace(
        base,
        name=f"{base.name}_{name}_{suffix}",
        title=f"{base.title} ({name}={text})",
        params={**base.params, name: value},
        in_flight=value if base.in_flight_param == name and isinstance(value, int) else base.in_flight,
    )
