"""A strategy: one file of `targets/`, as its literals describe it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from harness.results.records.values import Name, PositiveInt


class ServerOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """A strategy's `SERVER` literal: which ASGI server runs it, and how.

    `server` is the name of a file in `harness/serving/servers/`, which says what `loop` and `http` (the HTTP parser) it
    knows; empty: what that file names first. `"cores"` means the target's share of the machine.
    """

    server: Name = "uvicorn"
    workers: PositiveInt | Literal["cores"] = 1
    loop: str = ""
    http: str = ""


class Strategy(Struct, frozen=True):
    """One file of `targets/`, as its literals describe it; nothing was imported to read it.

    `in_flight` is how many upstream calls one worker can have waiting at once (None: as many as there are requests);
    the ceiling of a waiting workload is computed from it. `in_flight_param` names the parameter that gives it, if one
    does. `routes` are the paths in decorators. `digest` is of the file and of the code that it shares with others.
    `choices` are the only values that a parameter may have, for those that have such a list.
    `connections` is how many connections to the database one worker has, and with `connections_param` it is as with
    `in_flight`. `services` are those without which it does not start.
    """

    name: Name
    title: str
    description: str
    path: str
    server: ServerOptions = ServerOptions()
    params: dict[str, int | float | str] = {}
    in_flight: int | None = None
    in_flight_param: str | None = None
    requires: str | None = None
    routes: tuple[str, ...] = ()
    digest: str = ""
    choices: dict[str, tuple[str, ...]] = {}
    connections: int | None = None
    connections_param: str | None = None
    services: tuple[Name, ...] = ()
