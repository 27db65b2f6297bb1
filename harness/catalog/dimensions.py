"""What a command line varies about strategies beside their parameters: servers, event loops, parsers, HTTP clients,
Pythons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import msgspec
from msgspec import Struct

from harness.catalog.variants import OWN_PYTHON, ParamValue, changed_param, check_names, variant_of
from harness.results.records.errors import UsageError
from harness.results.records.strategy import ServerOptions, Strategy
from harness.results.records.variant import Runtime, Variant
from harness.serving.asgi_server import asgi_server, under_server

CLIENT = "client"  # the parameter that names an HTTP client


class Dimensions(Struct, frozen=True):
    """The values that were asked for, in their order. Without any: what each strategy's file says."""

    servers: tuple[str, ...] = ()
    loops: tuple[str, ...] = ()
    parsers: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()

    @classmethod
    def read(
        cls,
        server: Sequence[str] | None,
        loop: Sequence[str] | None,
        http: Sequence[str] | None,
        client: Sequence[str] | None,
        python: Sequence[str] | None = None,
    ) -> Dimensions:
        """Of options such as `--server uvicorn,granian`, given once or more. Raises UsageError for an empty one."""
        return cls(
            servers=_values("--server", server),
            loops=_values("--loop", loop),
            parsers=_values("--http", http),
            clients=_values("--client", client),
            pythons=_values("--python", python),
        )


def varied(
    strategies: Sequence[Strategy], cores: int, asked: Dimensions, runtimes: Sequence[Runtime] = (OWN_PYTHON,)
) -> tuple[Variant, ...]:
    """A variant for each combination that there is, under each of the Pythons that `asked.pythons` became
    (`harness.cli.pythons`); of each strategy the one that is not changed comes first. A server
    that knows none of the loops or parsers runs with its own. Raises UsageError for a value that none of the servers
    knows, and for a client that no strategy has."""
    _check(strategies, asked)
    made: list[Variant] = []
    for strategy in strategies:
        of_strategy = [
            variant_of(strategy, cores, params=params, server=options, runtime=runtime)
            for options in _servings(strategy, asked)
            for params in _clients(strategy, asked.clients)
            for runtime in runtimes
        ]
        made += sorted(of_strategy, key=lambda variant: variant.name != strategy.name)
    check_names(made)
    return tuple(made)


def with_their_own(strategies: Sequence[Strategy], asked: Dimensions) -> tuple[str, ...]:
    """One line for each server that knows none of the loops or of the parsers that were asked for."""
    lines = []
    for server in _servers(strategies, asked):
        for option, values, known in _of_server(server, asked):
            if values and not set(values) & set(known):
                has = f"knows {', '.join(known)}" if known else "has no choice"
                lines.append(f"{option} {','.join(values)}: {server} {has}; it is measured with its own")
    return tuple(lines)


def _values(option: str, given: Sequence[str] | None) -> tuple[str, ...]:
    values = dict.fromkeys(value.strip() for words in given or () for value in words.split(",") if value.strip())
    if given and not values:
        raise UsageError(f"{option} {','.join(given)!r}: names none; `bench list` shows what there is")
    return tuple(values)


def _check(strategies: Sequence[Strategy], asked: Dimensions) -> None:
    known: dict[str, dict[str, Sequence[str]]] = {"--loop": {}, "--http": {}}
    for server in _servers(strategies, asked):
        for option, _, values in _of_server(server, asked):
            known[option][server] = values
    for option, values in (("--loop", asked.loops), ("--http", asked.parsers)):
        for value in values:
            if not any(value in there for there in known[option].values()):
                said = (f"{s} knows {', '.join(v)}" if v else f"{s} has no choice" for s, v in known[option].items())
                raise UsageError(f"{option} {value}: {'; '.join(said)}")
    if asked.clients and not any(CLIENT in strategy.params for strategy in strategies):
        names = ", ".join(strategy.name for strategy in strategies)
        raise UsageError(
            f"--client {','.join(asked.clients)}: {names}: no parameter {CLIENT!r}; `bench list` shows who has one"
        )


def _servers(strategies: Sequence[Strategy], asked: Dimensions) -> tuple[str, ...]:
    return asked.servers or tuple(dict.fromkeys(strategy.server.server for strategy in strategies))


def _of_server(server: str, asked: Dimensions) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """Option, what was asked for, what the server knows."""
    kind = asgi_server(server)
    yield "--loop", asked.loops, kind.loops
    yield "--http", asked.parsers, kind.parsers


def _servings(strategy: Strategy, asked: Dimensions) -> Iterator[ServerOptions]:
    for server in asked.servers or (strategy.server.server,):
        kind, usual = asgi_server(server), under_server(strategy.server, server)
        loops = [loop for loop in asked.loops if loop in kind.loops] or [usual.loop]
        parsers = [parser for parser in asked.parsers if parser in kind.parsers] or [usual.http]
        for loop, http in product(loops, parsers):
            yield msgspec.structs.replace(usual, loop=loop, http=http)


def _clients(strategy: Strategy, clients: Sequence[str]) -> list[Mapping[str, ParamValue]]:
    if not clients or CLIENT not in strategy.params:
        return [{}]
    return [changed_param(strategy, CLIENT, client) for client in clients]
