"""Bounds that the fields of records share; decoding checks them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*\Z", max_length=64)]
PositiveFloat = Annotated[float, Meta(gt=0, le=86_400)]  # seconds, rates: finite, and nobody means more
NonNegativeFloat = Annotated[float, Meta(ge=0, le=86_400)]
PositiveInt = Annotated[int, Meta(ge=1)]
