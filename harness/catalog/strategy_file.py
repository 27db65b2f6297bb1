"""What a strategy file says about itself, with every literal checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.catalog import literals
from harness.catalog.literal_reader import LiteralReader
from harness.catalog.literals import NotPythonError
from harness.catalog.nearest_name import nearest
from harness.catalog.requirement import is_requirement, unmet
from harness.results.records.errors import UsageError
from harness.results.records.strategy import ServerOptions, Strategy
from harness.results.records.values import Name, PositiveInt
from harness.serving.asgi_server import resolved

Params = dict[str, int | float | str]
_STRATEGY_LITERALS = ("SERVER", "PARAMS", "CHOICES", "IN_FLIGHT", "CONNECTIONS", "REQUIRES", "SERVICES")
# Parameters cannot have these names: harness, services and targets use BENCH_<NAME> between themselves.
_OF_THE_PROCESSES = (
    *("probe_dir", "remedies", "target", "target_factory", "target_folder", "token", "tree", "watch_dir"),
)
_OF_THE_SERVICES = ("postgres", "postgres_own", "upstream", "upstream_seed", "upstream_sigma")
_RESERVED_PARAMS = frozenset({*_OF_THE_PROCESSES, *_OF_THE_SERVICES})


def read_strategy(path: Path, shown: str) -> Strategy:
    """The strategy in `path`, called `shown` in errors. Raises UsageError."""
    try:
        module = literals.read_module(path, shown, _STRATEGY_LITERALS)
    except NotPythonError:
        # A newer Python may be able to read it. Then it is not broken, only not applicable here.
        requires = literals.find_string(path, "REQUIRES")
        if requires is not None and is_requirement(requires) and unmet(requires):
            return Strategy(name=path.stem, title=path.stem, description="", path=shown, requires=requires)
        raise
    reader = LiteralReader(module, shown)
    params = _params(reader)
    in_flight, in_flight_param = _number_or_param(reader, "IN_FLIGHT", params)
    connections, connections_param = _number_or_param(reader, "CONNECTIONS", params)
    requires = reader.get("REQUIRES", str | None, None)
    if requires is not None and not is_requirement(requires):
        raise reader.error("REQUIRES", "is not a version specifier of Python packaging (PEP 440)")
    return Strategy(
        name=path.stem,
        title=module.title or path.stem,
        description=module.description,
        path=shown,
        server=_server(reader),
        params=params,
        in_flight=in_flight,
        in_flight_param=in_flight_param,
        requires=requires,
        routes=module.routes,
        choices=_choices(reader, params),
        connections=connections,
        connections_param=connections_param,
        services=reader.get("SERVICES", tuple[Name, ...], ()),
    )


def _server(reader: LiteralReader) -> ServerOptions:
    options = reader.get("SERVER", ServerOptions, ServerOptions())
    try:
        return resolved(options)
    except UsageError as error:
        raise reader.error("SERVER", str(error)) from error


def _params(reader: LiteralReader) -> Params:
    params: dict[str, int | float | str] = reader.get("PARAMS", dict[Name, int | float | str], {})
    for name, value in params.items():
        if name in _RESERVED_PARAMS:
            raise reader.error("PARAMS", f"BENCH_{name.upper()} is taken; choose another name than {name!r}")
        if isinstance(value, str) and not value.isprintable():
            raise reader.error("PARAMS", f"{name!r} has characters that an environment variable should not have")
    return params


def _choices(reader: LiteralReader, params: Params) -> dict[str, tuple[str, ...]]:
    choices: dict[str, tuple[Name, ...]] = reader.get("CHOICES", dict[Name, tuple[Name, ...]], {})
    for name, values in choices.items():
        if name not in params:
            raise reader.error("CHOICES", f"PARAMS has no {name!r}; {nearest(name, sorted(params))}")
        if params[name] not in values:
            raise reader.error("CHOICES", f"PARAMS says {name!r} is {params[name]!r}, which is none of them")
    return choices


def _number_or_param(
    reader: LiteralReader, key: str, params: Mapping[str, int | float | str]
) -> tuple[int | None, str | None]:
    """The number, and the parameter that gives it."""
    given = reader.get(key, PositiveInt | str | None, None)
    if not isinstance(given, str):
        return given, None
    if given not in params:
        raise reader.error(key, f"PARAMS has no {given!r}; {nearest(given, sorted(params))}")
    value = params[given]
    if value == "cores":  # known when a variant is made for a machine
        return None, given
    if not isinstance(value, int) or value < 1:
        of_what = "calls" if key == "IN_FLIGHT" else "connections"
        raise reader.error(key, f"PARAMS says {given!r} is {value!r}, which is not a number of {of_what}")
    return value, given
