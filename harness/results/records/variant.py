"""A variant: a strategy, and everything that may be varied about it."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta, Struct

from harness.results.records.strategy import ServerOptions
from harness.results.records.values import Name, PositiveInt

# The strategy's name, then what was changed of it: `async_thread_pool[threads=8]`, and of what serves it:
# `pure_async @ granian+asyncio`.
VariantName = Annotated[
    str, Meta(pattern=r"^[a-z][a-z0-9_]*(\[[!-~]+\])?( @ [a-z0-9_]+(\+[a-z0-9_]+)*)?\Z", max_length=128)
]


class Variant(Struct, frozen=True, kw_only=True):
    """With a workload it is the one key of a cell, by its `name`, which no other variant of the run has.

    `params`, `server`, `workers` and `in_flight` are the values that this machine uses: "cores" has become a number.
    `in_flight` is how many upstream calls one worker can have waiting at once; None: as many as there are requests.
    `connections` is how many connections to the database one worker has; None: it is not said. `services`: those
    without which it does not start.
    `interpreter` is the Python that it runs on; empty: the harness's own.
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
    connections: int | None = None
    services: tuple[Name, ...] = ()

    @property
    def all_connections(self) -> int:
        """Of all its workers."""
        return (self.connections or 0) * self.workers


def slug(variant_name: str) -> str:
    """The variant's part of a folder's name: no spaces, and no brackets, which a shell takes for a pattern."""
    changed, at, served_by = variant_name.partition(" @ ")
    return re.sub(r"[^a-zA-Z0-9_.=-]", "-", changed.rstrip("]")) + at.strip() + served_by
