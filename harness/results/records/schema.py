"""The version of the layout on disk."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal
import msgspec
from msgspec import Meta, Struct

SCHEMA_VERSION = 1
