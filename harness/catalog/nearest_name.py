"""Suggests names in place of one that is not known."""

from __future__ import annotations

from collections.abc import Sequence


def nearest(name: str, known: Sequence[str]) -> str:
    """For an error message: the most similar name, and all names."""
    from difflib import get_close_matches  # noqa: PLC0415 - only an error needs it

    near = get_close_matches(name, known, n=1)
    there_are = f"there are: {', '.join(known)}" if known else "there are none"
    return f"did you mean {near[0]!r}? ({there_are})" if near else there_are
