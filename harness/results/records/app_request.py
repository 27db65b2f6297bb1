"""A request that is made of somebody's own app."""

from __future__ import annotations

from msgspec import Struct

from harness.results.records.values import PositiveFloat


class AppRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`path` is sent as it is, with its query. `template` is the route in the schema, such as `/orders/{id}`; empty: it
    is not known. `body` is encoded already, and its Content-Type is in `headers`. `status`: the expected one; None: any
    2xx. `ignore`: fields of a JSON answer that differ each time."""

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
        """As in "GET /orders/{id}"."""
        return f"{self.method} {self.template or self.path.partition('?')[0]}"
