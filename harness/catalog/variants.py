"""Makes variants of strategies: what the file says, with "cores" as a number, and what somebody changes about it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import msgspec

from harness.results.records.errors import UsageError
from harness.results.records.strategy import ServerOptions, Strategy
from harness.results.records.variant import Runtime, Variant, VariantName, slug
from harness.serving.asgi_server import resolved, under_server

ParamValue = int | float | str
WORKERS = "workers"
MOST_WORKERS = 256
_SHARE_OF_CORES = re.compile(r"(?:(\d{1,3}(?:\.\d{1,3})?)x)?cores")
OWN_PYTHON = Runtime()
_KINDS: dict[type, str] = {int: "a whole number", float: "a number", str: "a text"}


def variant_of(
    strategy: Strategy,
    cores: int,
    *,
    params: Mapping[str, ParamValue] | None = None,
    server: ServerOptions | None = None,
    runtime: Runtime = OWN_PYTHON,
) -> Variant:
    """`strategy` with other `params`, another `server` or another `runtime`. What is left out is as its file says.
    `cores` replaces the value "cores": the target's share of the machine."""
    changed = dict(params or {})
    in_force = {name: _resolved(value, cores) for name, value in {**strategy.params, **changed}.items()}
    options = resolved(server or strategy.server)
    return Variant(
        name=_name(strategy, changed, options, runtime.interpreter),
        strategy=strategy.name,
        title=strategy.title,
        path=strategy.path,
        requires=strategy.requires,
        params=in_force,
        server=options,
        workers=cores if options.workers == "cores" else options.workers,
        in_flight=_given_by(strategy.in_flight_param, in_force, strategy.in_flight),
        interpreter=runtime.interpreter,
        python=runtime.python,
        connections=_given_by(strategy.connections_param, in_force, strategy.connections),
        services=strategy.services,
    )


def swept(strategy: Strategy, param: str, cores: int, of: Variant | None = None) -> tuple[Variant, ...]:
    """A variant for each value of `param`, such as `threads=4,8,16`, or `workers=1,cores,2xcores` of the server; `of` a
    variant of the strategy, else of what its file says. Raises UsageError for an unknown parameter or a value of
    another type."""
    of = of or variant_of(strategy, cores)
    runtime = Runtime(of.interpreter, of.python)
    beside = _changed_in(of, strategy, cores)
    name, _, listed = param.partition("=")
    values = [value.strip() for value in listed.split(",") if value.strip()]
    if name not in strategy.params and name != WORKERS:
        known = ", ".join((*strategy.params, WORKERS))
        raise UsageError(f"{param}: {strategy.name} has no parameter {name!r}; it has: {known}")
    if not values:
        raise UsageError(f"{param}: no values; write {name}=4,8,16")
    if name in beside:
        raise UsageError(f"{param}: {name} is {beside[name]} already, by --{name}; leave that out")
    if name in strategy.params:
        typed = [_typed(strategy, name, _times_cores(strategy, name, value, cores)) for value in values]
        different: dict[ParamValue, ParamValue] = {}
        for value in typed:
            different.setdefault(_resolved(value, cores), value)
        params = ({**beside, name: value} for value in different.values())
        made = tuple(variant_of(strategy, cores, params=each, server=of.server, runtime=runtime) for each in params)
    else:
        numbers = dict.fromkeys(_workers(strategy, value, cores) for value in values)
        options = (msgspec.structs.replace(of.server, workers=many) for many in numbers)
        made = tuple(variant_of(strategy, cores, params=beside, server=each, runtime=runtime) for each in options)
    check_names(made)
    return made


def check_names(variants: Sequence[Variant]) -> None:
    """Raises UsageError when two would have the same name or folder, or when a name is not allowed."""
    seen: dict[str, str] = {}
    for variant in variants:
        try:
            msgspec.convert(variant.name, VariantName)
        except msgspec.ValidationError as error:
            raise UsageError(
                f"variant {variant.name}: its name is too long or has spaces in it; choose other values"
            ) from error
        folder = slug(variant.name).lower()  # some file systems do not tell upper from lower case
        if folder in seen:
            raise UsageError(f"variant {variant.name}: would share a folder with {seen[folder]}; choose other values")
        seen[folder] = variant.name


