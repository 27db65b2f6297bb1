"""`app.json`: what a run of `bench app` is about, beside what every run has."""

from __future__ import annotations

from msgspec import Struct

from harness.results.records.remedy import Remedy
from harness.results.records.route_answer import RouteAnswer
from harness.results.records.schema import SCHEMA_VERSION

AS_IS = "as_is"  # the variant without any remedy, and the baseline
ALL_ROUTES = "all routes"  # in place of a route: the workload that asks each as often as its weight says


class AppRecord(Struct, frozen=True, kw_only=True):
    """`app` as uvicorn is told it, imported from `folder` by the interpreter `python`. `workloads` says of each workload
    of the run which route it asks, or `ALL_ROUTES`; empty: nothing was measured under load. The last three are the
    limits of the gate; None: there is none."""

    app: str
    folder: str
    python: str
    answers: tuple[RouteAnswer, ...]
    remedies: tuple[Remedy, ...]
    workloads: dict[str, str]
    max_blocked_ms: float | None
    max_p99_ms: float | None
    at_rps: float | None
    schema_version: int = SCHEMA_VERSION
