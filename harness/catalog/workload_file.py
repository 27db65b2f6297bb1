"""What a workload file says about itself, with every literal checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from harness.catalog import literals
from harness.catalog.literal_reader import EXAMPLES, LiteralReader
from harness.catalog.written_request import written_requests
from harness.results.records.errors import UsageError
from harness.results.records.values import Name
from harness.results.records.workload import Request, Workload
from harness.services.service_files import SERVICES_FOLDER, service_names, why_no_service

_WORKLOAD_LITERALS = ("REQUESTS", "WAIT_MS", "WAIT_SIGMA", "CALLS", "QUERIES", "SERVICES")
UPSTREAM = "upstream"


def read_workload(path: Path, shown: str, services_folder: Path = SERVICES_FOLDER) -> Workload:
    """The workload in `path`, called `shown` in errors. Raises UsageError, also for a service that `services_folder`
    does not hold."""
    module = literals.read_module(path, shown, _WORKLOAD_LITERALS)
    reader = LiteralReader(module, shown)
    wait_ms = reader.get("WAIT_MS", Annotated[float, Meta(ge=0, le=60_000)], 0.0)
    calls = reader.get("CALLS", Annotated[int, Meta(ge=0, le=1000)], 0)
    queries = reader.get("QUERIES", Annotated[int, Meta(ge=0, le=1000)], 0)
    if wait_ms > 0 and calls == queries == 0:
        raise reader.error(
            "WAIT_MS", "nothing waits without CALLS or QUERIES; add how many upstream calls a request makes"
        )
    if calls and queries:
        raise reader.error("QUERIES", "CALLS is given, too; the injected wait is in one of them, name that one")
    wait_sigma = reader.get("WAIT_SIGMA", Annotated[float, Meta(ge=0, le=3)], 0.0)
    if wait_sigma > 0 and (wait_ms == 0 or queries):
        raise reader.error(
            "WAIT_SIGMA", "only the waits of upstream calls are drawn: it needs CALLS, and WAIT_MS as their median"
        )
    return Workload(
        name=path.stem,
        title=module.title or path.stem,
        description=module.description,
        path=shown,
        requests=_requests(reader, shown),
        wait_ms=wait_ms,
        calls=calls,
        services=_services(reader, calls, services_folder),
        queries=queries,
        wait_sigma=wait_sigma,
    )


def _services(reader: LiteralReader, calls: int, folder: Path) -> tuple[Name, ...]:
    """A file that does not say what it needs needs the upstream, if it makes upstream calls."""
    services: tuple[Name, ...] = reader.get("SERVICES", tuple[Name, ...], (UPSTREAM,) if calls else ())
    for number, name in enumerate(services):
        if name in services[:number]:
            raise reader.error("SERVICES", f"{name!r} is named twice")
    if reader.has("SERVICES") and (unknown := sorted(set(services) - set(service_names(folder)))):
        raise reader.error("SERVICES", f"no service {unknown[0]!r}: {why_no_service(unknown[0], folder)}")
    return services


def _requests(reader: LiteralReader, shown: str) -> tuple[Request, ...]:
    requests = written_requests(reader)
    if not requests:
        raise UsageError(f"{shown}: has no REQUESTS; write them like {EXAMPLES['REQUESTS']}")
    expected: dict[tuple[object, ...], str] = {}
    for request in requests:
        if expected.setdefault(request.identity, request.expected) != request.expected:
            raise reader.error("REQUESTS", f"{request.name!r} has two answers")
    return requests
