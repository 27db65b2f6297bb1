"""What a plain Locust with somebody's locustfile is told, and the lines that it writes about the requests.

The order is JSON in the variable `ORDER_VARIABLE`, since it is needed before the locustfile is imported. The first line
is `UsersStarted` or `NotStarted`; all others are written when Locust ends.
"""

from __future__ import annotations

from msgspec import Struct

ORDER_VARIABLE = "BENCH_RECORDED_LOCUST"
OTHER_NAMES = "(others)"  # stands for all names after the first thousand of them


class RecordOrder(Struct, frozen=True, kw_only=True):
    """`host` and `port` are of the only server that may be asked."""

    locustfile: str
    host: str
    port: int
    lines_path: str
    warm_up_s: float
    run_time_s: float


class NotStarted(Struct, frozen=True, tag="not_started"):
    """`reason` is empty where only Locust's own output has it."""

    reason: str


class UsersStarted(Struct, frozen=True, kw_only=True, tag="users_started"):
    """`ignored_shape`: the name of the file's LoadTestShape, which is not used; empty when it has none."""

    users: int
    ignored_shape: str = ""


class NamedRequests(Struct, frozen=True, kw_only=True, tag="requests"):
    """The requests of one method and name that were made in the measured time. Times are pairs of microseconds, of four
    figures and rounded up, and how often; they can be added up. `given_up_us`: had no answer when Locust ended."""

    method: str
    name: str
    count: int = 0
    failures: int = 0
    failure_texts: dict[str, int] = {}
    answered_us: tuple[tuple[int, int], ...] = ()  # without failures
    given_up_us: tuple[tuple[int, int], ...] = ()


class SecondOfRequests(Struct, frozen=True, kw_only=True, tag="second"):
    """The requests that were made in one second of the measured time."""

    second: int
    count: int
    failures: int
    longest_ms: float


class LocustEnded(Struct, frozen=True, kw_only=True, tag="ended"):
    """The measured time, by CLOCK_MONOTONIC. `complete`: Locust was ended because it was over.

    `refused`: "host:port" of others than the app, and how often they were to be asked. `raised`: what the code of the
    file has raised, and how often.
    """

    began_s: float
    ended_s: float
    complete: bool
    refused: dict[str, int] = {}
    raised: dict[str, int] = {}


LocustLine = NotStarted | UsersStarted | NamedRequests | SecondOfRequests | LocustEnded


class LocustRecord(Struct, frozen=True, kw_only=True):
    """All lines of a Locust that ran to its end."""

    started: UsersStarted
    requests: tuple[NamedRequests, ...]
    seconds: tuple[SecondOfRequests, ...]
    ended: LocustEnded
