"""Which Python a strategy needs."""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Callable
from typing import Any

_CLAUSE = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(\d{1,4}(?:\.\d{1,4}){0,2})\s*")
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


def unmet(requires: str | None, python: tuple[int, int, int] = sys.version_info[:3]) -> str:
    """Why a strategy that `requires` this is not applicable under `python`; empty when it is."""
    for symbol, version in _CLAUSE.findall(requires or ""):
        wanted = tuple(int(part) for part in version.split("."))
        if not _OPERATORS[symbol](python[: len(wanted)], wanted):
            return f"needs Python {requires}, and this is {'.'.join(map(str, python))}"
    return ""


def is_requirement(text: str) -> bool:
    return all(_CLAUSE.fullmatch(clause) for clause in text.split(","))
