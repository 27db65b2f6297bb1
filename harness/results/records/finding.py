"""A finding: something that happened to a trial, and what to do about it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Finding(Struct, frozen=True):
    """Why a trial may not be believed (`invalid`) or what a reader should know (`info`)."""

    code: str
    level: Literal["invalid", "info"]
    message: str  # what happened, with the figure and the threshold
    advice: str  # what to do
