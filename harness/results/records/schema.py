"""The version of the layout on disk."""

from __future__ import annotations

SCHEMA_VERSION = 3
