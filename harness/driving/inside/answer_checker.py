"""Whether a body is the only right answer to a request, asked for every request of a load."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from harness.results.records.answer import canonical_json, json_sha256


def answer_checker(answer: Any, sha256: str = "") -> Callable[[bytes], bool]:
    """Compares JSON values by `canonical_json`, or by `json_sha256` where a digest is given. A body with the same bytes
    as the last right one is not parsed."""
    return _digest_checker(sha256) if sha256 else _checker(canonical_json, canonical_json(answer))


@functools.cache
def _digest_checker(sha256: str) -> Callable[[bytes], bool]:
    """One for all users: the answer is large, and each would have to parse it once in every slice."""
    return _checker(json_sha256, sha256)


def _checker(read: Callable[[Any], str], expected: str) -> Callable[[bytes], bool]:
    last_right: bytes | None = None

    def is_right(body: bytes) -> bool:
        nonlocal last_right
        if body == last_right:
            return True
        try:
            right = read(json.loads(body)) == expected
        except (ValueError, RecursionError):  # it is not JSON, or nested deeper than Python can follow
            return False
        if right:
            last_right = body
        return right

    return is_right
