"""A variant: a strategy, and everything that may be varied about it."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta, Struct

from harness.results.records.strategy import ServerOptions
from harness.results.records.values import Name, PositiveInt

# The strategy's name, then what was changed of it: `async_thread_pool[threads=8]`, and of what runs it:
# `pure_async @ granian+asyncio`, `pure_async @ 3.13`.
VariantName = Annotated[
    str, Meta(pattern=r"^[a-z][a-z0-9_]*(\[[!-~]+\])?( @ [a-z0-9_.]+(\+[a-z0-9_.]+)*)?\Z", max_length=128)
]


class Variant(Struct, frozen=True, kw_only=True):
    """With a workload it is the one key of a cell, by its `name`, which no other variant of the run has.

    `params`, `server`, `workers` and `in_flight` are the values that this machine uses: "cores" has become a number.
    `in_flight` is how many upstream calls one worker can have waiting at once; None: as many as there are requests.
    `connections` is how many connections to the database one worker has; None: it is not said. `services`: those
    without which it does not start.
    `interpreter` is the environment of another Python that it runs on (`3.14t-0a1b2c3d`, see
    `harness.interpreters.environments`), and `python` that one's version (`3.14.0t`: without the GIL); empty: the
    harness's own.
    """

    name: VariantName
    strategy: Name
    title: str
    path: str  # of the strategy's file, relative to the project
    requires: str | None = None  # the Python that the file asks for
    params: dict[str, int | float | str] = {}
    server: ServerOptions = ServerOptions()
    workers: PositiveInt = 1
    in_flight: int | None = None
    interpreter: str = ""
    python: str = ""
    connections: int | None = None
    services: tuple[Name, ...] = ()

    @property
    def all_connections(self) -> int:
        """Of all its workers."""
        return (self.connections or 0) * self.workers


class Runtime(Struct, frozen=True):
    """What a variant says of its Python, for one that is to be made."""

    interpreter: str = ""
    python: str = ""


def slug(variant_name: str) -> str:
    """The variant's part of a folder's name: no spaces, and no brackets, which a shell takes for a pattern."""
    changed, at, served_by = variant_name.partition(" @ ")
    return re.sub(r"[^a-zA-Z0-9_.=-]", "-", changed.rstrip("]")) + at.strip() + served_by
