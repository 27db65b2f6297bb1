"""When an answer is the right one: the same rule for the check before the load and for every request of the load."""

from __future__ import annotations

import json
from typing import Any


def is_success(status: int) -> bool:
    """2xx. Any other status is an error, whatever its body says."""
    return 200 <= status < 300


def canonical_json(value: Any) -> str:
    """The same text for the same JSON value and for no other.

    Types count: `1`, `1.0` and `true` are three values. The order of an object's keys does not count, that of an
    array's items does.
    """
    return json.dumps(value, sort_keys=True)
