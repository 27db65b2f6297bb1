"""A request to somebody's own app: what is sent, and what must be answered."""

from __future__ import annotations

from msgspec import Struct

from harness.results.records.values import PositiveFloat

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class AppRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`path` has the query and is as it is sent. `template` is the route in the app's schema, as `/orders/{id}`; empty:
    unknown. The Content-Type of `body` is one of the `headers`. `status` is the one that is right; None: any 2xx.
    `weight`: how often it is asked beside the others. `ignore`: names of fields of a JSON answer that differ each
    time."""

    method: str = "GET"
    path: str
    template: str = ""
    headers: dict[str, str] = {}
    body: bytes | None = None
    status: int | None = None
    weight: PositiveFloat = 1.0
    ignore: tuple[str, ...] = ()

    @property
    def route(self) -> str:
        """ "GET /orders/{id}"."""
        return f"{self.method} {self.template or self.path.partition('?')[0]}"
