"""One line of `watch/<pid>.requests.jsonl`: a request, as the worker that answered it saw it."""

from __future__ import annotations

from msgspec import Struct


class RequestLine(Struct, frozen=True):
    """`template` is its route, as OpenAPI has it; None where the app did not say. `cpu_ms` is of the whole process, and
    `thread_ms` the time in AnyIO's threads: this request's own only while there is no other. Of a request there may be
    several lines, of which the last one counts: those before it have not `ended`."""

    number: int
    method: str
    path: str
    template: str | None
    kind: str  # of its endpoint: "async def", "def" or "unknown"
    sync_dependencies: int
    status: int
    service_ms: float  # from its arrival to the last byte of the answer
    cpu_ms: float
    thread_ms: float
    endpoint: str = ""  # the name of its function
    endpoint_place: tuple[str, int] = ("", 0)  # file and first line of it, decorators included
    endpoint_can_be_def: bool = False  # it is `async def`, and nothing in it needs that
    cannot_wait: bool = False  # by its code, so that it needs no thread
    background_in_threads: int = 0  # tasks that are `def`
    ended: bool = True
    movable_dependencies: tuple[tuple[str, int], ...] = ()  # where each is that is `async def` and could be `def`
    threads: int | None = None  # how many AnyIO may have; None: no AnyIO, or no limit


class FailureLine(Struct, frozen=True):
    """One line of `watch/<pid>.failures.jsonl`: why the watching thread could not tell what it saw, the first time."""

    error: str


class SchemaLine(Struct, frozen=True):
    """One line of `watch/<pid>.schemas.jsonl`: where the app, or one that is mounted in it, has its OpenAPI schema."""

    path: str
    prefix: str  # of the paths in it


class RouteLine(Struct, frozen=True):
    """One line of `watch/<pid>.routes.jsonl`: a route of an app that has no OpenAPI schema."""

    method: str
    path: str  # its template


class WebsocketLine(Struct, frozen=True):
    """One line of `watch/<pid>.websockets.jsonl`: a websocket of the app."""

    path: str
