"""When an answer is the right one: the same rule for the check before the load and for every request of the load."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from typing import Any

_REFUSALS = (503, 504)


def is_success(status: int) -> bool:
    """2xx. Any other status is an error, whatever its body says."""
    return 200 <= status < 300


def is_refusal(status: int) -> bool:
    """The server says itself that it does not answer this request now (RFC 9110, 15.6.4 and 15.6.5): its queue is full,
    or its deadline is over. Asked again it may answer."""
    return status in _REFUSALS


def canonical_json(value: Any) -> str:
    """The same text for the same JSON value and for no other.

    Types count: `1`, `1.0` and `true` are three values. The order of an object's keys does not count, that of an
    array's items does.
    """
    return json.dumps(value, sort_keys=True)


def json_sha256(value: Any) -> str:
    """Stands for a JSON value that is too large to be written into a workload file."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def answer_sha256(body: bytes, ignore: Collection[str] = ()) -> str:
    """Of any answer. The fields of these names are left out at every depth, if it is JSON: they differ each time."""
    if ignore:
        try:
            return json_sha256(_without(json.loads(body), ignore))
        except (ValueError, RecursionError):
            pass  # no JSON, or nested deeper than Python can follow: there are no fields to leave out
    return hashlib.sha256(body).hexdigest()


def _without(value: Any, names: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(each, names) for name, each in value.items() if name not in names}
    return [_without(each, names) for each in value] if isinstance(value, list) else value
