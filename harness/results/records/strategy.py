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
    """One file of `targets/`, as its literals tell it; nothing was imported to read it.

    `in_flight` is how many upstream calls one worker can have waiting at once (None: as many as there are
    requests); with it the ceiling of a waiting workload is known. `in_flight_param` is the parameter it is the value
    of, if it is one's. `routes` is what the decorators name. `digest` is of the file and of what it shares with others.
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
