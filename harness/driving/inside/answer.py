"""Whether a body is the only right answer to a request."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def checker(answer: Any) -> Callable[[bytes], bool]:
    """Compares JSON values; a body equal to the last right one byte by byte need not be parsed again."""
    last_right: bytes | None = None

    def is_right(body: bytes) -> bool:
        nonlocal last_right
        if body == last_right:
            return True
        try:
            right: bool = json.loads(body) == answer
        except (ValueError, RecursionError):  # not JSON; JSON that is nested without end
            return False
        if right:
            last_right = body
        return right

    return is_right
