"""The project that `bench` is called in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.catalog.catalog import Catalog


def root() -> Path:
    """Raises UsageError where there is none."""
    from harness.catalog.catalog import project_root

    return project_root(Path.cwd())


def catalog() -> Catalog:
    """Its strategies and workloads."""
    from harness.catalog.catalog import Catalog

    return Catalog.read(root())
