"""The `json` workload: a large answer that a pydantic model validates and writes, in a form that all strategies share.

Apart from `_work`, because pydantic takes a tenth of a second to import, and no other workload needs it in the children
of a process pool.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from annotated_types import Interval
from pydantic import BaseModel

# A query parameter. Outside the bounds FastAPI answers 422.
Items = Annotated[int, Interval(ge=1, le=2_000)]

LINES_PER_ORDER = 3
_FIRST_PLACED = datetime(2026, 1, 1, 8, 30, tzinfo=UTC)


class Address(BaseModel):
    street: str
    city: str
    postcode: str
    country: str


class Line(BaseModel):
    sku: str
    quantity: Annotated[int, Interval(ge=1, le=1_000)]
    cents: Annotated[int, Interval(ge=0)]
    discount: Annotated[float, Interval(ge=0, le=1)]


class Order(BaseModel):
    id: int
    customer: str
    email: str
    placed: datetime
    paid: bool
    note: str | None
    address: Address
    lines: list[Line]


class Orders(BaseModel):
    """The answer."""

    key: int
    orders: list[Order]


def rows(key: int, items: int) -> dict[str, Any]:
    """What a database gives: plain values, not yet validated. Fractions are eighths, which floats hold exactly."""
    return {"key": key, "orders": [_row(key + number) for number in range(items)]}


def orders_json(key: int, items: int) -> bytes:
    """All of it at once: for strategies that do not leave it to FastAPI, which validates `rows` by the endpoint's
    `response_model` and writes them on the event loop."""
    return Orders.model_validate(rows(key, items)).model_dump_json().encode()


def _row(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "customer": f"customer {number % 977}",
        "email": f"customer{number % 977}@example.org",
        "placed": _FIRST_PLACED + timedelta(minutes=number),
        "paid": number % 3 > 0,
        "note": None if number % 4 else "leave it at the door",
        "address": {
            "street": f"{number % 211} Long Street",
            "city": "Springfield",
            "postcode": f"{number % 99_991:05d}",
            "country": "NL",
        },
        "lines": [
            {
                "sku": f"SKU-{(number * 31 + line) % 9_973:06d}",
                "quantity": 1 + (number + line) % 9,
                "cents": (number * 37 + line * 101) % 50_000,
                "discount": (number + line) % 8 / 8,
            }
            for line in range(LINES_PER_ORDER)
        ],
    }