def changed_param(strategy: Strategy, name: str, text: str) -> dict[str, ParamValue]:
    """What `variant_of` needs for this value of a parameter: nothing, where the file says the same. Raises UsageError
    for a value that the parameter cannot have."""
    value = _typed(strategy, name, text)
    return {} if value == strategy.params[name] else {name: value}


def _name(strategy: Strategy, params: Mapping[str, ParamValue], server: ServerOptions, interpreter: str) -> str:
    ours = resolved(strategy.server)
    usual = under_server(ours, server.server)
    changed = [f"{name}={value}" for name, value in params.items()]
    changed += [f"workers={server.workers}"] if server.workers != ours.workers else []
    serving = ((server.server, ours.server), (server.loop, usual.loop), (server.http, usual.http))
    other = [value for value, expected in serving if value != expected]
    other += [interpreter.partition("-")[0]] if interpreter else []
    name = f"{strategy.name}[{','.join(changed)}]" if changed else strategy.name
    return f"{name} @ {'+'.join(other)}" if other else name


def _changed_in(variant: Variant, strategy: Strategy, cores: int) -> dict[str, ParamValue]:
    """The parameters in which it differs from its file."""
    return {name: value for name, value in variant.params.items() if value != _resolved(strategy.params[name], cores)}


def _given_by(param: str | None, in_force: Mapping[str, ParamValue], number: int | None) -> int | None:
    """What a parameter gives, if one does."""
    if param is None:
        return number
    value = in_force[param]
    return value if isinstance(value, int) else None


def _resolved(value: ParamValue, cores: int) -> ParamValue:
    return cores if value == "cores" else value


def _of_cores(text: str, cores: int) -> int | None:
    """What "cores" or "1.5xcores" is here, rounded up; None for another word."""
    found = _SHARE_OF_CORES.fullmatch(text)
    return None if found is None else max(1, math.ceil(float(found[1] or 1) * cores))


def _times_cores(strategy: Strategy, name: str, text: str, cores: int) -> str:
    """A value with "2xcores" as a number, where the parameter is one; but "cores" stays where the file says it, too."""
    many = _of_cores(text, cores)
    default = strategy.params[name]
    is_text = isinstance(default, str) and default != "cores"
    return text if many is None or is_text or text == default else str(many)


def _workers(strategy: Strategy, text: str, cores: int) -> int:
    many = _of_cores(text, cores) or (int(text) if text.isdecimal() else 0)
    if not 1 <= many <= MOST_WORKERS:
        raise UsageError(
            f"workers={text}: {strategy.name} takes 1 to {MOST_WORKERS} workers, or cores, or 2xcores; write workers=2"
        )
    return many


def _typed(strategy: Strategy, name: str, text: str) -> ParamValue:
    """`text` as a value of the type that the parameter has in the file. Where the file says "cores": a number, or
    "cores"."""
    default = strategy.params[name]
    if text not in strategy.choices.get(name, (text,)):
        raise UsageError(f"{name}={text}: {strategy.name} knows {', '.join(strategy.choices[name])}")
    if default == text:
        return default
    kind = int if default == "cores" else type(default)
    example = 4 if default == "cores" else default
    try:
        value: ParamValue = kind(text)
        if msgspec.json.decode(msgspec.json.encode(value), type=kind) != value:
            raise ValueError(text)  # nan and the like: JSON has no such numbers
    except (ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise UsageError(f"{name}={text}: {strategy.name} takes {_KINDS[kind]}; write {name}={example}") from error
    if name == strategy.in_flight_param and isinstance(value, int) and value < 1:
        raise UsageError(f"{name}={text}: no call could be in flight (IN_FLIGHT is {name!r}); write 1 or more")
    if name == strategy.connections_param and isinstance(value, int) and value < 1:
        raise UsageError(f"{name}={text}: there would be no connection (CONNECTIONS is {name!r}); write 1 or more")
    return value
