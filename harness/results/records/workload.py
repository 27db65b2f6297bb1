"""A workload: one file of `scenarios/`, its requests and their only right answers."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from harness.results.records.values import Name


class Request(Struct, frozen=True, array_like=True):
    """One request of a workload and its only right answer (JSON)."""

    path: str
    answer: Any


class Workload(Struct, frozen=True):
    """One file of `scenarios/`. `wait_ms` is injected into each of `calls` upstream calls, or into each of `queries`
    that hold a database connection; 0: no I/O. `digest`: as a strategy's. `services`: what it needs beside the target,
    each a file of `harness/services/`."""

    name: Name
    title: str
    description: str
    path: str
    requests: tuple[Request, ...]
    wait_ms: float = 0.0
    calls: int = 0
    services: tuple[Name, ...] = ()
    digest: str = ""
    queries: int = 0

    @property
    def waits(self) -> int:
        """How often a request waits."""
        return self.calls + self.queries

    @property
    def waits_s(self) -> float:
        """What a request waits where its calls are made one after the other."""
        return self.waits * self.wait_ms / 1000
