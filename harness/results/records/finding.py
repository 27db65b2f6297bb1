"""A finding: something that happened to a slice, and what to do about it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Finding(Struct, frozen=True):
    """Why a slice may not be believed (`invalid`) or what a reader should know (`info`)."""

    code: str
    level: Literal["invalid", "info"]
    message: str  # what happened, with the figure and the threshold
    advice: str  # what to do


# What ended a slice early and was not its strategy: its round is measured again.
CUT_OFF = frozenset({"service_died", "generator_died"})
