"""The variant that all others of a run are compared with, when the command line names none."""

from __future__ import annotations

from collections.abc import Sequence

USUAL_BASELINE = "sync_def"  # what FastAPI does with a plain `def`: the figure that readers know


def default_baseline(variants: Sequence[str]) -> str | None:
    """`sync_def` when it is among the names, else the first of them; None when there is none."""
    if USUAL_BASELINE in variants:
        return USUAL_BASELINE
    return variants[0] if variants else None
