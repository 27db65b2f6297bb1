"""A digest of the code that measures: when it has changed, figures come from another instrument."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

_HARNESS = Path(__file__).parents[1]

# Makes the arrivals, sends the requests, stamps, records and reads the times: all code that the generator's figures
# need.
GENERATING = (
    "driving/inside",
    "driving/load.py",
    "driving/local_generator.py",
    "driving/shares.py",
    "judging/percentiles.py",
    "results/histograms.py",
    "results/records/schedule.py",
)
# What runs while a slice is measured. Judging and reporting are left out: they can be done again from the raw data.
MEASURING = (
    "driving",
    "inside",
    "interpreters",
    "machine",
    "measuring",
    "plan.py",
    "processes",
    "results/records",
    "results/store.py",
    "sampling",
    "scenario.py",
    "services",
    "serving",
)


def digest_of(parts: Iterable[str]) -> str:
    """Of files and of all modules in folders, named relative to `harness/`."""
    digest = hashlib.sha256()
    for path in sorted({path for part in parts for path in _modules(_HARNESS / part)}):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(_HARNESS).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def _modules(path: Path) -> Iterable[Path]:
    return path.rglob("*.py") if path.is_dir() else (path,)
