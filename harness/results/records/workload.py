"""A workload: one file of `scenarios/`, its requests and their only right answers."""

from __future__ import annotations

import math
from typing import Annotated, Any

from msgspec import Meta, Struct

from harness.results.records.answer import canonical_json
from harness.results.records.values import Name

# `harness.services.upstream.FLOOR_OF_MEDIAN`: a drawn wait is never shorter than this part of its median.
SHORTEST_DRAWN_WAIT = 0.5
_LONGEST_DEVIATIONS = 3.5


class Request(Struct, frozen=True, array_like=True):
    """One request of a workload and its only right answer (JSON). `sha256`: instead of an answer that is too large to
    be written down, see `json_sha256`. `headers` name the Content-Type of `body`. `status`: the one that is right, and
    then the answer is not looked at; None: any 2xx with the answer."""

    path: str
    answer: Any
    sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")] = ""
    method: str = "GET"
    headers: dict[str, str] = {}
    body: str = ""
    status: int | None = None

    @property
    def identity(self) -> tuple[object, ...]:
        """What is sent: two requests that differ in it may have different answers."""
        headers = sorted((name.lower(), value) for name, value in self.headers.items())
        return self.method, self.path, tuple(headers), self.body

    @property
    def name(self) -> str:
        """`/orders?page=2`, or `POST /orders`."""
        return self.path if self.method == "GET" else f"{self.method} {self.path}"

    @property
    def expected(self) -> str:
        """The same text for the same right answer."""
        return f"status {self.status}" if self.status is not None else self.sha256 or canonical_json(self.answer)


class Workload(Struct, frozen=True):
    """One file of `scenarios/`. `wait_ms` is injected into each of `calls` upstream calls, or into each of `queries`
    that hold a database connection; 0: no I/O. With `wait_sigma` the waits are log-normal ones, and `wait_ms` is their
    median. `digest`: as a strategy's. `services`: what it needs beside the target, each a file of
    `harness/services/`."""

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
    wait_sigma: float = 0.0

    @property
    def waits(self) -> int:
        """How often a request waits."""
        return self.calls + self.queries

    @property
    def mean_wait_ms(self) -> float:
        """Of one wait. A log-normal's mean is above its median, and the floor under it adds a little."""
        if not self.wait_sigma:
            return self.wait_ms
        floor = math.log(SHORTEST_DRAWN_WAIT) / self.wait_sigma  # in standard deviations
        beyond = math.exp(self.wait_sigma**2 / 2) * _normal_share_below(self.wait_sigma - floor)
        return self.wait_ms * (SHORTEST_DRAWN_WAIT * _normal_share_below(floor) + beyond)

    @property
    def waits_s(self) -> float:
        """What a request waits at most, where it waits for one after the other. Of drawn waits one in 4,000 is longer
        (3.5 standard deviations)."""
        return self.waits * self.wait_ms * math.exp(_LONGEST_DEVIATIONS * self.wait_sigma) / 1000


def _normal_share_below(deviations: float) -> float:
    return (1 + math.erf(deviations / math.sqrt(2))) / 2
