"""A value as TOML writes it on one line: the standard library reads TOML and does not write it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_TO_ESCAPE = re.compile(r'["\\\x00-\x1f\x7f]')


def toml_value(value: Any) -> str:
    """Raises TypeError for what TOML has not, such as None."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(str(name))} = {toml_value(each)}" for name, each in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml_value(each) for each in value)}]"
    raise TypeError(f"TOML has no {type(value).__name__}")


def _key(name: str) -> str:
    return name if _BARE_KEY.match(name) else _text(name)


def _text(text: str) -> str:
    """A lone half of a UTF-16 pair, which JSON can hold and UTF-8 cannot, becomes a question mark."""
    whole = text.encode(errors="replace").decode()
    return '"' + _TO_ESCAPE.sub(lambda found: f"\\u{ord(found[0]):04x}", whole) + '"'
